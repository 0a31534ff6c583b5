import Testing
import TokencertTestAuthority
import TokencertTestSupport

@testable import Cryptoki
@testable import OpenSSLX509
@testable import TokencertIssuance
@testable import TokencertLedger

/// The requested content, and whether differences from it are accepted.
private typealias Expected = (content: CertificateGrant, acceptsChanges: Bool)

/// Which certificates are accepted, and which one of several is chosen.
@Suite struct VerificationTests {
    private static let time: Int64 = 1_800_000_000
    private static let day: Int64 = 86_400
    private static let usagesWithoutName = ["1.3.6.1.5.5.7.3.8", "1.3.6.1.5.5.7.3.9", "1.2.3.4"]
    /// The key on the token.
    private let key: HostPrivateKey
    private let root: Signer

    init() throws {
        key = try HostPrivateKey.generate(.ec(.p256))
        root = try Self.authority("Root")
    }

    /// A CA key and its certificate.
    private struct Signer {
        let key: HostPrivateKey
        let certificate: Certificate
    }

    /// The content of a certificate.
    private struct Parts {
        var subject: [NameAttribute]
        var notBefore = VerificationTests.time - VerificationTests.day
        var notAfter = VerificationTests.time + 10 * VerificationTests.day
        var constraints: CertificateExtension? = .basicConstraints(isAuthority: false)
        var usages: Set<KeyUsage> = []
        var extendedUsages: [ExtendedKeyUsage] = [.emailProtection, .clientAuth]
        var addresses = ["anna@example.org"]
        var hasKeyIdentifiers = true
        var others: [CertificateExtension] = []
    }

    private static func issue(
        _ parts: Parts, for key: PublicKey, by signer: HostPrivateKey, _ issuer: Certificate?
    ) throws -> Certificate {
        var extensions = parts.others
        if let constraints = parts.constraints { extensions.append(constraints) }
        if !parts.usages.isEmpty { extensions.append(.keyUsage(parts.usages)) }
        if !parts.extendedUsages.isEmpty {
            extensions.append(.extendedKeyUsage(parts.extendedUsages))
        }
        if !parts.addresses.isEmpty {
            extensions.append(try .subjectAlternativeName(emailAddresses: parts.addresses))
        }
        if parts.hasKeyIdentifiers {
            extensions.append(.subjectKeyIdentifier(key))
            extensions.append(.authorityKeyIdentifier(signer.publicKey))
        }
        return try signer.issue(
            CertificateContent(
                subject: parts.subject, publicKey: key, serialNumber: [1],
                notBefore: parts.notBefore, notAfter: parts.notAfter, extensions: extensions),
            issuer: issuer)
    }

    /// A CA, self-signed unless it has an issuer.
    private static func authority(
        _ name: String, by issuer: Signer? = nil, key: HostPrivateKey? = nil,
        _ change: (inout Parts) -> Void = { _ in }
    ) throws -> Signer {
        var parts = Parts(subject: [.init(.commonName, name)])
        parts.constraints = .basicConstraints(isAuthority: true)
        parts.usages = [.keyCertSign, .cRLSign]
        parts.extendedUsages = []
        parts.addresses = []
        change(&parts)
        let own = try key ?? HostPrivateKey.generate(.ec(.p256))
        let certificate = try issue(
            parts, for: own.publicKey, by: issuer?.key ?? own, issuer?.certificate)
        return Signer(key: own, certificate: certificate)
    }

    /// A certificate for the key on the token.
    private func leaf(
        by issuer: Signer, _ change: (inout Parts) -> Void = { _ in }
    ) throws -> Certificate {
        var parts = Parts(subject: [.init(.commonName, "Anna Müller")])
        change(&parts)
        return try Self.issue(parts, for: key.publicKey, by: issuer.key, issuer.certificate)
    }

    private var tokenKey: TokenKey {
        TokenKey(
            handle: ObjectHandle(rawValue: 1), publicKey: key.publicKey, id: [1], labelBytes: [],
            uri: "pkcs11:", isNew: true, needsPINForEachUse: false, maySign: true,
            mayDecrypt: false, tellsPublicKey: true)
    }

