import OpenSSLX509
import Testing
import TokencertTestAuthority

@testable import TokencertIssuance
@testable import TokencertLedger

/// The effects and reports of the steps after an order was sent, and of their failures.
@Suite struct CertificateStepTests {
    private static let answerStart = "200,OK\n"

    private static func failure(_ code: IssuanceError.Code, at step: Step) -> IssuanceError {
        IssuanceError(code, at: step, "no")
    }

    /// The error that a body throws, or nil.
    private func error(_ body: () throws -> Void) -> IssuanceError? {
        do {
            try body()
            return nil
        } catch {
            return error as? IssuanceError
        }
    }

    private func existing(_ parts: StepParts, _ key: HostPrivateKey) -> OrderEvent.Job {
        .issue(parts.issue(.existing(publicKeyHash: publicKeyHash(key))))
    }

    private func imported(_ key: HostPrivateKey, withChain: Bool = false) -> OrderEvent.Job {
        var imported = OrderEvent.Import(publicKeyHash: publicKeyHash(key))
        imported.writesChain = withChain
        return .import(imported)
    }

    private func answered(_ text: String) -> OrderEvent {
        .answered(.init(status: 200, body: Array(text.utf8), interruption: nil))
    }

    // MARK: Verifying

    @Test("A received certificate is recorded; one from elsewhere must be in the ledger first")
    func certified() throws {
        let parts = try StepParts()
        let key = try parts.addKey()
        let certificate = try parts.ca.issue(for: key.publicKey, number: 2, name: "Anna")
        let events = [OrderEvent.sentFor(key), answered(Self.answerStart + certificate.pem)]
        var (work, token) = (try parts.work(existing(parts, key), events), parts.token)
        let outcome = try work.verifyCertificate(on: &token)
        #expect(outcome.facts == [.accepted(certificate)])
        #expect(outcome.failure == nil && !outcome.mustBeRecorded)
        let other = try StepParts()
        other.acting.world.keys[[1]] = key
        var importing = try other.work(imported(key))
        importing.brought.certificates = [
            try other.ca.issue(for: key.publicKey, number: 2, name: "Anna")
        ]
        importing.brought.isForOrder = false
        var otherToken = other.token
        let brought = try importing.verifyCertificate(on: &otherToken)
        #expect(brought.facts.map(\.kind) == ["certified"] && brought.mustBeRecorded)
    }

    @Test("Without any certificate the user has to decide, and the outcome is unchanged")
    func nothingCame() throws {
        let parts = try StepParts()
        let key = try parts.addKey()
        var (work, token) = (
            try parts.work(existing(parts, key), [.sentFor(key)]), parts.token
        )
        let failure = error { _ = try work.verifyCertificate(on: &token) }
        #expect(failure?.code == .needsDecision)
        #expect(work.order.state == .sending)
    }

    // Otherwise the order would count as refused and be sent again although the CA issued.
    @Test("A refusal with a certificate for another key leaves the outcome unknown")
    func otherKeyUnderRefusal() throws {
        let parts = try StepParts()
        let key = try parts.addKey()
        let other = try HostPrivateKey.generate(.ec(.p256))
        let certificate = try parts.ca.issue(for: other.publicKey, number: 2, name: "Anna")
        let events = [OrderEvent.sentFor(key), answered("403,no\n" + certificate.pem)]
        var (work, token) = (try parts.work(existing(parts, key), events), parts.token)
        let outcome = try work.verifyCertificate(on: &token)
        #expect(outcome.facts == [.unclear(reason: "the CA refused the order: no")])
        #expect(outcome.failure == nil && work.order.adding(outcome.facts[0]).nextStep == .fetch)
    }

