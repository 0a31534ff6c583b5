import Cryptoki
import OpenSSLX509
import Testing
import TokencertTestAuthority
import TokencertTestSupport

@testable import TokencertTokens

/// The findings about keys and certificates, and their severity.
@Suite struct HealthTests {
    private static let now: Int64 = 1_800_000_000
    private static let day: Int64 = 86_400

    private func content(
        from notBefore: Int64 = 0, until notAfter: Int64 = 1_900_000_000,
        key: KeyKind = .rsa(bits: 2048), isAuthority: Bool = false
    ) -> CertificateEntry.Content {
        CertificateEntry.Content(
            subject: "CN=a", issuer: "CN=b", subjectName: "a", issuerName: "b",
            serialNumber: "0a", notBefore: notBefore, notAfter: notAfter, keyKind: key,
            isAuthority: isAuthority)
    }

    private func entry(
        _ number: UInt, id: [UInt8] = [1], label: String = "",
        _ content: CertificateEntry.Content?, obstacle: CertificateEntry.Obstacle? = nil,
        certificate: Certificate? = nil
    ) -> CertificateEntry {
        CertificateEntry(
            record: PairingTests.record(number, .certificate, id: id, label), valueHash: [],
            content: content, obstacle: obstacle, certificate: certificate)
    }

    private func key(
        _ number: UInt = 1, id: [UInt8] = [1], label: String = "",
        value: PublicKey? = PairingTests.rsa(1), type: KeyType = .rsa,
        protection: KeyProtection? = nil, certificates: [CertificateEntry] = []
    ) -> KeyEntry {
        var key = KeyEntry()
        key.privateKey = PairingTests.record(number, .privateKey, id: id, label)
        key.value = value
        key.kind = value?.kind
        key.type = type
        key.protection = protection
        key.certificates = certificates
        return key
    }

    private func publicHalf(
        _ number: UInt, id: [UInt8] = [1], certificates: [CertificateEntry] = []
    ) -> KeyEntry {
        var half = key(number, id: id, certificates: certificates)
        half.publicKey = PairingTests.record(number, .publicKey, id: id)
        half.privateKey = nil
        return half
    }

    private func findings(
        _ keys: [KeyEntry], _ certificates: [CertificateEntry] = [], days: Int = 30,
        sees: Bool = true
    ) -> [Finding] {
        Health(now: Self.now, days: days, sawPrivateObjects: sees)
            .of(TokenInventory(keys: keys, certificates: certificates, otherObjects: 0))
            .findings
    }

    /// The findings about a key with one certificate.
    private func findings(
        from notBefore: Int64 = 0, until notAfter: Int64, days: Int = 30
    ) -> [Finding] {
        let certificate = entry(10, content(from: notBefore, until: notAfter))
        return findings([key(certificates: [certificate])], days: days)
    }

    // MARK: Validity

    @Test("A certificate with fewer than 30 whole days left is reported, one with 30 is not")
    func expiry() {
        let day = Self.day
        for (left, kind, text) in [
            (31 * day, nil, nil), (30 * day, nil, nil),
            (30 * day - 1, .expiring, "it expires in 29 days"),
            (2 * day, .expiring, "it expires in 2 days"),
            (2 * day - 1, .expiring, "it expires in 1 day"),
            (day - 1, .expiring, "it expires in less than a day"),
            (0, .expiring, "it expires in less than a day"),
            (-1, .expired, "it expired less than a day ago"),
            (1 - day, .expired, "it expired less than a day ago"),
            (-day, .expired, "it expired 1 day ago"),
            (-1 - day, .expired, "it expired 1 day ago"),
            (-2 * day, .expired, "it expired 2 days ago"),
        ] as [(Int64, Finding.Kind?, String?)] {
            let found = findings(until: Self.now + left)
            #expect(found.count == (kind == nil ? 0 : 1), "\(left)")
            #expect(found.first?.kind == kind, "\(left)")
            #expect(found.first?.text == text, "\(left)")
        }
    }

    @Test("The number of days determines when a certificate expires soon")
    func days() {
        for (days, left, kind) in [
            (0, 0, nil), (0, -1, .expired), (1, Self.day, nil), (1, Self.day - 1, .expiring),
            (14, 14 * Self.day, nil), (14, 14 * Self.day - 1, .expiring),
            (365, 364 * Self.day, .expiring),
        ] as [(Int, Int64, Finding.Kind?)] {
            let found = findings(until: Self.now + left, days: days)
            #expect(found.first?.kind == kind, "\(days) days, \(left) seconds")
        }
    }

    @Test("A certificate is not valid before its first second, and an expired one is only expired")
    func notYetValid() {
        let (now, day) = (Self.now, Self.day)
        for (start, end, kind) in [
            (now, now + 400 * day, nil), (now + 1, now + 400 * day, .notYetValid),
            (now, now + 5 * day, .expiring), (now + 1, now + 5 * day, .notYetValid),
            (now + 1, now - 1, .expired),
        ] as [(Int64, Int64, Finding.Kind?)] {
            let kinds = findings(from: start, until: end).map(\.kind)
            let expected = kind.map { [$0] } ?? []
            #expect(kinds == expected, "\(start) to \(end)")
        }
    }

    // MARK: Unreadable certificates

    @Test("Each unreadable certificate is reported with the reason; another type is only a notice")
    func obstacles() {
        let other = CertificateType(rawValue: 0x8000_0001)
        for (obstacle, kind, text) in [
            (.pem, .unreadable, "its value is PEM text instead of DER"),
            (.noValue, .unreadable, "it has no value (CKA_VALUE)"),
            (.malformed, .unreadable, "it cannot be read as an X.509 certificate"),
            (nil, .unreadable, "it cannot be read as an X.509 certificate"),
            (.url, .unsupported, "the token has only the URL of this certificate (CKA_URL)"),
            (
                .otherType(other), .unsupported,
                "it is not an X.509 certificate (CKA_CERTIFICATE_TYPE 0x80000001)"
            ),
        ] as [(CertificateEntry.Obstacle?, Finding.Kind, String)] {
            let unread = entry(10, nil, obstacle: obstacle)
            let found = findings([], [unread])
            #expect(found.map(\.kind) == [kind] && found.first?.text == text)
            #expect(found.first?.uri == unread.record.uri)
        }
    }

    // MARK: Keys and certificates without each other

