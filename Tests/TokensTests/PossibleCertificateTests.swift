import Cryptoki
import OpenSSLX509
import Testing
import TokencertTestAuthority

@testable import TokencertTokens

/// Which certificates may become useless if a key is removed.
@Suite struct PossibleCertificateTests {
    private func content(
        _ kind: KeyKind, isAuthority: Bool = false, issuer: String = "b"
    ) -> CertificateEntry.Content {
        CertificateEntry.Content(
            subject: "CN=a", issuer: "CN=\(issuer)", subjectName: "a", issuerName: issuer,
            serialNumber: "01", notBefore: 0, notAfter: 1, keyKind: kind, isAuthority: isAuthority)
    }

    private func entry(
        _ number: UInt, id: [UInt8] = [], label: String = "", _ content: CertificateEntry.Content?
    ) -> CertificateEntry {
        CertificateEntry(
            record: PairingTests.record(number, .certificate, id: id, label), valueHash: [],
            content: content, obstacle: content == nil ? .pem : nil, certificate: nil)
    }

    private func key(
        _ number: UInt, id: [UInt8] = [], label: String = "", _ value: PublicKey?,
        type: KeyType = .rsa
    ) -> KeyEntry {
        var key = KeyEntry()
        key.privateKey = PairingTests.record(number, .privateKey, id: id, label)
        key.value = value
        key.kind = value?.kind
        key.isValueFromPrivateKey = value != nil
        key.privateKind = value?.kind
        key.type = type
        return key
    }

    private func found(
        _ key: KeyEntry, among certificates: [CertificateEntry], _ others: [KeyEntry] = []
    ) -> [UInt] {
        TokenInventory(keys: [key] + others, certificates: certificates, otherObjects: 0)
            .possibleCertificates(for: key).map(\.record.handle.rawValue)
    }

    @Test("An unreadable certificate counts unless it has the id of another key")
    func unreadable() {
        let mine = key(1, id: [1], label: "mail", PairingTests.rsa(1))
        let other = key(2, id: [2], label: "other", PairingTests.rsa(2))
        let certificates = [
            entry(10, id: [1], nil), entry(11, label: "mail", nil), entry(12, label: "x", nil),
            entry(13, id: [3], label: "x", nil), entry(14, id: [2], label: "x", nil),
        ]
        #expect(found(mine, among: certificates, [other]) == [10, 11, 12, 13])
    }

    @Test("A certificate for another public key counts only if the keys cannot be compared")
    func readable() {
        let mine = key(1, id: [1], label: "mail", PairingTests.rsa(1))
        let bits = PairingTests.rsa(1).kind
        let certificates = [
            entry(10, id: [1], content(bits)), entry(11, label: "mail", content(.other("1.2.3"))),
            entry(12, label: "x", content(.other("1.2.3"))), entry(13, id: [1], content(.ed25519)),
        ]
        #expect(found(mine, among: certificates) == [11])
    }

    @Test("For a key without a readable public key, each certificate of its kind counts")
    func silentKey() {
        let mine = key(1, id: [1], label: "mail", nil, type: .ec)
        let other = key(2, id: [2], label: "other", PairingTests.ec, type: .ec)
        let p256 = KeyKind.ec(.p256)
        let certificates = [
            entry(10, id: [1], content(p256)), entry(11, content(p256)),
            entry(12, id: [2], content(p256)), entry(13, content(.rsa(bits: 2048))),
            entry(14, content(p256, isAuthority: true)),
            entry(15, label: "mail", content(p256, isAuthority: true)),
        ]
        #expect(found(mine, among: certificates, [other]) == [10, 11, 15])
    }

    @Test("A certificate with a public half that was moved to another id counts")
    func movedHalf() {
        let mine = key(1, id: [1], nil, type: .ec)
        var half = KeyEntry()
        half.publicKey = PairingTests.record(2, .publicKey, id: [2])
        half.value = PairingTests.ec
        half.certificates = [entry(10, id: [2], content(.ec(.p256)))]
        #expect(found(mine, among: [], [half]) == [10])
        var other = key(3, id: [2], PairingTests.ec, type: .ec)
        other.certificates = half.certificates
        #expect(found(mine, among: [], [other]).isEmpty)
    }