    private func expectation(
        _ name: String = "Anna Müller", accepting acceptsChanges: Bool = false
    ) -> Expected {
        let content = CertificateGrant(
            name: name, emailAddresses: ["anna@example.org"], codeSigning: false)
        return (content, acceptsChanges)
    }

    private func verify(
        _ received: [Certificate], _ anchors: [Certificate], _ expected: Expected? = nil
    ) throws(IssuanceError) -> VerifiedCertificate {
        try Verification(anchors: TrustAnchors(anchors), time: Self.time).verify(
            received, for: tokenKey, expected?.content,
            acceptingChanges: expected?.acceptsChanges ?? false)
    }

    /// The error if no certificate is accepted, or nil.
    private func refusal(
        _ received: [Certificate], _ anchors: [Certificate], _ expected: Expected? = nil
    ) -> IssuanceError? {
        do throws(IssuanceError) {
            _ = try verify(received, anchors, expected)
            return nil
        } catch {
            return error
        }
    }

    private func permutations(_ all: [Certificate]) -> [[Certificate]] {
        guard !all.isEmpty else { return [[]] }
        return all.indices.flatMap { index in
            var rest = all
            let first = rest.remove(at: index)
            return permutations(rest).map { [first] + $0 }
        }
    }

    // MARK: The chain

    private func basicConstraints(pathLength: UInt8?) -> CertificateExtension {
        var content = DER.booleanTrue
        if let pathLength { content += DER.integer([pathLength]) }
        return CertificateExtension(
            known: "2.5.29.19", isCritical: true, value: DER.sequence(content))
    }

    // Otherwise the user would get a certificate that no other program accepts.
    @Test("A chain that exceeds the path length of one of its CAs is refused")
    func pathLength() throws {
        // The path lengths of the root, the first and the second CA.
        let cases: [([UInt8?], Bool)] = [
            ([nil, nil, nil], true), ([nil, 1, 0], true), ([nil, 1, nil], true),
            ([2, 1, 0], true), ([nil, 0, nil], false), ([nil, 0, 0], false),
            ([1, nil, nil], false), ([0, nil, nil], false),
        ]
        for (lengths, isAccepted) in cases {
            let limits = lengths.map { basicConstraints(pathLength: $0) }
            let top = try Self.authority("Top") { $0.constraints = limits[0] }
            let first = try Self.authority("First", by: top) { $0.constraints = limits[1] }
            let second = try Self.authority("Second", by: first) { $0.constraints = limits[2] }
            let received = [try leaf(by: second), first.certificate, second.certificate]
            let error = refusal(received, [top.certificate])
            let code: IssuanceError.Code? = isAccepted ? nil : .certificateWrong
            #expect(error?.code == code, "\(lengths)")
            if let error { #expect(error.reason.contains("path length"), "\(error.reason)") }
        }
    }

    private func constraint(_ tag: UInt8, onDomain domain: String) -> CertificateExtension {
        let subtree = DER.sequence(DER.element(0x81, Array(domain.utf8)))
        return CertificateExtension(
            known: "2.5.29.30", isCritical: true,
            value: DER.sequence(DER.element(tag, subtree)))
    }

    @Test("A certificate with an address that its issuer must not certify is refused")
    func nameConstraints() throws {
        let (permitted, excluded): (UInt8, UInt8) = (0xA0, 0xA1)
        let cases: [(UInt8, String, Bool)] = [
            (permitted, "example.org", true), (permitted, "example.com", false),
            (excluded, "example.com", true), (excluded, "example.org", false),
        ]
        for (tag, domain, isAccepted) in cases {
            let limit = constraint(tag, onDomain: domain)
            let code: IssuanceError.Code? = isAccepted ? nil : .certificateWrong
            let between = try Self.authority("Between", by: root) { $0.others = [limit] }
            let below = [try leaf(by: between), between.certificate]
            #expect(refusal(below, [root.certificate])?.code == code, "\(tag) \(domain)")
            let top = try Self.authority("Top") { $0.others = [limit] }
            let direct = [try leaf(by: top)]
            #expect(refusal(direct, [top.certificate])?.code == code, "\(tag) \(domain)")
        }
    }

    // Otherwise any holder of a certificate could issue certificates for any name.
    @Test("A certificate whose issuer is not a CA or lacks keyCertSign is refused")
    func issuerRights() throws {
        let noAuthority = CertificateExtension.basicConstraints(isAuthority: false)
        let cases: [((inout Parts) -> Void, Bool)] = [
            ({ _ in }, true),
            ({ $0.usages = [.keyCertSign] }, true),
            ({ $0.usages = [.keyCertSign, .digitalSignature] }, true),
            ({ $0.usages = [] }, true),
            ({ $0.usages = [.cRLSign] }, false),
            ({ $0.usages = [.digitalSignature] }, false),
            ({ $0.constraints = noAuthority }, false),
        ]
        for (index, (change, isAccepted)) in cases.enumerated() {
            let code: IssuanceError.Code? = isAccepted ? nil : .certificateWrong
            let between = try Self.authority("Between", by: root, change)
            let below = [try leaf(by: between), between.certificate]
            #expect(refusal(below, [root.certificate])?.code == code, "case \(index)")
            let top = try Self.authority("Top", change)
            let direct = [try leaf(by: top)]
            #expect(refusal(direct, [top.certificate])?.code == code, "case \(index)")
        }
        let unmarked = try Self.authority("Between", by: root) { $0.constraints = nil }
        let below = [try leaf(by: unmarked), unmarked.certificate]
        #expect(refusal(below, [root.certificate])?.code == .certificateWrong)
    }

    @Test("A CA certificate is refused, even if it is a trust anchor")
    func authorityAsLeaf() throws {
        let own = try Self.authority("Anna Müller", by: root, key: key)
        let selfSigned = try Self.authority("Anna Müller", key: key)
        for (certificate, anchors) in [
            (own.certificate, [root.certificate]),
            (own.certificate, [own.certificate]),
            (selfSigned.certificate, [selfSigned.certificate]),
        ] {
            #expect(refusal([certificate], anchors)?.code == .certificateWrong)
            #expect(
                refusal([certificate], anchors, expectation(accepting: true))?.code
                    == .certificateWrong)
        }
        // A certificate without basic constraints is not a CA certificate.
        let plain = try leaf(by: root) { $0.constraints = nil }
        #expect(refusal([plain], [root.certificate])?.code == nil)
    }