    @Test("A key without a certificate is a notice with the URI of its private half")
    func keyWithoutCertificate() {
        var pair = key(1)
        pair.publicKey = PairingTests.record(2, .publicKey, id: [1])
        let found = findings([pair])
        #expect(found.map(\.kind) == [.keyWithoutCertificate])
        #expect(found.first?.uri == PairingTests.record(1, .privateKey, id: [1]).uri)
        #expect(found.first?.severity == .notice)
        let half = findings([publicHalf(2)])
        #expect(half.map(\.kind) == [.keyWithoutCertificate])
        #expect(half.first?.uri == PairingTests.record(2, .publicKey, id: [1]).uri)
        #expect(findings([key(1, certificates: [entry(10, content())])]).isEmpty)
        #expect(findings([KeyEntry()]).isEmpty, "there is no object to report")
    }

    /// Otherwise the user orders a certificate that the key already has.
    @Test("A key is not reported if a certificate with its id or label may belong to it")
    func possibleCertificate() {
        let readable = content(key: .ec(.p256))
        for (value, id, label, content, isReported) in [
            // The key's public key is not readable.
            (nil, [1], "x", readable, false), (nil, [2], "mail", readable, true),
            (nil, [], "mail", readable, false), (nil, [], "x", readable, true),
            (nil, [], "", readable, true), (nil, [1], "", nil, false),
            // It is readable, so a readable certificate would have been paired.
            (PairingTests.rsa(1), [1], "mail", readable, true),
            (PairingTests.rsa(1), [], "mail", readable, true),
            (PairingTests.rsa(1), [1], "x", nil, false),
            (PairingTests.rsa(1), [], "mail", nil, false),
            (PairingTests.rsa(1), [2], "mail", nil, true),
            (PairingTests.rsa(1), [], "x", nil, true),
        ] as [(PublicKey?, [UInt8], String, CertificateEntry.Content?, Bool)] {
            let lone = entry(10, id: id, label: label, content)
            let found = findings([key(label: "mail", value: value)], [lone])
            #expect(
                found.contains { $0.kind == .keyWithoutCertificate } == isReported,
                "id \(id), label \(label), \(value == nil ? "unknown" : "known") public key")
        }
    }

    @Test("A certificate without its private key is reported only if private keys were searched")
    func certificateWithoutKey() {
        let lone = entry(10, content())
        let found = findings([], [lone])
        #expect(found.map(\.kind) == [.certificateWithoutKey])
        #expect(found.first?.severity == .notice && found.first?.uri == lone.record.uri)
        #expect(findings([], [lone], sees: false).isEmpty)
        #expect(findings([], [entry(10, content(isAuthority: true))]).isEmpty)
        let half = publicHalf(2, certificates: [lone])
        #expect(findings([half]).map(\.kind) == [.certificateWithoutKey])
        #expect(findings([half], sees: false).isEmpty)
        #expect(findings([key(certificates: [lone])]).isEmpty)
    }

    @Test("A certificate is not reported if a key with an unreadable public key may be its key")
    func silentKey() {
        for (type, kind, isReported) in [
            (.rsa, .rsa(bits: 2048), false), (.rsa, .ec(.p256), true), (.ec, .ec(.p256), false),
            (.ec, .ed25519, false), (.ec, .rsa(bits: 2048), true),
            (.rsa, .other("1.2.3"), false),
        ] as [(KeyType, KeyKind, Bool)] {
            let silent = key(1, id: [2], value: nil, type: type)
            let found = findings([silent], [entry(10, content(key: kind))])
            #expect(
                found.contains { $0.kind == .certificateWithoutKey } == isReported,
                "\(type.rawValue) \(kind)")
        }
    }

    @Test("A certificate with a public half is not reported if the private half has another id")
    func privateHalfUnderAnotherID() {
        let half = publicHalf(2, certificates: [entry(10, content())])
        for (value, isReported) in [(PairingTests.rsa(1), false), (PairingTests.rsa(2), true)] {
            let found = findings([half, key(3, id: [9], value: value)])
            #expect(found.contains { $0.kind == .certificateWithoutKey } == isReported)
        }
    }

    @Test("A certificate of a key with the id of another key on the token is a mismatch, too")
    func mismatchOfOwnKey() {
        let crossed = entry(10, id: [2], content())
        func kinds(_ value: PublicKey?, id: [UInt8] = [2]) -> [Finding.Kind] {
            findings([
                key(1, id: [1], certificates: [crossed]),
                key(2, id: id, value: value, certificates: [entry(11, id: id, content())]),
            ]).map(\.kind)
        }
        #expect(kinds(PairingTests.rsa(2)) == [.mismatch])
        #expect(kinds(PairingTests.rsa(2), id: [3]).isEmpty)
        // The halves of one key can have different ids.
        #expect(kinds(PairingTests.rsa(1)).isEmpty)
        // The other key may be the same one.
        #expect(kinds(nil).isEmpty)
    }

    @Test("A certificate with the id of another key is a mismatch, not a certificate without a key")
    func mismatch() {
        let wrong = entry(10, content())
        var owner = key(1)
        owner.mismatchedCertificates = [wrong]
        let found = findings([owner])
        #expect(Set(found.map(\.kind)) == [.keyWithoutCertificate, .mismatch])
        let mismatch = found.first { $0.kind == .mismatch }
        #expect(mismatch?.uri == wrong.record.uri && mismatch?.severity == .warning)
        owner.certificates = [entry(11, content())]
        #expect(findings([owner]).map(\.kind) == [.mismatch])
        owner.mismatchedCertificates = [entry(10, content(until: Self.now - 1))]
        let expired = findings([owner]).first { $0.kind == .expired }
        #expect(expired?.isKeyMissing == true)
    }

    @Test("An expiring certificate has a missing key only if private keys were searched")
    func keyMissing() {
        let expiring = entry(10, content(until: Self.now + Self.day))
        for (keys, lone, sees, isMissing) in [
            ([key(certificates: [expiring])], [], true, false),
            ([publicHalf(2, certificates: [expiring])], [], true, true),
            ([publicHalf(2, certificates: [expiring])], [], false, false),
            ([], [expiring], true, true), ([], [expiring], false, false),
        ] as [([KeyEntry], [CertificateEntry], Bool, Bool)] {
            let found = findings(keys, lone, sees: sees).first { $0.kind == .expiring }
            #expect(found?.isKeyMissing == isMissing)
        }
    }

    @Test("Two keys with the same id are both reported; keys without an id are not")
    func duplicateID() {
        func reported(_ ids: [[UInt8]]) -> [String] {
            let keys = ids.enumerated().map { index, id in
                key(UInt(index) + 1, id: id, certificates: [entry(UInt(index) + 10, content())])
            }
            return findings(keys).filter { $0.kind == .duplicateID }.map(\.text)
        }
        let text = "another key has the same id 0a"
        #expect(reported([[10], [10]]) == [text, text])
        #expect(reported([[10], [11], [10]]) == [text, text])
        #expect(reported([[10], [11]]).isEmpty)
        #expect(reported([[10], [0, 10]]).isEmpty)
        #expect(reported([[], []]).isEmpty)
    }

    // MARK: Protection

    @Test("A private key that can leave the token or was imported is a problem")
    func protection() {
        let leaves = "the private key can leave the token (CKA_EXTRACTABLE is true)"
        let inClear = "the private key can be read in clear (CKA_SENSITIVE is false)"
        let couldLeave =
            "the private key was once extractable (CKA_NEVER_EXTRACTABLE is false)"
        let imported = "the private key was not generated on the token (CKA_LOCAL is false)"
        // CKA_LOCAL, CKA_SENSITIVE, CKA_EXTRACTABLE, CKA_NEVER_EXTRACTABLE.
        for (local, sensitive, extractable, never, texts) in [
            (nil, nil, nil, nil, []), (true, true, false, true, []),
            (true, true, true, false, [leaves]), (nil, nil, true, nil, [leaves]),
            (true, false, true, true, [leaves]),
            (true, false, nil, nil, [inClear]), (true, true, nil, nil, []),
            // A key that cannot be extracted cannot be read in plain text (PKCS#11, CKA_SENSITIVE).
            (true, false, false, true, []),
            (true, true, false, false, [couldLeave]), (nil, true, false, false, [couldLeave]),
            (true, false, false, false, [couldLeave]),
            // An imported key was outside the token before.
            (false, true, false, false, [imported]), (false, true, false, nil, [imported]),
            (false, true, true, false, [leaves, imported]),
            (false, false, nil, nil, [inClear, imported]),
        ] as [(Bool?, Bool?, Bool?, Bool?, [String])] {
            let protection = KeyProtection(
                isLocal: local, isSensitive: sensitive, isExtractable: extractable,
                isNeverExtractable: never)
            let owner = key(protection: protection, certificates: [entry(10, content())])
            let found = findings([owner])
            let kinds: [Finding.Kind] = texts.map { $0 == imported ? .imported : .exportable }
            #expect(found.map(\.text) == texts, "\(protection)")
            #expect(found.map(\.kind) == kinds, "\(protection)")
            #expect(found.allSatisfy { $0.severity == .problem })
        }
    }

    // MARK: Weak keys

    private func weaknesses(_ modulus: [UInt8], _ exponent: [UInt8]) -> [Finding.Kind] {
        let value = PublicKey(rsaModulus: modulus, publicExponent: exponent)
        let found = findings([key(value: value, certificates: [entry(10, content())])])
        return found.map(\.kind)
    }

    @Test("An RSA key below 2048 bits or with an exponent below 65537 is reported")
    func weakKeys() {
        func number(_ first: UInt8, _ count: Int) -> [UInt8] {
            [first] + [UInt8](repeating: 1, count: count - 1)
        }
        let usual: [UInt8] = [1, 0, 1]
        for (modulus, exponent, kinds) in [
            (number(0x80, 256), usual, []), (number(0x7F, 256), usual, [.shortKey]),
            (number(0x80, 128), usual, [.shortKey]), (number(0x80, 512), usual, []),
            // A leading zero does not make the modulus longer.
            ([0] + number(0x80, 255), usual, [.shortKey]),
            (number(0x80, 256), [3], [.smallExponent]),
            (number(0x80, 256), [0, 0, 3], [.smallExponent]),
            (number(0x80, 256), [0xFF, 0xFF], [.smallExponent]),
            (number(0x80, 256), [1, 0, 0, 1], []),
            (number(0x80, 128), [3], [.shortKey, .smallExponent]),
        ] as [([UInt8], [UInt8], [Finding.Kind])] {
            #expect(
                weaknesses(modulus, exponent) == kinds, "\(modulus.count) bytes, \(exponent)")
        }
    }

    @Test("The rules for RSA keys do not apply to EC keys")
    func curves() {
        let certificate = entry(10, content(key: .ec(.p256)))
        let owner = key(value: PairingTests.ec, type: .ec, certificates: [certificate])
        #expect(findings([owner]).isEmpty)
    }

    @Test("A key with the ROCA weakness is a problem, and the text names the CVE")
    func roca() {
        let modulus = ROCATests.modulus(times: 1, plus: 1, count: 260)
        let value = PublicKey(rsaModulus: modulus, publicExponent: [1, 0, 1])
        let found = findings([key(value: value, certificates: [entry(10, content())])])
        #expect(found.map(\.kind) == [.roca] && found.first?.severity == .problem)
        #expect(found.first?.text.contains("CVE-2017-15361") == true)
        #expect(weaknesses(ROCATests.modulus(times: 1, plus: 3, count: 260), [1, 0, 1]).isEmpty)
    }

    @Test("A weak key is reported if only a certificate shows it")
    func weakKeyOfCertificate() throws {
        let root = try SampleAuthority("Root")
        let weak = PublicKey(
            rsaModulus: [0x81] + [UInt8](repeating: 1, count: 127), publicExponent: [3])
        let certificate = try root.issue(weak, until: 1_900_000_000)
        let shown = entry(
            10, CertificateEntry.Content(certificate), certificate: certificate)
        let kinds: Set<Finding.Kind> = [.shortKey, .smallExponent]
        let lone = findings([], [shown])
        #expect(Set(lone.map(\.kind)) == kinds.union([.certificateWithoutKey]))
        #expect(lone.allSatisfy { $0.uri == shown.record.uri })
        // The key is reported once, by its own URI.
        let owner = key(value: nil, certificates: [shown])
        let found = findings([owner])
        #expect(found.count == 2 && Set(found.map(\.kind)) == kinds)
        #expect(found.allSatisfy { $0.uri == owner.privateKey?.uri })
    }

    // MARK: Signatures

    /// Programs reject such a certificate, and an attacker may be able to forge another one.
    @Test("A certificate signed with SHA-1 is reported until it has expired, and its CA if it was")
    func weakSignature() throws {
        let folder = try TemporaryFolder()
        let root = try SampleAuthority("Root")
        try folder.write(root.key.pem, "root.key")
        try folder.write(root.certificate.pem, "root.pem")
        let below = try SampleAuthority("Below", issuer: root)
        let leaf = try below.issue(PairingTests.ec, until: 1_900_000_000)
        #expect(weakSignatures(leaf, [below.certificate]).isEmpty)
        try folder.write(below.key.pem, "below.key")
        try folder.write(below.certificate.pem, "below.pem")
        try folder.write("basicConstraints=critical,CA:TRUE\n", "weak.ext")
        for arguments in [
            [
                "-x509toreq", "-in", folder.file("below.pem"), "-signkey",
                folder.file("below.key"), "-out", folder.file("below.csr"),
            ],
            [
                "-req", "-in", folder.file("below.csr"), "-sha1", "-CA", folder.file("root.pem"),
                "-CAkey", folder.file("root.key"), "-set_serial", "9", "-days", "3650",
                "-extfile", folder.file("weak.ext"), "-out", folder.file("weak.pem"),
            ],
        ] {
            let outcome = try run("openssl", ["x509"] + arguments)
            #expect(outcome.status == 0, "\(outcome.errors)")
        }
        let weak = try #require(
            Certificate.all(inPEM: Array(try folder.read("weak.pem").utf8)).certificates.first)
        try #require(weak.weakSignatureHash == "SHA-1")
        let direct = weakSignatures(weak, [])
        #expect(direct.map(\.text) == ["it is signed with SHA-1, which can be forged"])
        #expect(direct.first?.isKeyMissing == true, "a CA certificate cannot be renewed")
        let text = "the CA certificate Below in its chain is signed with SHA-1, which can be forged"
        #expect(weakSignatures(leaf, [weak]).map(\.text) == [text])
        // The CA has signed the same key again with a better hash function.
        #expect(weakSignatures(leaf, [weak, below.certificate]).isEmpty)
        let expired = try below.issue(PairingTests.ec, until: Self.now - 1)
        #expect(weakSignatures(expired, [weak]).isEmpty)
        // The signature of an anchor does not matter.
        let trusted = signatureFindings(leaf, [weak], TrustAnchors([weak]))
        #expect(!trusted.contains { $0.kind == .weakSignature }, "\(trusted)")
        // The issuer is known, so trusting another one would not help.
        let rejected = signatureFindings(leaf, [weak], TrustAnchors([root.certificate]))
        #expect(rejected.map(\.kind) == [.weakSignature], "\(rejected)")
    }

    private func signatureFindings(
        _ certificate: Certificate, _ others: [Certificate], _ anchors: TrustAnchors? = nil
    ) -> [Finding] {
        let shown = entry(10, CertificateEntry.Content(certificate), certificate: certificate)
        return Health(now: Self.now, anchors: anchors, sawPrivateObjects: false)
            .findings(
                shown, others, replacement: .none, serialNumber: nil, isKeyMissing: false)
    }

    private func weakSignatures(
        _ certificate: Certificate, _ others: [Certificate]
    ) -> [Finding] {
        signatureFindings(certificate, others).filter { $0.kind == .weakSignature }
    }

    // MARK: Severity

    /// Monitoring reads the exit status, which counts warnings and problems only.
    @Test("Every kind of finding has its severity")
    func severities() {
        let expected: [Finding.Kind: Finding.Severity] = [
            .keyWithoutCertificate: .notice, .certificateWithoutKey: .notice,
            .notYetValid: .notice, .replaced: .notice, .revocationUnchecked: .notice,
            .unsupported: .notice, .expiring: .warning, .duplicateID: .warning,
            .smallExponent: .warning, .unknownIssuer: .warning, .unreadable: .warning,
            .mismatch: .warning, .revocationUnknown: .warning, .weakSignature: .warning,
            .expired: .problem,
            .exportable: .problem, .imported: .problem, .shortKey: .problem, .roca: .problem,
            .revoked: .problem,
        ]
        for kind in Finding.Kind.allCases {
            #expect(Finding(kind, "pkcs11:", "").severity == expected[kind], "\(kind)")
        }
    }

    @Test("A notice is less severe than a warning, and a warning less severe than a problem")
    func order() {
        let sorted: [Finding.Severity] = [.notice, .warning, .problem]
        for (index, one) in sorted.enumerated() {
            for (otherIndex, other) in sorted.enumerated() {
                #expect((one < other) == (index < otherIndex), "\(one), \(other)")
            }
        }
    }

    @Test("The names of kinds and severities in JSON do not change")
    func names() {
        #expect(Finding.Kind.roca.rawValue == "roca")
        #expect(Finding.Kind.duplicateID.rawValue == "duplicateID")
        #expect(Finding.Severity.problem.rawValue == "problem")
        #expect(Finding.Severity(rawValue: "warning") == .warning)
        #expect(Finding.Severity(rawValue: "error") == nil)
    }
}