    // Otherwise an interrupted order would ask the user to accept its certificate again.
    @Test("An accepted change stays accepted, except in a different certificate")
    func acceptedOnce() throws {
        for (changes, isBrought, isAccepted) in [
            (["name"], false, true), ([], false, false), (["name"], true, false),
        ] as [([String], Bool, Bool)] {
            let parts = try StepParts()
            let key = try parts.addKey()
            let certificate = try parts.ca.issue(for: key.publicKey, number: 2, name: "Bob")
            let events = [
                OrderEvent.sentFor(key), answered(Self.answerStart + certificate.pem),
                .accepted(certificate, changes: changes),
            ]
            var work = try parts.work(existing(parts, key), events, isResumed: true)
            if isBrought { work.brought.certificates = [certificate] }
            var token = parts.token
            let failure = error { _ = try work.verifyCertificate(on: &token) }
            #expect(failure?.code == (isAccepted ? nil : .certificateDiffers), "\(changes)")
        }
    }

    // Some CAs send the certificates of issuers only once.
    @Test("The issuers of an earlier certificate of the key verify a new one that comes alone")
    func issuerInLedger() throws {
        let parts = try StepParts()
        let key = try parts.addKey()
        let middleKey = try HostPrivateKey.generate(.ec(.p256))
        let middle = try parts.ca.root.issue(
            CertificateContent(
                subject: [.init(.commonName, "Class 3")], publicKey: middleKey.publicKey,
                serialNumber: [9], notBefore: modelTime - 1, notAfter: modelTime + 90_000,
                extensions: [
                    .basicConstraints(isAuthority: true), .keyUsage([.keyCertSign]),
                    .subjectKeyIdentifier(middleKey.publicKey),
                    .authorityKeyIdentifier(parts.ca.root.publicKey),
                ]), issuer: parts.ca.anchor)
        let certificate = try middleKey.issue(
            CertificateContent(
                subject: [.init(.commonName, "Anna")], publicKey: key.publicKey,
                serialNumber: [2], notBefore: modelTime, notAfter: modelTime + 86_400,
                extensions: [
                    .basicConstraints(isAuthority: false),
                    .authorityKeyIdentifier(middleKey.publicKey),
                    .extendedKeyUsage([.emailProtection, .clientAuth]),
                    try .subjectAlternativeName(emailAddresses: ["anna@example.org"]),
                ]), issuer: middle)
        func failure() throws -> IssuanceError.Code? {
            let events = [OrderEvent.sentFor(key), answered(Self.answerStart + certificate.pem)]
            var (work, token) = (try parts.work(existing(parts, key), events), parts.token)
            defer { _ = try? work.journal.recordIntent(.closed(reason: "over"), at: .plan) }
            return error { _ = try work.verifyCertificate(on: &token) }?.code
        }
        #expect(try failure() == .issuerNotTrusted)
        let earlier = try parts.work(
            existing(parts, key),
            [
                .sentFor(key),
                .certified(
                    .init(certificate: certificate.pem, others: middle.pem, changes: [])),
            ])
        try earlier.journal.recordIntent(.closed(reason: "over"), at: .plan)
        #expect(try failure() == nil)
    }

    // MARK: Writing

    @Test("The certificate in the ledger is written, or reported as already on the token")
    func written() throws {
        for wasThere in [false, true] {
            let parts = try StepParts()
            let key = try parts.addKey()
            let certificate = try parts.ca.issue(for: key.publicKey, number: 2, name: "Anna")
            if wasThere { parts.acting.world.certificates = [certificate] }
            var work = try parts.work(
                existing(parts, key), [.sentFor(key), .accepted(certificate)])
            var token = parts.token
            let outcome = try work.writeCertificate(on: &token)
            let uri = "pkcs11:id=%01;type=cert"
            #expect(outcome.facts == [.written(uri: uri)] && outcome.failure == nil)
            #expect(work.notes.wasThere == wasThere && work.notes.written == uri)
            #expect(parts.acting.world.certificates == [certificate])
        }
    }