    // MARK: The dates

    // Otherwise a slow clock would cause a new certificate to be refused or an expired one accepted.
    @Test("Dates are exact to the second, and the clock may be 300 seconds slow")
    func dates() throws {
        typealias Dates = (from: Int64, to: Int64)
        let always: Dates = (-Self.day, 10 * Self.day)
        func until(_ last: Int64) -> Dates { (-Self.day, last) }
        func from(_ first: Int64) -> Dates { (first, Self.day) }
        let (expired, early) = ("the certificate has expired", "the certificate is not valid yet")
        let betweenExpired = "certificate 1 of its chain (Between) has expired"
        let betweenEarly = "certificate 1 of its chain (Between) is not valid yet"
        let topExpired = "certificate 2 of its chain (Top) has expired"
        let topEarly = "certificate 2 of its chain (Top) is not valid yet"
        // The dates of the certificate, the intermediate CA and the anchor.
        let cases: [(leaf: Dates, between: Dates, top: Dates, end: String?)] = [
            (always, always, always, nil),
            (until(0), always, always, nil),
            (until(-1), always, always, expired),
            (from(0), always, always, nil),
            (from(300), always, always, nil),
            (from(301), always, always, early),
            ((300, 300), always, always, nil),
            (always, until(0), always, nil),
            (always, until(-1), always, betweenExpired),
            (always, from(0), always, nil),
            (always, from(1), always, betweenEarly),
            (from(1), from(1), always, nil),
            (from(300), from(300), from(300), nil),
            (from(300), from(301), always, betweenEarly),
            (from(300), until(300), always, nil),
            (from(300), until(299), always, betweenExpired),
            (always, always, until(0), nil),
            (always, always, until(-1), topExpired),
            (always, always, from(0), nil),
            (always, always, from(1), topEarly),
            (until(-1), until(-1), always, expired),
        ]
        for (leafDates, betweenDates, topDates, end) in cases {
            func change(_ parts: inout Parts, to dates: Dates) {
                parts.notBefore = Self.time + dates.from
                parts.notAfter = Self.time + dates.to
            }
            let top = try Self.authority("Top") { change(&$0, to: topDates) }
            let between = try Self.authority("Between", by: top) { change(&$0, to: betweenDates) }
            let leaf = try leaf(by: between) { change(&$0, to: leafDates) }
            let received = [leaf, between.certificate]
            let error = refusal(received, [top.certificate])
            let place = "\(leafDates) \(betweenDates) \(topDates)"
            guard let end else {
                #expect(error?.code == nil, "\(place)")
                continue
            }
            #expect(error?.code == .certificateWrong, "\(place)")
            #expect(error?.reason.hasSuffix(end) == true, "\(place): \(error?.reason ?? "")")
        }
    }