/// A CA for tests.
struct SampleAuthority {
    private static let now: Int64 = 1_800_000_000

    let key: HostPrivateKey
    let certificate: Certificate

    init(
        subject: [NameAttribute], _ kind: KeyKind = .ec(.p256), until notAfter: Int64,
        issuer: SampleAuthority? = nil
    ) throws {
        key = try HostPrivateKey.generate(kind)
        let signer = issuer?.key ?? key
        certificate = try signer.issue(
            CertificateContent(
                subject: subject, publicKey: key.publicKey, serialNumber: [1],
                notBefore: Self.now - 100_000_000, notAfter: notAfter,
                extensions: [
                    .basicConstraints(isAuthority: true), .keyUsage([.keyCertSign]),
                    .subjectKeyIdentifier(key.publicKey),
                    .authorityKeyIdentifier(signer.publicKey),
                ]), issuer: issuer?.certificate)
    }

    init(
        _ name: String, _ kind: KeyKind = .ec(.p256), until notAfter: Int64 = 1_900_000_000,
        issuer: SampleAuthority? = nil
    ) throws {
        try self.init(
            subject: [NameAttribute(.commonName, name)], kind, until: notAfter, issuer: issuer)
    }

    func issue(
        _ key: PublicKey, serialNumber: UInt8 = 2, from notBefore: Int64 = 1_750_000_000,
        until notAfter: Int64, _ extensions: [CertificateExtension] = []
    ) throws -> Certificate {
        let usual: [CertificateExtension] = [
            .basicConstraints(isAuthority: false), .authorityKeyIdentifier(self.key.publicKey),
        ]
        return try self.key.issue(
            CertificateContent(
                subject: [NameAttribute(.commonName, "Anna")], publicKey: key,
                serialNumber: [serialNumber], notBefore: notBefore, notAfter: notAfter,
                extensions: usual + extensions), issuer: certificate)
    }
}

