import Cryptoki
import OpenSSLX509
import Testing

@testable import TokencertCommands
@testable import TokencertTokens

/// The table of `list`. Users choose by it what to renew and what to delete.
@Suite struct ListTableTests {
    private static let now: Int64 = 1_800_000_000
    private static let day: Int64 = 86400

    private func record(
        _ number: UInt, _ objectClass: ObjectClass, id: [UInt8], _ label: String
    ) throws -> ObjectRecord {
        ObjectRecord(
            handle: ObjectHandle(rawValue: number), objectClass: objectClass, id: id,
            labelBytes: Array(label.utf8),
            on: try ObjectURIs(token: PKCS11URI(parsing: "pkcs11:token=work")))
    }

    private func certificate(
        _ number: UInt, id: [UInt8] = [1], serial: String = "0a", days: Int64 = 700,
        isAuthority: Bool = false
    ) throws -> CertificateEntry {
        var content = CertificateEntry.Content(
            subject: "CN=Anna", issuer: "CN=Root", subjectName: "Anna", issuerName: "Root",
            serialNumber: serial, notBefore: 0, notAfter: Self.now + days * Self.day + 1,
            keyKind: .ec(.p256), isAuthority: isAuthority)
        content.emailAddresses = ["anna@example.org"]
        return CertificateEntry(
            record: try record(number, .certificate, id: id, "mail"), valueHash: [],
            content: content, obstacle: nil, certificate: nil)
    }

    private func key(
        _ number: UInt, id: [UInt8] = [1], _ label: String = "mail",
        certificates: [CertificateEntry] = []
    ) throws -> KeyEntry {
        var key = KeyEntry()
        key.privateKey = try record(number, .privateKey, id: id, label)
        key.publicKey = try record(number + 1, .publicKey, id: id, label)
        key.kind = .rsa(bits: 3072)
        key.certificates = certificates
        return key
    }

    private func lines(
        _ keys: [KeyEntry], _ certificates: [CertificateEntry] = [], width: Int? = 80,
        uris: Bool = false, orders: [String: Int64] = [:]
    ) throws -> [String] {
        let inventory = TokenInventory(keys: keys, certificates: certificates, otherObjects: 1)
        let health = Health(now: Self.now, days: 30, anchors: nil, sawPrivateObjects: true)
        return ListTable(
            title: "token \"work\"", uri: "pkcs11:token=work", inventory: inventory,
            health: health.of(inventory), sawPrivateObjects: true, unfinishedOrders: orders,
            showsURIs: uris
        )
        .lines(Style(.standardOutput, choice: .never, symbols: .unicode), width: width)
    }

    @Test("A key with its certificate is one line of 80 columns, with the whole id")
    func line() throws {
        let id = [UInt8](repeating: 0xAB, count: 8)
        let lines = try lines([
            try key(1, id: id, "anna@example.org", certificates: [try certificate(3, id: id)])
        ])
        #expect(lines.count == 6, "\(lines)")
        #expect(lines[0] == "token \"work\"")
        #expect(lines[3].contains(hexadecimal(id)) && lines[3].contains("RSA 3072"))
        #expect(lines[3].contains(" 0a ") && lines[3].contains("Anna"), "\(lines)")
        #expect(lines.allSatisfy { displayWidth($0) <= 80 }, "\(lines)")
        #expect(lines.last == "and 1 other object")
    }

    @Test("The issuer has a column from 100 columns on, and URIs are listed only on request")
    func columns() throws {
        let keys = [try key(1, certificates: [try certificate(3)])]
        #expect(try !lines(keys, width: 99)[2].contains("ISSUER"))
        #expect(try lines(keys, width: 100)[2].contains("ISSUER"))
        #expect(try lines(keys, width: nil)[2].contains("ISSUER"))
        #expect(try !lines(keys).contains { $0.contains("pkcs11:") })
        #expect(try lines(keys, uris: true).filter { $0.contains("pkcs11:") }.count == 4)
    }

    // The wrong one of two certificates would be deleted.
    @Test("The newest certificate of a key comes first, and an older one is marked as replaced")
    func replaced() throws {
        let lines = try lines([
            try key(
                1,
                certificates: [
                    try certificate(3, serial: "0a", days: 5), try certificate(4, serial: "0b"),
                ])
        ])
        #expect(lines[3].contains(" 0b ") && lines[3].hasPrefix("mail"), "\(lines)")
        #expect(!lines[3].contains("replaced"))
        #expect(lines[4].contains(" 0a ") && lines[4].hasSuffix("replaced"), "\(lines)")
        #expect(lines[4].contains(" in 5 days"), "\(lines)")
    }

    @Test("The state of a key says what is missing")
    func states() throws {
        #expect(try lines([try key(1)])[3].hasSuffix("no certificate"))
        #expect(try lines([], [try certificate(3)])[3].hasSuffix("no key"))
        #expect(try !lines([], [try certificate(3, isAuthority: true)])[3].contains("no key"))
        #expect(
            try lines([try key(1, certificates: [try certificate(3, days: -1)])])[3].contains(
                ", expired"))
        #expect(try lines([]).contains("no keys or certificates found"))
    }

    @Test("An id that is too long for a column is listed below its line")
    func longID() throws {
        let id = [UInt8](repeating: 0xCD, count: 20)
        let lines = try lines([try key(1, id: id, certificates: [try certificate(3, id: id)])])
        #expect(!lines[2].contains("ID"))
        #expect(lines[4] == "  id " + hexadecimal(id))
        #expect(lines.allSatisfy { displayWidth($0) <= 80 }, "\(lines)")
    }

    @Test("A long serial number is shortened to digits that name the certificate")
    func serialNumbers() {
        #expect(ListTable.shortened("2dd50d") == "2dd50d")
        #expect(ListTable.shortened("0123456789") == "0123456789")
        #expect(ListTable.shortened("0123456789ab") == "01234567..")
    }
}