    // MARK: The issuer

    // Otherwise the user would not know which CA to trust.
    @Test("The error names the issuer that is missing or not trusted")
    func missingIssuer() throws {
        let between = try Self.authority("Between", by: root)
        let stranger = try Self.authority("Stranger")
        let leaf = try leaf(by: between)
        let cases: [(received: [Certificate], anchors: [Certificate], name: String?)] = [
            ([leaf, between.certificate], [root.certificate], nil),
            // A chain may end at any anchor.
            ([leaf], [between.certificate], nil),
            ([leaf, between.certificate], [stranger.certificate], "Root"),
            ([leaf, between.certificate], [], "Root"),
            ([leaf, between.certificate, root.certificate], [stranger.certificate], "Root"),
            ([leaf, root.certificate], [stranger.certificate], "Between"),
            ([leaf], [root.certificate], "Between"),
        ]
        for (index, (received, anchors, name)) in cases.enumerated() {
            for received in permutations(received) {
                let error = refusal(received, anchors)
                let code: IssuanceError.Code? = name == nil ? nil : .issuerNotTrusted
                #expect(error?.code == code, "case \(index)")
                if let name, let error {
                    #expect(error.reason.contains(name), "case \(index): \(error.reason)")
                }
            }
        }
    }

    // Otherwise the hint would be to trust one CA although the chain to a trusted one is broken.
    @Test("All issuers of a cross-signed certificate are checked, in any order")
    func crossSigned() throws {
        let stranger = try Self.authority("Stranger")
        let byStranger = try Self.authority("Between", by: stranger)
        func between(by issuer: Signer, _ change: (inout Parts) -> Void = { _ in }) throws
            -> Certificate
        {
            try Self.authority("Between", by: issuer, key: byStranger.key, change).certificate
        }
        let leaf = try leaf(by: byStranger)
        // It may not sign certificates, so the chain to the anchor is invalid.
        let broken = try between(by: root) { $0.usages = [.cRLSign] }
        for received in permutations([leaf, byStranger.certificate, broken]) {
            #expect(refusal(received, [root.certificate])?.code == .certificateWrong)
        }
        let byRoot = try between(by: root)
        let anchor = try Self.authority("Anchor")
        for received in permutations([leaf, byStranger.certificate, byRoot]) {
            #expect(refusal(received, [root.certificate])?.code == nil)
            let error = refusal(received, [anchor.certificate])
            #expect(error?.code == .issuerNotTrusted)
            let reason = error?.reason ?? ""
            #expect(reason.contains("\"Stranger\"") && reason.contains("\"Root\""), "\(reason)")
        }
    }

    @Test("A missing issuer is named by its last common name, otherwise by its whole subject")
    func nameOfIssuer() throws {
        let several = try Self.authority("First") { $0.subject.append(.init(.commonName, "Last")) }
        let byLast = try leaf(by: several)
        let named = try #require(refusal([byLast], [root.certificate]))
        #expect(named.code == .issuerNotTrusted)
        #expect(named.reason.contains("Last") && !named.reason.contains("First"))
        let nameless = try Self.authority("") { $0.subject = [.init(.organization, "Acme")] }
        let bySubject = try leaf(by: nameless)
        let unnamed = try #require(refusal([bySubject], [root.certificate]))
        #expect(unnamed.code == .issuerNotTrusted)
        #expect(unnamed.reason.contains(nameless.certificate.subject.text))
    }