/// Whether the certificates on a token chain to a trust anchor.
@Suite struct IssuerFindingTests {
    private static let now: Int64 = 1_800_000_000

    private func entry(_ number: UInt, _ certificate: Certificate) -> CertificateEntry {
        CertificateEntry(
            record: PairingTests.record(number, .certificate, id: [UInt8(number)]),
            valueHash: [], content: CertificateEntry.Content(certificate), obstacle: nil,
            certificate: certificate)
    }

    /// The findings about the first of several certificates.
    private func findings(
        _ certificate: Certificate, beside others: [Certificate] = [],
        anchors: [Certificate]?, now: Int64 = IssuerFindingTests.now
    ) -> [Finding] {
        let entries = ([certificate] + others).enumerated().map { index, certificate in
            entry(UInt(index) + 1, certificate)
        }
        return Health(
            now: now, anchors: anchors.map { TrustAnchors($0) }, sawPrivateObjects: false
        ).of(TokenInventory(keys: [], certificates: entries, otherObjects: 0))
            .findings.filter { $0.uri == entries[0].record.uri }
    }

    private func newKey() throws -> PublicKey {
        try HostPrivateKey.generate(.ec(.p256)).publicKey
    }

    @Test("A certificate of an unknown issuer is reported only if there are trust anchors")
    func unknownIssuer() throws {
        let root = try SampleAuthority("Root")
        let other = try SampleAuthority("Other")
        let leaf = try root.issue(newKey(), until: Self.now + 10_000_000)
        #expect(findings(leaf, anchors: nil).isEmpty)
        #expect(findings(leaf, anchors: [root.certificate]).isEmpty)
        #expect(findings(leaf, anchors: [other.certificate, root.certificate]).isEmpty)
        for anchors in [[], [other.certificate]] {
            let found = findings(leaf, anchors: anchors)
            #expect(found.map(\.kind) == [.unknownIssuer])
            #expect(found.first?.text == "it does not chain to a trust anchor; its issuer is Root")
        }
    }

