import Cryptoki
import OpenSSLX509
import Testing

@testable import TokencertCommands
@testable import TokencertTokens

/// The objects that a URI matches, and the hints if it does not match exactly one. Users paste
/// these hints after commands that show, renew and remove.
@Suite struct ObjectSelectionTests {
    private static let token = try! PKCS11URI(parsing: "pkcs11:token=work")

    private func record(
        _ number: UInt, _ objectClass: ObjectClass, id: [UInt8], _ label: String
    ) -> ObjectRecord {
        ObjectRecord(
            handle: ObjectHandle(rawValue: number), objectClass: objectClass, id: id,
            labelBytes: Array(label.utf8), on: ObjectURIs(token: Self.token))
    }

    private func certificate(
        _ number: UInt, id: [UInt8] = [1], _ label: String = "mail", serial: String? = "0a"
    ) -> CertificateEntry {
        CertificateEntry(
            record: record(number, .certificate, id: id, label), valueHash: [],
            content: serial.map {
                CertificateEntry.Content(
                    subject: "CN=a", issuer: "CN=b", subjectName: "a", issuerName: "b",
                    serialNumber: $0, notBefore: 0, notAfter: 1, keyKind: .ed25519,
                    isAuthority: false)
            }, obstacle: serial == nil ? .pem : nil, certificate: nil)
    }

    private func key(
        _ number: UInt, id: [UInt8] = [1], _ label: String = "mail",
        _ certificates: [CertificateEntry] = [], mismatched: [CertificateEntry] = []
    ) -> KeyEntry {
        var key = KeyEntry()
        key.privateKey = record(number, .privateKey, id: id, label)
        key.publicKey = record(number + 100, .publicKey, id: id, label)
        key.certificates = certificates
        key.mismatchedCertificates = mismatched
        return key
    }

    private func uri(_ text: String) throws -> PKCS11URI { try PKCS11URI(parsing: text) }

    /// A key with two certificates that have the same URI, a key with the certificate of another
    /// key, and a certificate without a key.
    private var inventory: TokenInventory {
        let mail = key(1, "mail", [certificate(11), certificate(12, serial: "0b")])
        let web = key(
            2, id: [2], "web", mismatched: [certificate(13, id: [2], "web", serial: "0c")])
        return TokenInventory(
            keys: [mail, web], certificates: [certificate(14, id: [3], "old", serial: nil)],
            otherObjects: 0)
    }

    // MARK: Matching objects