    // Otherwise the hint would be to trust a CA that a forger named.
    @Test("A forged signature is reported as wrong, not as an untrusted issuer")
    func forged() throws {
        let between = try Self.authority("Between", by: root)
        let forger = try HostPrivateKey.generate(.ec(.p256))
        for identifiers in [true, false] {
            for issuer in [root, between] {
                let forged = try leaf(by: Signer(key: forger, certificate: issuer.certificate)) {
                    $0.hasKeyIdentifiers = identifiers
                }
                let error = refusal([forged, between.certificate], [root.certificate])
                #expect(error?.code == .certificateWrong)
            }
        }
    }

    // Two certificates of the same CA do not form a loop.
    @Test("A forged issuer is detected on every path that leads to it")
    func forgedAbove() throws {
        let forger = try HostPrivateKey.generate(.ec(.p256))
        let above = try Self.authority(
            "Above", by: Signer(key: forger, certificate: root.certificate))
        let between = try Self.authority("Between", by: above)
        let renewed = try Self.authority("Between", by: above, key: between.key) {
            $0.usages.insert(.digitalSignature)
        }
        let leaf = try leaf(by: between)
        let all = [leaf, between.certificate, renewed.certificate, above.certificate]
        for received in permutations(Array(all.dropFirst())) {
            let error = refusal([leaf] + received, [root.certificate])
            #expect(error?.code == .certificateWrong, "\(error?.reason ?? "")")
        }
    }

    @Test("CAs that sign each other and do not chain to an anchor are not trusted")
    func circle() throws {
        let (first, second) = (try Self.authority("First"), try Self.authority("Second"))
        let firstBySecond = try Self.authority("First", by: second, key: first.key)
        let secondByFirst = try Self.authority("Second", by: first, key: second.key)
        let leaf = try leaf(by: first)
        for between in permutations([firstBySecond.certificate, secondByFirst.certificate]) {
            #expect(refusal([leaf] + between, [root.certificate])?.code == .issuerNotTrusted)
        }
    }

    @Test("A self-signed certificate is accepted only if it is itself a trust anchor")
    func selfSigned() throws {
        let own = try Self.issue(
            Parts(subject: [.init(.commonName, "Anna Müller")]), for: key.publicKey, by: key, nil)
        let error = try #require(refusal([own], [root.certificate]))
        #expect(error.code == .issuerNotTrusted && error.reason.contains("Anna Müller"))
        #expect(refusal([own], [])?.code == .issuerNotTrusted)
        #expect(refusal([own], [root.certificate, own])?.code == nil)
        // The name alone does not make it trusted.
        let namesake = try Self.authority("Anna Müller")
        #expect(refusal([own], [namesake.certificate])?.code == .certificateWrong)
    }

    // The order of files in a folder is arbitrary.
    @Test("Of several anchors with the same subject, the one that signed counts")
    func sameSubject() throws {
        for identifiers in [true, false] {
            func top(_ key: HostPrivateKey? = nil, until last: Int64 = 86_400) throws -> Signer {
                try Self.authority("Top", key: key) {
                    $0.hasKeyIdentifiers = identifiers
                    $0.notAfter = Self.time + last
                }
            }
            let old = try top(until: -1)
            let renewed = try top(old.key)
            let other = try top()
            let leaf = try leaf(by: old) { $0.hasKeyIdentifiers = identifiers }
            let all = [old, renewed, other].map(\.certificate)
            for anchors in permutations(all) {
                #expect(refusal([leaf], anchors)?.code == nil)
            }
            for anchors in permutations([old.certificate, other.certificate]) {
                let error = refusal([leaf], anchors)
                #expect(error?.code == .certificateWrong)
                #expect(error?.reason.hasSuffix("has expired") == true)
            }
            let error = refusal([leaf], [other.certificate])
            #expect(error?.code == .certificateWrong)
            #expect(error?.reason.contains("expired") == false)
        }
    }