    @Test("A label that a certificate does not get is reported")
    func unchangedLabel() throws {
        for (wanted, wasThere, isReported) in [
            ("new", true, true), ("new", false, false), (nil, true, false),
        ] as [(String?, Bool, Bool)] {
            let parts = try StepParts()
            let key = try parts.addKey()
            let certificate = try parts.ca.issue(for: key.publicKey, number: 2, name: "Anna")
            if wasThere { parts.acting.world.certificates = [certificate] }
            var imported = OrderEvent.Import(
                publicKeyHash: hexadecimal(key.publicKey.sha256Fingerprint))
            imported.certificateLabel = wanted.map { Array($0.utf8) }
            var work = try parts.work(.import(imported), [.accepted(certificate)])
            var token = parts.token
            _ = try work.writeCertificate(on: &token)
            let remark = "the certificate was already there, and its label is unchanged"
            #expect(work.notes.remarks == (isReported ? [remark] : []))
        }
    }

    @Test("Nothing is written without a verified certificate or without room")
    func notWritten() throws {
        for (hasCertificate, expected) in [
            (false, .needsDecision), (true, .noRoom),
        ] as [(Bool, IssuanceError.Code)] {
            let parts = try StepParts()
            let key = try parts.addKey()
            let certificate = try parts.ca.issue(for: key.publicKey, number: 2, name: "Anna")
            parts.script.failures["requireRoom"] = Self.failure(.noRoom, at: .write)
            let events: [OrderEvent] = hasCertificate ? [.accepted(certificate)] : []
            var (work, token) = (try parts.work(existing(parts, key), events), parts.token)
            let failure = error { _ = try work.writeCertificate(on: &token) }
            #expect(failure?.code == expected && failure?.step == .write)
            #expect(parts.script.written.isEmpty && work.notes.written == nil)
        }
    }

    // Otherwise another program's certificate would be mistaken for this one.
    @Test("Only the process that made the key may skip the search for its certificates")
    func freshKey() throws {
        for (isNew, isResumed) in [(true, false), (true, true), (false, false), (false, true)] {
            let parts = try StepParts()
            let key = try parts.addKey()
            let certificate = try parts.ca.issue(for: key.publicKey, number: 2, name: "Anna")
            var issue = parts.issue(
                isNew
                    ? .new(kind: "ec:p256") : .existing(publicKeyHash: publicKeyHash(key)))
            issue.certificateLabel = [0xFF, 0x6D]
            var work = try parts.work(
                .issue(issue), [.sentFor(key), .accepted(certificate)], isResumed: isResumed)
            var token = parts.token
            _ = try work.writeCertificate(on: &token)
            #expect(parts.script.written.map(\.isFresh) == [isNew && !isResumed])
            // A label may have any bytes.
            #expect(parts.script.written.map(\.label) == [[0xFF, 0x6D]])
        }
    }

