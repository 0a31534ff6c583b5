import OpenSSLX509
import Testing
import TokencertTestAuthority

@testable import TokencertIssuance
@testable import TokencertLedger

/// When a replaced certificate is removed, and when it stays.
@Suite struct RetireStepTests {
    private let parts: StepParts
    private let key: HostPrivateKey

    init() throws {
        parts = try StepParts()
        key = try parts.addKey()
    }

    private func certificate(
        _ number: UInt8, from notBefore: Int64 = 0, to notAfter: Int64 = 86_400
    ) throws -> Certificate {
        try parts.root.issue(
            CertificateContent(
                subject: [.init(.commonName, "Anna")], publicKey: key.publicKey,
                serialNumber: [number], notBefore: modelTime + notBefore,
                notAfter: modelTime + notAfter, extensions: []), issuer: parts.anchor)
    }

    /// An order with a proved new certificate on the token beside an old one.
    private func renewal(_ old: Certificate, _ new: Certificate) throws -> OrderWork {
        parts.acting.world.certificates = [old, new]
        let issue = parts.issue(.existing(publicKeyHash: publicKeyHash(key)))
        let proved = OrderEvent.proved(
            .init(
                uri: "pkcs11:", sha256Fingerprint: hexadecimal(new.sha256Fingerprint),
                challenge: [1], signature: [2]))
        return try parts.work(
            .renew(issue, replacing: old.pem, isRetired: true),
            [.accepted(new), .written(uri: "pkcs11:"), proved])
    }

    private func retire(
        _ work: inout OrderWork, _ token: inout ScriptedToken
    ) throws -> StepOutcome {
        let prepared = try work.prepareToRetireOld()
        guard let event = prepared.intent else { return prepared }
        let intent = try work.journal.recordIntent(event, at: .retire)
        return try work.retireOld(intent, on: &token)
    }

    @Test("An older certificate is removed after its intent is recorded, and reported")
    func removed() throws {
        let (old, new) = (try certificate(2), try certificate(3, from: 1, to: 86_401))
        var (work, token) = (try renewal(old, new), parts.token)
        let outcome = try retire(&work, &token)
        let name = "CN=Anna, serial number 02"
        #expect(outcome.facts == [.retired(certificate: name)] && outcome.failure == nil)
        #expect(work.notes.retired == name)
        #expect(parts.acting.world.removed == [old])
        #expect(try parts.ledger.order(1).events.last?.event == .retiring(certificate: name))
    }

    @Test("A certificate with the same dates is removed")
    func equalDates() throws {
        let (old, new) = (try certificate(2), try certificate(3))
        var (work, token) = (try renewal(old, new), parts.token)
        _ = try retire(&work, &token)
        #expect(parts.acting.world.removed == [old])
    }

    // Otherwise the user would lose the better of two certificates.
    @Test("A certificate that is newer or valid for longer stays, and the order is closed")
    func stays() throws {
        let new = try certificate(9)
        for (old, reason) in [
            (try certificate(2, from: 1), "it is newer than its replacement"),
            (
                try certificate(3, to: 86_401),
                "it is valid for longer than its replacement"
            ),
        ] {
            var (work, token) = (try renewal(old, new), parts.token)
            let outcome = try retire(&work, &token)
            let remark = "the old certificate is not removed from the token: \(reason)"
            #expect(outcome.facts == [.closed(reason: remark)] && outcome.failure == nil)
            #expect(work.notes.remarks.first?.hasPrefix(remark) == true)
            #expect(work.notes.retired == nil)
            work.journal.recordFact(.closed(reason: remark))
        }
        #expect(parts.acting.world.removed.isEmpty && !parts.script.calls.contains("remove"))
    }

    @Test("A certificate never replaces itself")
    func itself() throws {
        let old = try certificate(2)
        var work = try renewal(old, old)
        let error = try #require(throws: IssuanceError.self) {
            _ = try work.prepareToRetireOld()
        }
        #expect(error.code == .certificateWrong && error.step == .retire)
        #expect(parts.acting.world.certificates.contains(old))
    }

    @Test("A certificate that was already gone is not reported as removed")
    func gone() throws {
        let (old, new) = (try certificate(2), try certificate(3))
        var (work, token) = (try renewal(old, new), parts.token)
        parts.acting.world.certificates = [new]
        let outcome = try retire(&work, &token)
        let name = "CN=Anna, serial number 02"
        #expect(outcome.facts == [.retired(certificate: name)])
        #expect(work.notes.retired == nil)
        #expect(
            work.notes.remarks == ["the old certificate was no longer on the token: \(name)"])
    }

    @Test("Nothing is removed for an order that replaces no certificate")
    func nothingReplaced() throws {
        let job = OrderEvent.Job.issue(
            parts.issue(.existing(publicKeyHash: publicKeyHash(key))))
        var work = try parts.work(job, [.accepted(try certificate(3))])
        let outcome = try work.prepareToRetireOld()
        #expect(outcome.intent == nil)
        #expect(outcome.facts == [.closed(reason: "no certificate was replaced")])
    }

    /// The error of an order whose old certificate cannot be removed.
    private func failure(
        _ code: IssuanceError.Code
    ) throws -> (error: IssuanceError, order: Order) {
        parts.script.failures["remove"] = IssuanceError(code, at: .retire, "no")
        var work = try renewal(certificate(2), certificate(3))
        var token = parts.token
        let runner = TokencertIssuance.Runner(parts.settings, parts.ca)
        let error = try #require(throws: IssuanceError.self) {
            try runner.run(&work, from: .retire, over: &token)
        }
        return (error, try parts.ledger.order(1))
    }

    // Otherwise each resume would fail in the same way.
    @Test("An order is closed if the token does not allow the old certificate to be removed")
    func notDestroyable() throws {
        let (error, order) = try failure(.notDestroyable)
        #expect(error.code == .notDestroyable)
        #expect(error.reason.contains("the new certificate is on the token"), "\(error.reason)")
        #expect(error.order?.nextAction == .nothing)
        #expect(order.isFinished && order.state == .closed && order.isProved)
    }

    @Test("An order can be resumed if removing the old certificate fails in another way")
    func fails() throws {
        let (error, order) = try failure(.tokenFailed)
        #expect(error.code == .tokenFailed && error.order?.nextAction == .certificate)
        #expect(order.state == .retiring && !order.isFinished)
        #expect(order.events.last?.kind == "stopped")
    }
}