    // MARK: Several certificates

    private func personal(
        _ name: String = "Anna Müller", at second: Int64, by issuer: Signer? = nil,
        until last: Int64 = 86_400
    ) throws -> Certificate {
        try leaf(by: issuer ?? root) {
            $0.subject = [.init(.commonName, name)]
            $0.notBefore = Self.time + second
            $0.notAfter = Self.time + last
        }
    }

    @Test("A certificate for another key is refused, and so is an empty answer")
    func otherKey() throws {
        let other = try HostPrivateKey.generate(.ec(.p256))
        let foreign = try Self.issue(
            Parts(subject: [.init(.commonName, "Anna Müller")]), for: other.publicKey,
            by: root.key, root.certificate)
        for received in [[foreign], [], [root.certificate]] {
            for expected in [nil, expectation(accepting: true)] {
                let error = refusal(received, [root.certificate], expected)
                #expect(error?.code == .certificateWrong && error?.step == .verify)
            }
        }
        // Together with the key's own certificate, it counts as one of the others.
        let own = try personal(at: -1)
        let verified = try verify([foreign, own, root.certificate], [root.certificate])
        #expect(verified.certificate == own)
        #expect(verified.others == [foreign, root.certificate])
    }

    @Test("Of several certificates for the key, the newest one is chosen")
    func newest() throws {
        let seconds: [Int64] = [-30, -20, -10]
        let certificates = try seconds.map { try personal(at: $0) }
        for received in permutations(certificates) {
            for expected in [nil, expectation(), expectation(accepting: true)] {
                let verified = try verify(received, [root.certificate], expected)
                #expect(verified.certificate == certificates[2])
                #expect(verified.others == received.filter { $0 != certificates[2] })
            }
        }
        let twice = [certificates[2], certificates[2], certificates[0]]
        #expect(try verify(twice, [root.certificate]).others == [certificates[0]])
    }

    // Otherwise the user would get a certificate for another name although the right one arrived.
    @Test("A certificate as requested is preferred to a newer one that differs")
    func asAsked() throws {
        let oldest = try personal(at: -30)
        let good = try personal(at: -20)
        let differs = try personal("Bob", at: -10)
        for received in permutations([oldest, good, differs]) {
            for acceptsChanges in [false, true] {
                let verified = try verify(
                    received, [root.certificate], expectation(accepting: acceptsChanges))
                #expect(verified.certificate == good && verified.differences.isEmpty)
            }
            // Nothing was requested, so nothing differs.
            #expect(try verify(received, [root.certificate]).certificate == differs)
        }
    }

    @Test("If all differ from the request, the newest one is chosen only if changes are accepted")
    func noneAsAsked() throws {
        let older = try personal("Bob", at: -20)
        let newer = try personal("Carl", at: -10)
        for received in permutations([older, newer]) {
            let error = refusal(received, [root.certificate], expectation())
            #expect(error?.code == .certificateDiffers && error?.step == .verify)
            #expect(error?.reason.contains("Carl") == true)
            let verified = try verify(received, [root.certificate], expectation(accepting: true))
            #expect(verified.certificate == newer)
            #expect(verified.differences.map(\.subject) == ["name"])
            #expect(verified.differences.map(\.asked) == ["Anna Müller"])
            #expect(verified.differences.map(\.got) == ["Carl"])
        }
    }

    // Otherwise a valid certificate would be lost, and a second one ordered.
    @Test("A valid certificate is found beside a newer one that is not accepted")
    func newerUnsound() throws {
        let good = try personal(at: -20)
        let stranger = try Self.authority("Stranger")
        let forger = Signer(key: key, certificate: root.certificate)
        let authority = try Self.authority("Anna Müller", by: root, key: key) {
            $0.notBefore = Self.time - 10
        }
        for unsound in [
            try personal(at: -10, by: forger), try personal(at: -10, by: stranger),
            try personal(at: -10, until: -1), try personal(at: 301), authority.certificate,
        ] {
            for received in permutations([good, unsound]) {
                for expected in [nil, expectation(), expectation(accepting: true)] {
                    let verified = try verify(received, [root.certificate], expected)
                    #expect(verified.certificate == good && verified.others == [unsound])
                }
            }
        }
        let ahead = try personal(at: 300)
        #expect(try verify([good, ahead], [root.certificate]).certificate == ahead)
    }