    @Test("An issuer without a common name is reported by its full name")
    func issuerWithoutCommonName() throws {
        let root = try SampleAuthority(
            subject: [NameAttribute(.organization, "Example")], until: 1_900_000_000)
        let leaf = try root.issue(newKey(), until: Self.now + 10_000_000)
        #expect(leaf.issuer.text.contains("Example"))
        #expect(
            findings(leaf, anchors: []).map(\.text)
                == ["it does not chain to a trust anchor; its issuer is \(leaf.issuer.text)"])
    }

    @Test("A trust anchor on the token and a self-signed certificate of its name are distinguished")
    func anchorItself() throws {
        let root = try SampleAuthority("Root")
        let namesake = try SampleAuthority("Root")
        #expect(findings(root.certificate, anchors: [root.certificate]).isEmpty)
        let found = findings(namesake.certificate, anchors: [root.certificate])
        #expect(found.map(\.kind) == [.unknownIssuer])
    }

    @Test("An intermediate certificate on the token completes the chain")
    func intermediate() throws {
        let root = try SampleAuthority("Root")
        let middle = try SampleAuthority("Class 3", issuer: root)
        let leaf = try middle.issue(newKey(), until: Self.now + 10_000_000)
        let anchors = [root.certificate]
        #expect(
            findings(leaf, anchors: anchors).map(\.text)
                == ["it does not chain to a trust anchor; its issuer is Class 3"])
        #expect(findings(leaf, beside: [middle.certificate], anchors: anchors).isEmpty)
        #expect(findings(leaf, anchors: [middle.certificate]).isEmpty)
        // A certificate that may not issue others is not an intermediate.
        let sibling = try middle.issue(newKey(), until: Self.now + 10_000_000)
        #expect(findings(leaf, beside: [sibling], anchors: anchors).count == 1)
    }

    @Test("An issuer has expired from the second after its last one")
    func expiredIssuer() throws {
        let root = try SampleAuthority("Root")
        let middle = try SampleAuthority("Class 3", until: Self.now, issuer: root)
        let leaf = try middle.issue(newKey(), until: Self.now + 10_000_000)
        let text = "a certificate in its chain is expired or not yet valid: Class 3"
        for (now, texts) in [(Self.now, []), (Self.now + 1, [text])] as [(Int64, [String])] {
            let found = findings(
                leaf, beside: [middle.certificate], anchors: [root.certificate], now: now)
            #expect(found.map(\.text) == texts, "\(now)")
            #expect(found.allSatisfy { $0.kind == .unknownIssuer })
        }
    }

    @Test("An unknown issuer is reported with the serial number if certificates share a URI")
    func unknownIssuerAmongSeveral() throws {
        let root = try SampleAuthority("Root")
        let key = try newKey()
        let entries = try [UInt8(2), 3].map { number in
            let certificate = try root.issue(
                key, serialNumber: number, until: Self.now + 10_000_000)
            return CertificateEntry(
                record: PairingTests.record(UInt(number), .certificate, id: [1]), valueHash: [],
                content: CertificateEntry.Content(certificate), obstacle: nil,
                certificate: certificate)
        }
        let health = Health(now: Self.now, anchors: TrustAnchors([]), sawPrivateObjects: false)
        let found = health.of(TokenInventory(keys: [], certificates: entries, otherObjects: 0))
            .findings.filter { $0.kind == .unknownIssuer }
        #expect(found.map(\.serialNumber) == ["02", "03"])
    }

    @Test("Dates do not count in the chain of an expired certificate")
    func expiredTogether() throws {
        let root = try SampleAuthority("Root", until: Self.now - 5)
        let leaf = try root.issue(newKey(), until: Self.now - 1)
        #expect(findings(leaf, anchors: [root.certificate]).map(\.kind) == [.expired])
        #expect(
            Set(findings(leaf, anchors: []).map(\.kind)) == [.expired, .unknownIssuer])
        let valid = try root.issue(newKey(), until: Self.now + 10_000_000)
        #expect(
            findings(valid, anchors: [root.certificate]).map(\.text)
                == ["a certificate in its chain is expired or not yet valid: Root"])
    }

    @Test("An issuer with 2048 bits chains to a trust anchor, and one with 1024 bits does not")
    func weakIssuer() throws {
        let root = try SampleAuthority("Root")
        for (bits, kinds) in [(1024, [.unknownIssuer]), (2048, [])] as [(Int, [Finding.Kind])] {
            let middle = try SampleAuthority("Class 3", .rsa(bits: bits), issuer: root)
            let leaf = try middle.issue(newKey(), until: Self.now + 10_000_000)
            let found = findings(
                leaf, beside: [middle.certificate], anchors: [root.certificate])
            #expect(found.map(\.kind) == kinds, "\(bits)")
        }
    }

    @Test("A signature with SHA-256 chains to a trust anchor, and one with SHA-1 does not")
    func weakDigest() throws {
        let texts = [Self.root, Self.withSHA1, Self.withSHA256]
        let all = Certificate.all(inPEM: Array(texts.joined().utf8))
        #expect(all.error == nil)
        let certificates = all.certificates
        try #require(certificates.count == 3)
        let anchors = [certificates[0]]
        #expect(
            findings(certificates[1], anchors: anchors, now: 2_000_000_000).map(\.kind)
                == [.weakSignature])
        #expect(findings(certificates[2], anchors: anchors, now: 2_000_000_000).isEmpty)
    }

    private static let root = """
        -----BEGIN CERTIFICATE-----
        MIIBdTCCARugAwIBAgIUXmeaWbhZlF76lt6J0jApozKFanQwCgYIKoZIzj0EAwIw
        DzENMAsGA1UEAwwEUm9vdDAgFw0yNjExMjgxMzUzMjlaGA8yMDgxMDgzMTEzNTMy
        OVowDzENMAsGA1UEAwwEUm9vdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABDeU
        U92nlNyJhclBMAcLqa2tqST5UtcK6UiyWyt+N8Q9363NqSEZ6Cgbj66mxY1znsh9
        i0qmFlR2GC7rvsJuRuGjUzBRMB0GA1UdDgQWBBRaMwSwKtXHbCKh8SGLHMY1MDm5
        vjAfBgNVHSMEGDAWgBRaMwSwKtXHbCKh8SGLHMY1MDm5vjAPBgNVHRMBAf8EBTAD
        AQH/MAoGCCqGSM49BAMCA0gAMEUCIQC/eqTZ98X+8PiTdvDQCtCKeb3mnwuYPIt9
        ED1MkU7yTwIgL7c5pmq0vEhNAD45lsuLS0rNtGdNCFZ2H3B0AOon9DE=
        -----END CERTIFICATE-----

        """
    private static let withSHA1 = """
        -----BEGIN CERTIFICATE-----
        MIIBBTCBrQIBAjAJBgcqhkjOPQQBMA8xDTALBgNVBAMMBFJvb3QwIBcNMjYxMTI4
        MTM1MzI5WhgPMjA1NDA0MTUxMzUzMjlaMA8xDTALBgNVBAMMBEFubmEwWTATBgcq
        hkjOPQIBBggqhkjOPQMBBwNCAATLnFLM0MMyWhYLA/IQe2U0SifbX9lS6pY2cSc7
        DVqLz7YKErc4gEKll5+qP5lqvc3MF5Y6gdZDvOfgoFEswUx8MAkGByqGSM49BAED
        SAAwRQIgQ31ps2Z7blvsjOzgiCCKBmFq0xeAD/NUJkjPCk0/2nICIQDChUTqstNn
        VoIPAWEb2ifyU19yJX6au1SkT+zO93qBHw==
        -----END CERTIFICATE-----

        """
    private static let withSHA256 = """
        -----BEGIN CERTIFICATE-----
        MIIBBjCBrgIBAzAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARSb290MCAXDTI2MTEy
        ODEzNTMyOVoYDzIwNTQwNDE1MTM1MzI5WjAPMQ0wCwYDVQQDDARBbm5hMFkwEwYH
        KoZIzj0CAQYIKoZIzj0DAQcDQgAEy5xSzNDDMloWCwPyEHtlNEon21/ZUuqWNnEn
        Ow1ai8+2ChK3OIBCpZefqj+Zar3NzBeWOoHWQ7zn4KBRLMFMfDAKBggqhkjOPQQD
        AgNHADBEAiAIhaDC+KD6PornnD+rzGhk564uFNqeCPMt/l8eKk4IeAIgUDPMJHu9
        MkjSZmNRphn92I32EI2Na17fXO0sTnAgLYE=
        -----END CERTIFICATE-----

        """
}