    @Test("A URI matches keys by either half, and certificates wherever they are listed")
    func named() throws {
        let cases: [(String, keys: [UInt], certificates: [UInt])] = [
            ("pkcs11:object=mail", [1], [11, 12]), ("pkcs11:object=mail;type=cert", [], [11, 12]),
            ("pkcs11:object=mail;type=public", [1], []), ("pkcs11:id=%02", [2], [13]),
            ("pkcs11:id=%02;type=private", [2], []), ("pkcs11:object=old", [], [14]),
            ("pkcs11:object=Mail", [], []), ("pkcs11:object=mai", [], []),
            ("pkcs11:id=%01;object=web", [], []), ("pkcs11:type=cert", [], [11, 12, 13, 14]),
        ]
        for (text, keys, certificates) in cases {
            let named = inventory.named(try uri(text))
            #expect(named.keys.compactMap(\.privateKey?.handle.rawValue) == keys, "\(text)")
            #expect(
                named.certificates.map(\.record.handle.rawValue) == certificates, "\(text)")
        }
    }

    @Test("A certificate is shown with the key of its CKA_ID, even if it does not match that key")
    func shownWith() {
        let keys = inventory.keysShownWith
        for (number, label) in [(11, "mail"), (12, "mail"), (13, "web")] as [(UInt, String)] {
            #expect(keys[ObjectHandle(rawValue: number)]?.label == label)
        }
        #expect(keys[ObjectHandle(rawValue: 14)] == nil && keys.count == 3)
    }

    // MARK: No match

    private static func isKey(_ hint: String) -> Bool {
        hint.contains(" mail (") || hint.contains(" web (")
    }

    private func offered(
        _ text: String, serial: String? = nil, toRemove isRemoved: Bool = false
    ) throws -> [String] {
        let failure = noSuchObject(
            "object", ObjectTarget(try uri(text), serialNumber: serial), toRemove: isRemoved,
            on: inventory)
        #expect(failure.status == .noSuchObject && failure.code == "noSuchObject")
        return failure.hints.filter { $0.hasPrefix("did you") || $0.hasPrefix("on the token") }
    }

    // A private key that is removed by mistake is lost permanently.
    @Test("For removal, a private key is suggested only if the URI asks for one")
    func removal() throws {
        for text in ["pkcs11:object=mial", "pkcs11:id=%04", "pkcs11:object=x;id=%01"] {
            let hints = try offered(text, toRemove: true)
            #expect(!hints.isEmpty)
            #expect(!hints.contains { Self.isKey($0) }, "\(hints)")
            #expect(hints.contains { $0.contains(" 0a (") }, "\(hints)")
        }
        let keys = try offered("pkcs11:object=mial;type=private", toRemove: true)
        #expect(keys == ["did you mean mail --key (a, valid to 1970-01-01)?"])
        let shown = try offered("pkcs11:object=mial")
        #expect(shown.contains { Self.isKey($0) }, "\(shown)")
    }

    // Otherwise a pasted hint could select a key instead of a certificate.
    @Test("Only objects of the requested class are suggested")
    func classes() throws {
        for name in ["cert", "public", "private"] {
            let hints = try offered("pkcs11:object=mial;type=\(name)")
            #expect(!hints.isEmpty)
            #expect(hints.allSatisfy { Self.isKey($0) == (name == "private") }, "\(hints)")
            #expect(hints.allSatisfy { $0.contains("type=public") == (name == "public") })
            #expect(Set(hints).count == hints.count, "one is offered twice: \(hints)")
        }
    }

    @Test("After a wrong serial number, the URI's own certificates are offered, otherwise all")
    func serialNumbers() throws {
        #expect(
            try offered("pkcs11:object=mail", serial: "ff") == [
                "did you mean 0a (a, valid to 1970-01-01)?",
                "did you mean 0b (a, valid to 1970-01-01)?",
            ])
        let all = try offered("pkcs11:object=nothing", serial: "ff", toRemove: true)
        #expect(all.count == 3 && !all.contains { Self.isKey($0) }, "\(all)")
    }

    @Test("On an empty token, the hints explain how to see private keys")
    func empty() throws {
        let none = TokenInventory(keys: [], certificates: [], otherObjects: 0)
        let failure = noSuchObject(
            "key", ObjectTarget(try uri("pkcs11:object=mail")), on: none)
        #expect(failure.hints.count == 2)
        #expect(failure.hints.allSatisfy { $0.contains("--pin-source prompt") })
        #expect(failure.message == "no key on the token matches pkcs11:object=mail")
    }

    // MARK: Several matches

    @Test("If several objects match, none is chosen")
    func one() throws {
        let wanted = ObjectTarget(try uri("pkcs11:type=cert"))
        func pick(_ found: [String]) throws -> String {
            try requireOne(found, "thing", wanted, on: inventory) { $0 }
        }
        #expect(try pick(["a"]) == "a")
        let several = try #require(throws: Failure.self) { _ = try pick(["a", "b's"]) }
        #expect(several.code == "severalObjects" && several.status == .noSuchObject)
        #expect(several.message == "2 things on the token match pkcs11:type=cert")
        #expect(several.hints == ["one of them: a", "one of them: b's"])
        // A URI that all of them share does not help.
        let same = try #require(throws: Failure.self) { _ = try pick(["a", "a", "a"]) }
        #expect(same.hints.count == 1 && !same.hints[0].contains("one of them"))
        let many = try #require(throws: Failure.self) {
            _ = try pick((1...50).map { "uri\($0)" })
        }
        #expect(
            many.hints.last == "and 47 more: tokencert list" && many.message.hasPrefix("50 things"))
        let none = try #require(throws: Failure.self) { _ = try pick([]) }
        #expect(none.code == "noSuchObject")
    }

    @Test("Several certificates are distinguished by their serial numbers")
    func several() throws {
        let entries = inventory.keys[0].certificates
        let mail = ObjectTarget(try uri("pkcs11:object=mail"))
        let failure = severalCertificates(entries, mail, on: inventory)
        #expect(
            failure.hints == [
                "one of them: 0a (a, valid to 1970-01-01)",
                "one of them: 0b (a, valid to 1970-01-01)",
            ])
        #expect(failure.message == "2 certificates on the token match pkcs11:object=mail")
        let many = (1...30).map { certificate(UInt($0)) }
        #expect(severalCertificates(many, mail, on: inventory).hints.count == 4)
    }

    // The user types UTF-8, and the label on the token may be Latin-1.
    @Test("A typed label leads to the same label in another encoding")
    func otherEncodings() throws {
        let uris = ["pkcs11:object=M%FCller;type=private", "pkcs11:object=web;type=private"]
        let hints = objectHints(try uri("pkcs11:object=M%C3%BCller"), among: uris)
        #expect(hints.first == "did you mean '\(uris[0])'?", "\(hints)")
        // A text that is not a URI is listed, but not suggested as a match.
        let garbage = objectHints(try uri("pkcs11:object=web"), among: ["garbage"])
        #expect(garbage.isEmpty)
    }

    @Test("A certificate that cannot be read is described by its form")
    func names() {
        let cases: [(CertificateEntry.Obstacle, String)] = [
            (.malformed, "unreadable"), (.pem, "PEM text"), (.url, "URL only"),
            (.noValue, "no value"), (.otherType(CertificateType(rawValue: 2)), "not X.509"),
        ]
        for (obstacle, name) in cases {
            let entry = CertificateEntry(
                record: record(1, .certificate, id: [], ""), valueHash: [], content: nil,
                obstacle: obstacle, certificate: nil)
            #expect(entry.name == name && entry.title == name)
        }
        #expect(certificate(1).name == "a" && certificate(1).title == "CN=a")
    }
}
