import Cryptoki
import OpenSSLX509
import Testing

@testable import Inventory

/// Which certificates may need a key that is to be removed.
@Suite struct PossibleCertificateTests {
    private func content(_ kind: KeyKind, isAuthority: Bool = false) -> CertificateEntry.Content {
        CertificateEntry.Content(
            subject: "CN=a", issuer: "CN=b", subjectName: "a", issuerName: "b",
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
        key.type = type
        return key
    }

    private func found(
        _ key: KeyEntry, among certificates: [CertificateEntry], _ others: [KeyEntry] = []
    ) -> [UInt] {
        TokenInventory(keys: [key] + others, certificates: certificates, otherObjects: 0)
            .possibleCertificates(for: key).map(\.record.handle.rawValue)
    }

    @Test("A certificate that cannot be read counts unless its id is that of another key")
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

    @Test("The certificates of every key with the same public key count")
    func sameValue() {
        let mine = key(1, id: [1], PairingTests.rsa(1))
        var other = key(2, id: [2], PairingTests.rsa(1))
        other.certificates = [entry(10, id: [2], content(.rsa(bits: 2048)))]
        #expect(found(mine, among: [], [other]) == [10])
    }
}