/// Which certificates of a key replace others, by validity, issuer and usage.
@Suite struct ReplacedCertificateTests {
    private static let now: Int64 = 1_800_000_000
    private static let day: Int64 = 86_400

    private func content(
        from notBefore: Int64 = 0, until notAfter: Int64, subject: String = "CN=a",
        issuer: String = "CN=b", serialNumber: String = "01"
    ) -> CertificateEntry.Content {
        CertificateEntry.Content(
            subject: subject, issuer: issuer, subjectName: "a", issuerName: "b",
            serialNumber: serialNumber, notBefore: notBefore, notAfter: notAfter,
            keyKind: .rsa(bits: 2048), isAuthority: false)
    }

    private func entry(
        _ number: UInt, _ content: CertificateEntry.Content, _ certificate: Certificate? = nil
    ) -> CertificateEntry {
        CertificateEntry(
            record: PairingTests.record(number, .certificate, id: [1]), valueHash: [],
            content: content, obstacle: nil, certificate: certificate)
    }

    /// The replacement of one of two certificates, which must not depend on their order.
    private func replacement(
        of old: CertificateEntry, by new: CertificateEntry, anchors: [Certificate]? = nil
    ) -> Replacement {
        let health = Health(
            now: Self.now, anchors: anchors.map { TrustAnchors($0) }, sawPrivateObjects: true)
        let found = Replacements([old, new], health, []).replacement(of: old)
        #expect(Replacements([new, old], health, []).replacement(of: old) == found)
        return found
    }