    /// A token whose EC private keys do not show their public keys, each with a public
    /// half or none, and which certificates count for the key with the label "mail".
    private func found(
        halves: [(id: UInt8, label: String, publicHalf: PublicKey?)],
        certificates: [(id: [UInt8], label: String, key: PublicKey)], rsaID: UInt8? = nil
    ) throws -> [UInt] {
        var pairing = Pairing()
        var number: UInt = 0
        func record(_ objectClass: ObjectClass, _ id: [UInt8], _ label: String) -> ObjectRecord {
            number += 1
            return PairingTests.record(number, objectClass, id: id, label)
        }
        for certificate in certificates {
            // The first certificates get the first handles.
            let entry = CertificateEntry(
                record: record(.certificate, certificate.id, certificate.label), valueHash: [],
                content: content(certificate.key.kind), obstacle: nil, certificate: nil)
            pairing.add(certificate: entry, certificate.key)
        }
        for half in halves {
            pairing.add(key: record(.privateKey, [half.id], half.label), .ec, nil, .ec(.p256))
            guard let value = half.publicHalf else { continue }
            pairing.add(key: record(.publicKey, [half.id], half.label), .ec, value, nil)
        }
        if let rsaID {
            pairing.add(
                key: record(.privateKey, [rsaID], "rsa"), .rsa, PairingTests.rsa(1), nil)
        }
        let (keys, lone) = pairing.result()
        let key = try #require(keys.first { $0.privateKey?.label == "mail" })
        return TokenInventory(keys: keys, certificates: lone, otherObjects: 0)
            .possibleCertificates(for: key).map(\.record.handle.rawValue)
    }

    // Otherwise the private key of a valid certificate is removed because the public half of another
    // key has its id.
    @Test("A certificate counts even if the public half with its id does not match it")
    func strayPublicHalf() throws {
        let a = PairingTests.ec
        let b = try HostPrivateKey.generate(.ec(.p256)).publicKey
        let c = try HostPrivateKey.generate(.ec(.p256)).publicKey
        #expect(
            try found(halves: [(1, "mail", b)], certificates: [([1], "mail", a)]) == [1])
        // The usual token: each certificate matches the public half with its id.
        #expect(
            try found(
                halves: [(1, "mail", a), (2, "other", c)],
                certificates: [([1], "mail", a), ([2], "other", c), ([3], "lone", b)]) == [1])
        #expect(
            try found(
                halves: [(1, "mail", a)], certificates: [([1], "mail", PairingTests.rsa(2))]
            ).isEmpty)
    }

    @Test("A certificate with the id of a wrong key counts for a key without a public key")
    func idOfAnotherKey() throws {
        #expect(
            try found(
                halves: [(1, "mail", nil)], certificates: [([22], "x", PairingTests.ec)], rsaID: 22
            ) == [1])
    }

    @Test("A self-signed CA certificate counts for a key without a public key")
    func selfSigned() {
        let mine = key(1, id: [1], label: "mail", nil, type: .ec)
        let p256 = KeyKind.ec(.p256)
        let certificates = [
            entry(10, label: "x", content(p256, isAuthority: true, issuer: "a")),
            entry(11, id: [9], label: "x", content(p256, isAuthority: true, issuer: "a")),
            entry(12, label: "x", content(p256, isAuthority: true)),
        ]
        #expect(found(mine, among: certificates) == [10, 11])
    }

    @Test("The certificates of every key with the same public key count")
    func sameValue() {
        let mine = key(1, id: [1], PairingTests.rsa(1))
        var other = key(2, id: [2], PairingTests.rsa(1))
        other.certificates = [entry(10, id: [2], content(.rsa(bits: 2048)))]
        #expect(found(mine, among: [], [other]) == [10])
    }

    @Test("An unreadable certificate may be X.509 unless it has another type")
    func obstacles() {
        for (obstacle, mayBeX509) in [
            (.malformed, true), (.pem, true), (.url, true), (.noValue, true),
            (.otherType(CertificateType(rawValue: 1)), false),
        ] as [(CertificateEntry.Obstacle, Bool)] {
            #expect(obstacle.mayBeX509 == mayBeX509, "\(obstacle)")
            #expect(!obstacle.reason.isEmpty && !obstacle.reason.hasSuffix("."))
        }
    }
}
