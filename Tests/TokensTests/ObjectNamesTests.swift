import Cryptoki
import OpenSSLX509
import Testing

@testable import TokencertTokens

/// What a short name refers to. The wrong key or certificate would be shown, renewed or deleted.
@Suite struct ObjectNamesTests {
    private func certificate(
        _ number: UInt, id: [UInt8] = [], _ label: String = "", serial: String = "0a"
    ) -> CertificateEntry {
        CertificateEntry(
            record: PairingTests.record(number, .certificate, id: id, label), valueHash: [],
            content: CertificateEntry.Content(
                subject: "CN=a", issuer: "CN=b", subjectName: "a", issuerName: "b",
                serialNumber: serial, notBefore: 0, notAfter: 1, keyKind: .ec(.p256),
                isAuthority: false), obstacle: nil, certificate: nil)
    }

    private func key(
        _ number: UInt, id: [UInt8] = [], _ label: String = "", _ own: [CertificateEntry] = []
    ) -> KeyEntry {
        var key = KeyEntry()
        key.privateKey = PairingTests.record(number, .privateKey, id: id, label)
        key.publicKey = PairingTests.record(number + 1, .publicKey, id: id, label)
        key.certificates = own
        return key
    }

    private func names(
        _ keys: [KeyEntry], _ certificates: [CertificateEntry] = []
    ) -> ObjectNames {
        ObjectNames(
            TokenInventory(keys: keys, certificates: certificates, otherObjects: 0))
    }

    @Test("A key is named by its label, its id or the beginning of its id")
    func keyNames() {
        let names = names([
            key(1, id: [0x29, 0xD9, 0x4C], "mail"), key(3, id: [0x29, 0xD9, 0x5C], "web"),
        ])
        #expect(names.references("mail") == [.label(Array("mail".utf8))])
        #expect(names.references("29d94c") == [.id([0x29, 0xD9, 0x4C])])
        #expect(names.references("29:D9:4C") == [.id([0x29, 0xD9, 0x4C])])
        #expect(names.references("29d94") == [.id([0x29, 0xD9, 0x4C])])
        #expect(names.references("29d9").count == 2)
        for absent in ["mai", "Mail", "29d", "d94c", "29d94c00", "", " mail"] {
            #expect(names.references(absent).isEmpty, "\(absent)")
        }
    }

    @Test("A certificate is named by its serial number as programs print it, or its beginning")
    func serialNumbers() {
        let names = names(
            [], [certificate(1, serial: "2dd50d"), certificate(2, serial: "2dd51e")])
        for text in ["2dd50d", "2DD50D", "2d:d5:0d", "0x2dd50d", "2dd50"] {
            #expect(names.references(text) == [.serialNumber("2dd50d")], "\(text)")
        }
        #expect(names.references("2dd5").count == 2)
    }

    // The root with serial number 1 would be deleted in place of a key whose id begins with 0001.
    @Test("A short serial number with leading zeros does not count as a serial number")
    func zeros() {
        let names = names(
            [key(1, id: [0, 1, 0xF3], "mail")], [certificate(5, serial: "01")])
        #expect(names.references("01") == [.serialNumber("01")])
        #expect(names.references("1") == [.serialNumber("01")])
        #expect(names.references("0001") == [.id([0, 1, 0xF3])])
        #expect(names.references("0001f3") == [.id([0, 1, 0xF3])])
        #expect(names.references("000001").isEmpty)
    }

    // A key in a place of a card often has the id of a root's serial number.
    @Test("A type selects among the objects that have a name")
    func types() {
        let names = names([key(1, id: [1], "mail")], [certificate(5, serial: "01")])
        #expect(names.references("01").count == 2)
        #expect(names.references("01", of: .privateKey) == [.id([1])])
        #expect(names.references("01", of: .certificate) == [.serialNumber("01")])
        #expect(!names.isAbbreviated("01", of: .privateKey))
    }

    @Test("A label that cannot be typed is no name")
    func untypable() {
        for label in ["a\u{1B}b", "a\u{202E}b", "x?pin-value=1"] {
            let odd = key(1, id: [1], label)
            #expect(names([odd]).name(of: odd) == "01", "\(label)")
        }
        let negative = certificate(5, serial: "-2d")
        #expect(names([], [negative]).name(of: negative) == nil)
    }

    @Test("An exact name precedes the beginning of a longer one")
    func exact() {
        let names = names([key(1, id: [0xBE, 0xEF, 1], "mail"), key(3, id: [7], "beef")])
        #expect(names.references("beef") == [.label(Array("beef".utf8))])
        #expect(names.references("beef0") == [.id([0xBE, 0xEF, 1])])
    }

    @Test("A name that is the label of one key and the id of another is ambiguous")
    func ambiguous() {
        let names = names([key(1, id: [1], "02"), key(3, id: [2], "web")])
        #expect(Set(names.references("02")) == [.label(Array("02".utf8)), .id([2])])
    }

    @Test("A name that leads to the same objects in two ways is not ambiguous")
    func sameObjects() {
        let names = names([key(1, id: [1], "01")])
        #expect(names.references("01").count == 1)
    }

    @Test("The name of a key is its label, or its id if the label names something else, too")
    func nameOfKey() {
        let mine = key(1, id: [1], "mail")
        #expect(names([mine]).name(of: mine) == "mail")
        #expect(names([mine, key(3, id: [2], "mail")]).name(of: mine) == "01")
        #expect(names([mine], [certificate(5, id: [9], "mail")]).name(of: mine) == "01")
        #expect(names([mine, key(3, id: Array("mail".utf8))]).name(of: mine) == "mail")
        let twins = [key(1, id: [1], "mail"), key(3, id: [1], "mail")]
        #expect(names(twins).name(of: twins[0]) == nil)
        for label in ["-mail", "pkcs11:object=mail", ""] {
            let odd = key(1, id: [1], label)
            #expect(names([odd]).name(of: odd) == "01", "\(label)")
        }
    }

    @Test("Old and new certificates of one key have different names")
    func nameOfCertificate() {
        let old = certificate(5, id: [1], "mail", serial: "0a")
        let new = certificate(6, id: [1], "mail", serial: "0b")
        let names = names([key(1, id: [1], "mail", [old, new])])
        #expect(names.name(of: old) == "0a" && names.name(of: new) == "0b")
        let same = ObjectNamesTests().names([], [old, certificate(6, serial: "0a")])
        #expect(same.name(of: old) == nil)
    }
}