    private func replacement(
        of old: Certificate, by new: Certificate, anchors: [Certificate]?
    ) -> Replacement {
        replacement(
            of: entry(1, CertificateEntry.Content(old), old),
            by: entry(2, CertificateEntry.Content(new), new), anchors: anchors)
    }

    @Test("Only a certificate that is valid now and for longer replaces another one")
    func validity() {
        let (now, day) = (Self.now, Self.day)
        for (old, start, end, expected) in [
            (now + 5 * day, 0, now + 300 * day, .seen),
            (now + 5 * day, 0, now + 5 * day + 1, .seen),
            (now + 5 * day, 0, now + 5 * day, .none), (now + 5 * day, 0, now + day, .none),
            (now + 5 * day, now, now + 300 * day, .seen),
            (now + 5 * day, now + 1, now + 300 * day, .none),
            (now - 1, 0, now, .seen), (now - 2, 0, now - 1, .none),
        ] as [(Int64, Int64, Int64, Replacement)] {
            let found = replacement(
                of: entry(1, content(until: old)),
                by: entry(2, content(from: start, until: end)))
            #expect(found == expected, "\(old - now), \(start), \(end - now)")
        }
    }

    @Test("A certificate with another subject or another issuer replaces no other one")
    func names() {
        let old = entry(1, content(until: Self.now + Self.day))
        let end = Self.now + 300 * Self.day
        #expect(replacement(of: old, by: entry(2, content(until: end))) == .seen)
        let otherSubject = entry(2, content(until: end, subject: "CN=A"))
        #expect(replacement(of: old, by: otherSubject) == Replacement.none)
        let otherIssuer = entry(2, content(until: end, issuer: "CN=c"))
        #expect(replacement(of: old, by: otherIssuer) == Replacement.none)
        let unread = CertificateEntry(
            record: PairingTests.record(3, .certificate, id: [1]), valueHash: [], content: nil,
            obstacle: .pem, certificate: nil)
        #expect(replacement(of: unread, by: entry(2, content(until: end))) == Replacement.none)
        #expect(replacement(of: old, by: unread) == Replacement.none)
    }

    @Test("A replacement is proved only if the certificates themselves chain to an anchor")
    func proof() throws {
        let root = try SampleAuthority("Root")
        let other = try SampleAuthority("Other")
        let key = try HostPrivateKey.generate(.ec(.p256)).publicKey
        let old = try root.issue(key, until: Self.now + Self.day)
        let new = try root.issue(key, serialNumber: 3, until: Self.now + 300 * Self.day)
        #expect(replacement(of: old, by: new, anchors: [root.certificate]) == .proved)
        #expect(replacement(of: old, by: new, anchors: nil) == .seen)
        #expect(replacement(of: old, by: new, anchors: [other.certificate]) == Replacement.none)
        // Without the certificates, their alternative names are unknown.
        let contents = [old, new].map { CertificateEntry.Content($0) }
        #expect(
            replacement(
                of: entry(1, contents[0]), by: entry(2, contents[1]),
                anchors: [root.certificate]) == .seen)
        #expect(
            replacement(
                of: entry(1, contents[0], old), by: entry(2, contents[1]), anchors: nil)
                == Replacement.none)
        #expect(
            replacement(
                of: entry(1, contents[0]), by: entry(2, contents[1], new), anchors: nil)
                == Replacement.none)
    }

    @Test("A certificate replaces another one only if its key usage permits at least as much")
    func keyUsages() throws {
        let root = try SampleAuthority("Root")
        let key = try HostPrivateKey.generate(.ec(.p256)).publicKey
        for (old, new, isReplaced) in [
            (nil, nil, true), ([.digitalSignature], nil, true),
            (nil, [.digitalSignature], false),
            ([.digitalSignature], [.digitalSignature, .keyEncipherment], true),
            ([.digitalSignature, .keyEncipherment], [.digitalSignature], false),
            ([.keyAgreement], [.keyEncipherment], false),
            ([.contentCommitment], [.contentCommitment], true),
        ] as [(Set<KeyUsage>?, Set<KeyUsage>?, Bool)] {
            func certificate(
                _ number: UInt8, _ usages: Set<KeyUsage>?, days: Int64
            ) throws -> Certificate {
                try root.issue(
                    key, serialNumber: number, until: Self.now + days * Self.day,
                    usages.map { [CertificateExtension.keyUsage($0)] } ?? [])
            }
            let found = replacement(
                of: try certificate(2, old, days: 1), by: try certificate(3, new, days: 300),
                anchors: [root.certificate])
            let expected: Replacement = isReplaced ? .proved : .none
            #expect(found == expected)
        }
    }

    @Test("A certificate replaces another one only if its extended key usage covers the other's")
    func extendedKeyUsages() throws {
        let root = try SampleAuthority("Root")
        let key = try HostPrivateKey.generate(.ec(.p256)).publicKey
        for (old, new, isReplaced) in [
            ([], [], true), ([.emailProtection], [], true), ([], [.emailProtection], false),
            ([.emailProtection], [.clientAuth, .emailProtection], true),
            ([.emailProtection, .clientAuth], [.emailProtection], false),
            ([.emailProtection], [.clientAuth], false),
        ] as [([ExtendedKeyUsage], [ExtendedKeyUsage], Bool)] {
            func certificate(
                _ number: UInt8, _ usages: [ExtendedKeyUsage], days: Int64
            ) throws -> Certificate {
                try root.issue(
                    key, serialNumber: number, until: Self.now + days * Self.day,
                    usages.isEmpty ? [] : [CertificateExtension.extendedKeyUsage(usages)])
            }
            let found = replacement(
                of: try certificate(2, old, days: 1), by: try certificate(3, new, days: 300),
                anchors: [root.certificate])
            let expected: Replacement = isReplaced ? .proved : .none
            #expect(found == expected, "\(old), \(new)")
        }
    }

    private func findings(_ keys: [[CertificateEntry]]) -> [Finding] {
        let entries = keys.enumerated().map { index, certificates -> KeyEntry in
            var key = KeyEntry()
            key.privateKey = PairingTests.record(
                UInt(index) + 100, .privateKey, id: [UInt8(index) + 1])
            key.value = PairingTests.rsa(UInt8(index) + 1)
            key.certificates = certificates
            return key
        }
        return Health(now: Self.now, sawPrivateObjects: true)
            .of(TokenInventory(keys: entries, certificates: [], otherObjects: 0)).findings
    }

    @Test("A replaced certificate is reported only once it expires soon, and only as a notice")
    func reporting() {
        let new = entry(2, content(until: Self.now + 300 * Self.day, serialNumber: "02"))
        for (left, text) in [
            (30 * Self.day, nil),
            (30 * Self.day - 1, "it expires in 29 days; a newer certificate has replaced it"),
            (2 * Self.day - 1, "it expires in 1 day; a newer certificate has replaced it"),
            (-1, "it has expired; a newer certificate has replaced it"),
        ] as [(Int64, String?)] {
            let found = findings([[entry(1, content(until: Self.now + left)), new]])
            let expected = text.map { [$0] } ?? []
            #expect(found.map(\.text) == expected, "\(left)")
            #expect(found.allSatisfy { $0.kind == .replaced && $0.severity == .notice })
            #expect(found.allSatisfy { $0.serialNumber == "01" && !$0.isDisposable })
        }
    }

    @Test("A certificate of another key does not replace one, and a single one needs no number")
    func otherKey() {
        let old = entry(1, content(until: Self.now + Self.day))
        let new = entry(2, content(until: Self.now + 300 * Self.day, serialNumber: "02"))
        let other = CertificateEntry(
            record: PairingTests.record(2, .certificate, id: [2]), valueHash: [],
            content: new.content, obstacle: nil, certificate: nil)
        let apart = findings([[old], [other]])
        #expect(apart.map(\.kind) == [.expiring] && apart.first?.serialNumber == nil)
        let together = findings([[old, new]])
        #expect(together.map(\.kind) == [.replaced] && together.first?.serialNumber == "01")
    }

    /// Otherwise the user does not know to which of several certificates a finding refers.
    @Test("A finding about a certificate that shares its URI has the serial number")
    func sharedURI() throws {
        let certificates = [
            entry(1, content(until: Self.now + 300 * Self.day, serialNumber: "01")),
            entry(2, content(until: Self.now + 300 * Self.day, serialNumber: "02")),
        ]
        func found(_ keys: [KeyEntry], _ certificates: [CertificateEntry]) -> [Finding] {
            Health(now: Self.now, sawPrivateObjects: true)
                .of(TokenInventory(keys: keys, certificates: certificates, otherObjects: 0))
                .findings
        }
        let without = found([], certificates)
        #expect(without.map(\.kind) == [.certificateWithoutKey, .certificateWithoutKey])
        #expect(without.map(\.serialNumber) == ["01", "02"])
        #expect(found([], [certificates[0]]).map(\.serialNumber) == [nil])
        var owner = KeyEntry()
        owner.privateKey = PairingTests.record(100, .privateKey, id: [1])
        owner.value = PairingTests.rsa(1)
        owner.mismatchedCertificates = certificates
        let wrong = found([owner], []).filter { $0.kind == .mismatch }
        #expect(wrong.map(\.serialNumber) == ["01", "02"])
    }
}