    // Otherwise the user's certificate would be lost because a CA certificate was refused.
    @Test("If writing the chain fails, the certificate and the part written are recorded")
    func chain() throws {
        let parts = try StepParts()
        let key = try parts.addKey()
        let certificate = try parts.ca.issue(for: key.publicKey, number: 2, name: "Anna")
        let seen = try parts.ca.issue(for: key.publicKey, number: 3, name: "Seen")
        parts.script.chain = [parts.anchor]
        parts.script.seen = [seen]
        parts.script.failures["writeChain"] = Self.failure(.tokenNotWritable, at: .write)
        var work = try parts.work(imported(key, withChain: true), [.accepted(certificate)])
        var token = parts.token
        let outcome = try work.writeCertificate(on: &token)
        #expect(outcome.failure?.code == .tokenNotWritable && outcome.facts.isEmpty)
        let recorded = try parts.ledger.order(1)
        #expect(
            recorded.events.dropFirst(2).map(\.event) == [
                .written(uri: "pkcs11:id=%01;type=cert"),
                .chainWritten(certificate: parts.anchor.pem),
            ])
        #expect(recorded.state == .written)
        #expect(work.notes.chain == ["CN=Root", "CN=Seen"])
        // Without the option no chain is written.
        let other = try StepParts()
        other.acting.world.keys[[1]] = key
        var (without, otherToken) = (
            try other.work(imported(key), [.accepted(certificate)]), other.token
        )
        _ = try without.writeCertificate(on: &otherToken)
        #expect(!other.script.calls.contains("writeChain"))
    }

    // MARK: Reading back

    @Test("A proof is recorded with the certificate that was read and the method")
    func proved() throws {
        for (possession, method) in [
            (.signature, nil), (.decryption, "decryption"),
        ] as [(Possession, String?)] {
            let parts = try StepParts()
            let key = try parts.addKey()
            let certificate = try parts.ca.issue(for: key.publicKey, number: 2, name: "Anna")
            parts.script.possession = possession
            var work = try parts.work(
                existing(parts, key),
                [.sentFor(key), .accepted(certificate), .written(uri: "pkcs11:x")])
            var token = parts.token
            let outcome = try work.readBack(on: &token)
            let signature: [UInt8] = possession == .signature ? [2] : []
            #expect(
                outcome.facts == [
                    .proved(
                        .init(
                            uri: "pkcs11:x",
                            sha256Fingerprint: hexadecimal(certificate.sha256Fingerprint),
                            challenge: [1], signature: signature, method: method))
                ])
            #expect(work.notes.possession == possession)
            let isRemarked = work.notes.remarks.contains { $0.contains("proved by decryption") }
            #expect(isRemarked == (possession == .decryption))
        }
    }

    // Otherwise a working certificate would be replaced by one that may not work.
    @Test("Without a proof the order is closed, and the old certificate stays")
    func unproved() throws {
        for isRetired in [false, true] {
            let parts = try StepParts()
            let key = try parts.addKey()
            let old = try parts.ca.issue(for: key.publicKey, number: 1, name: "Anna")
            let new = try parts.ca.issue(for: key.publicKey, number: 2, name: "Anna")
            parts.script.possession = .none
            let issue = parts.issue(.existing(publicKeyHash: publicKeyHash(key)))
            var work = try parts.work(
                .renew(issue, replacing: old.pem, isRetired: isRetired), [.accepted(new)])
            var token = parts.token
            let outcome = try work.readBack(on: &token)
            #expect(outcome.facts.map(\.kind) == ["closed"])
            let isRemarked = work.notes.remarks.contains {
                $0.hasPrefix("the old certificate stays on the token")
            }
            #expect(isRemarked == isRetired)
            #expect(!parts.script.calls.contains("remove"))
        }
    }

    @Test("A missing proof is accepted only with accepted changes and without a new order")
    func acceptingNoProof() throws {
        for (accepts, hasSent) in [(false, false), (false, true), (true, false), (true, true)] {
            let parts = try StepParts()
            let key = try parts.addKey()
            let certificate = try parts.ca.issue(for: key.publicKey, number: 2, name: "Anna")
            var work = try parts.work(existing(parts, key), [.accepted(certificate)])
            work.brought.acceptsChanges = accepts
            work.hasSent = hasSent
            var token = parts.token
            _ = try work.readBack(on: &token)
            #expect(parts.script.acceptsNoProof == [accepts && !hasSent])
        }
    }

    @Test("If a different certificate is read back, no proof is recorded")
    func differs() throws {
        let parts = try StepParts()
        let key = try parts.addKey()
        let certificate = try parts.ca.issue(for: key.publicKey, number: 2, name: "Anna")
        parts.script.failures["readBack"] = Self.failure(.notProved, at: .readBack)
        let events: [OrderEvent] = [
            .sentFor(key), .accepted(certificate), .written(uri: "pkcs11:x"),
        ]
        var (work, token) = (try parts.work(existing(parts, key), events), parts.token)
        let runner = TokencertIssuance.Runner(parts.settings, parts.ca)
        let failure = error { try runner.run(&work, from: .readBack, over: &token) }
        #expect(failure?.code == .notProved)
        #expect(failure?.order?.number == 1 && failure?.order?.arrivedState == .written)
        let recorded = try parts.ledger.order(1)
        #expect(!recorded.isProved && recorded.state == .written)
        #expect(recorded.events.last?.kind == "stopped")
    }
}