    @Test("If no certificate is accepted, the reason is about the newest one")
    func reasonOfNewest() throws {
        let stranger = try Self.authority("Stranger")
        let cases: [(expiredAt: Int64, strangeAt: Int64, code: IssuanceError.Code)] = [
            (-20, -10, .issuerNotTrusted), (-10, -20, .certificateWrong),
        ]
        for (expiredAt, strangeAt, code) in cases {
            let expired = try personal(at: expiredAt, until: -1)
            let strange = try personal(at: strangeAt, by: stranger)
            for received in permutations([expired, strange]) {
                #expect(refusal(received, [root.certificate])?.code == code)
                #expect(refusal(received, [root.certificate], expectation())?.code == code)
            }
        }
    }

    // MARK: The request

    // Otherwise the user would not know that a garbled name is the right one.
    @Test("A remark explains a name that is written byte by byte, and no other name")
    func remarks() throws {
        let garbled = "Anna M\u{C3}\u{BC}ller"
        // The requested name, the common names, whether they differ, and the number of remarks.
        let cases: [(String, [String], Bool, Int)] = [
            ("Anna M\u{FC}ller", ["Anna M\u{FC}ller"], false, 0),
            ("Anna M\u{FC}ller", [garbled], false, 1),
            ("\u{141}ukasz", ["\u{C5}\u{81}ukasz"], false, 1),
            ("Anna", ["Anna"], false, 0),
            (garbled, [garbled], false, 0),
            (garbled, ["Anna M\u{FC}ller"], true, 0),
            ("Anna M\u{FC}ller", ["Anna Muller"], true, 0),
            ("Anna M\u{FC}ller", [garbled, garbled], true, 0),
            ("Anna M\u{FC}ller", [], true, 0),
            // A decomposed letter makes a different name.
            ("Ren\u{E9}", ["Rene\u{301}"], true, 0),
        ]
        for (asked, names, differs, count) in cases {
            let certificate = try leaf(by: root) {
                $0.subject = names.map { NameAttribute(.commonName, $0) }
            }
            let accepting = expectation(asked, accepting: true)
            let verified = try verify([certificate], [root.certificate], accepting)
            #expect(verified.remarks.count == count, "\(asked): \(names)")
            for remark in verified.remarks {
                #expect(remark.contains(names[0]) && remark.contains(asked), "\(remark)")
            }
            #expect(verified.differences.isEmpty != differs, "\(asked): \(names)")
            let code: IssuanceError.Code? = differs ? .certificateDiffers : nil
            let error = refusal([certificate], [root.certificate], expectation(asked))
            #expect(error?.code == code, "\(asked): \(names)")
            #expect(try verify([certificate], [root.certificate]).remarks.isEmpty)
        }
    }