/// The form of the moduli of CVE-2017-15361.
@Suite struct ROCATests {
    private static let primes: [Int] = (3...167).filter { number in
        !(2..<number).contains { number.isMultiple(of: $0) }
    }

    /// The product of numbers, big-endian.
    private static func product(_ factors: [Int]) -> [UInt8] {
        var digits: [UInt8] = [1]
        for factor in factors {
            var carry = 0
            for index in digits.indices {
                carry += Int(digits[index]) * factor
                digits[index] = UInt8(truncatingIfNeeded: carry)
                carry >>= 8
            }
            while carry > 0 {
                digits.append(UInt8(truncatingIfNeeded: carry))
                carry >>= 8
            }
        }
        return digits.reversed()
    }

    /// A multiple of the product of some factors with `count` bytes, plus a small number.
    private static func modulus(
        of factors: [Int], plus remainder: Int, count: Int
    ) -> [UInt8] {
        let beginning = product(factors)
        let end: [UInt8] = [16, 8, 0].map { UInt8(truncatingIfNeeded: remainder >> $0) }
        return beginning + [UInt8](repeating: 0, count: count - beginning.count - 3) + end
    }

    /// A modulus with a given remainder modulo every prime of the test.
    static func modulus(times factor: Int, plus remainder: Int, count: Int) -> [UInt8] {
        modulus(of: primes + [factor], plus: remainder, count: count)
    }

    @Test("A modulus that is a power of 65537 modulo every small prime has the fingerprint")
    func fingerprint() {
        #expect(Self.primes.count == 38)
        for count in [64, 128, 256, 512] {
            for factor in [1, 2, 1000] {
                for (remainder, isFound) in [(1, true), (65537, true), (2, false), (3, false)] {
                    let modulus = Self.modulus(times: factor, plus: remainder, count: count)
                    #expect(modulus.count == count)
                    #expect(
                        hasROCAFingerprint(modulus: modulus) == isFound,
                        "\(count) bytes, factor \(factor), remainder \(remainder)")
                }
            }
        }
    }

    /// Otherwise secure keys are reported as weak.
    @Test("A modulus that is divisible by a small prime does not have the fingerprint")
    func everyPrimeCounts() throws {
        for prime in Self.primes {
            let others = Self.primes.filter { $0 != prime }
            let candidates = (1..<4 * prime).map {
                Self.modulus(of: others + [$0], plus: 1, count: 64)
            }
            func isDivisible(_ modulus: [UInt8]) -> Bool {
                modulus.reduce(0) { ($0 * 256 + Int($1)) % prime } == 0
            }
            let divisible = try #require(candidates.first(where: isDivisible))
            #expect(!hasROCAFingerprint(modulus: divisible), "\(prime)")
        }
    }

    @Test("A modulus below 512 bits is not examined")
    func length() {
        #expect(hasROCAFingerprint(modulus: Self.modulus(times: 1, plus: 1, count: 64)))
        #expect(!hasROCAFingerprint(modulus: Self.modulus(times: 1, plus: 1, count: 63)))
        #expect(!hasROCAFingerprint(modulus: [1]) && !hasROCAFingerprint(modulus: []))
    }

    @Test("Usual moduli do not have the fingerprint")
    func soundKeys() throws {
        for number in [1, 2, 3, 0x55, 0xFF] as [UInt8] {
            let numbers = try #require(PairingTests.rsa(number).rsaNumbers)
            #expect(!hasROCAFingerprint(modulus: numbers.modulus), "\(number)")
        }
    }
}