    @Test("An order without a CA expects nothing, and its record or the user can accept changes")
    func expectationOfOrder() throws {
        for job in [.request(newKeyKind: "rsa:3072"), .import(.init(publicKeyHash: "aa"))]
            as [OrderEvent.Job]
        {
            #expect(OrderEvent.Beginning.example(job).issue == nil)
        }
        var issue = OrderEvent.Issue.example()
        issue.emailAddresses = ["anna@example.org"]
        issue.codeSigning = true
        for (ofOrder, ofUser) in [(false, false), (false, true), (true, false), (true, true)] {
            issue.acceptsChanges = ofOrder
            var work = try StepParts().work(.issue(issue))
            work.brought.acceptsChanges = ofUser
            #expect(work.acceptsChanges == (ofOrder || ofUser))
            let expected = CertificateGrant(try #require(work.order.beginning.issue))
            #expect(expected.name == "Anna" && expected.codeSigning)
            #expect(expected.emailAddresses == ["anna@example.org"])
        }
    }

    // MARK: Key usage

    private func objection(
        _ extendedUsages: [ExtendedKeyUsage], _ usages: Set<KeyUsage> = []
    ) throws -> IssuanceError? {
        let certificate = try leaf(by: root) {
            $0.extendedUsages = extendedUsages
            $0.usages = usages
        }
        do throws(IssuanceError) {
            try Verification(anchors: TrustAnchors([]), time: 0).requireUsable(certificate)
            return nil
        } catch {
            return error
        }
    }

    private let personalUsages: [ExtendedKeyUsage] = [
        .clientAuth, .emailProtection, .codeSigning, .any,
    ]

    // Otherwise the user would import a certificate that is useless with a personal key.
    @Test("A certificate is usable only if one of its extended key usages is personal")
    func extendedKeyUsages() throws {
        #expect(try objection([])?.code == nil)
        for usage in personalUsages {
            #expect(try objection([usage])?.code == nil, "\(usage)")
        }
        var others: [ExtendedKeyUsage] = [
            .serverAuth, .microsoftSGC, .microsoftEFS, .microsoftIndividualCodeSigning,
            .microsoftCommercialCodeSigning, .netscapeSGC,
        ]
        others += try Self.usagesWithoutName.map { try ExtendedKeyUsage(objectIdentifier: $0) }
        for other in others {
            let error = try objection([other])
            #expect(error?.code == .certificateDiffers && error?.step == .verify, "\(other)")
            #expect(error?.reason.contains("\(other)") == true, "\(other)")
            for usage in personalUsages {
                #expect(try objection([other, usage])?.code == nil, "\(other), \(usage)")
            }
        }
        #expect(try objection(others)?.code == .certificateDiffers)
    }

    // Otherwise an unusable certificate would be accepted, or one that signs e-mail refused.
    @Test("Without digitalSignature, a certificate is usable only to sign or decrypt e-mail")
    func keyUsages() throws {
        let forMail: [[ExtendedKeyUsage]] = [
            [], [.emailProtection], [.any], [.clientAuth, .emailProtection],
            [.serverAuth, .emailProtection],
        ]
        let notForMail: [[ExtendedKeyUsage]] = [
            [.clientAuth], [.codeSigning], [.clientAuth, .codeSigning],
        ]
        let others: [Set<KeyUsage>] = [[], [.keyEncipherment], [.keyAgreement]]
        let servingMail: [Set<KeyUsage>] = [
            [.keyEncipherment], [.keyAgreement], [.keyEncipherment, .keyAgreement],
            [.contentCommitment], [.contentCommitment, .keyEncipherment],
        ]
        for usages in servingMail {
            for extended in forMail {
                #expect(try objection(extended, usages)?.code == nil, "\(extended)")
            }
            for extended in notForMail {
                let error = try objection(extended, usages)
                #expect(error?.code == .certificateDiffers, "\(extended)")
            }
        }
        for extended in forMail + notForMail {
            // A missing keyUsage permits everything.
            #expect(try objection(extended)?.code == nil, "\(extended)")
            for usages in others {
                let signing = usages.union([.digitalSignature])
                #expect(try objection(extended, signing)?.code == nil, "\(extended)")
            }
            let error = try objection(extended, [.keyCertSign, .cRLSign])
            #expect(error?.code == .certificateDiffers, "\(extended)")
        }
    }

    // Otherwise the user would look for another certificate although this one signs e-mail.
    @Test("Only a certificate that permits no signatures gets the remark that it is for encryption")
    func encryptionRemark() throws {
        let proof = ProofOfPossession(possession: .signature, challenge: [])
        let cases: [(Set<KeyUsage>, Bool)] = [
            ([], false), ([.digitalSignature], false), ([.contentCommitment], false),
            ([.contentCommitment, .keyEncipherment], false), ([.keyEncipherment], true),
        ]
        for (usages, isRemarked) in cases {
            let certificate = try leaf(by: root) { $0.usages = usages }
            let remarks = certificate.remarks(for: tokenKey, label: nil, proof)
            #expect(
                remarks.contains { $0.contains("not for signatures") } == isRemarked, "\(usages)")
        }
    }
}
