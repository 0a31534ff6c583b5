import Foundation
import Testing
import TokencertTestSupport

@testable import TokencertStandInCA

/// Accounts, forms and issued certificates follow the rules of CAcert's server.
@Suite struct AccountRuleTests {
    private func account(
        points: Int = 100, middle: String? = nil, suffix: String? = nil
    ) -> Account {
        Account(
            username: "Anna@example.org", password: "pass \u{FC}", points: points,
            codeSigning: false, emails: ["anna@example.org"],
            name: .init(first: "Anna", middle: middle, last: "M\u{FC}ller", suffix: suffix))
    }

    // MARK: Accounts

    @Test("An account with 50 points or more has real names and a validity of two years")
    func points() {
        for (points, hasName) in [(-1, false), (0, false), (49, false), (50, true), (150, true)] {
            let account = account(points: points)
            #expect(account.realNames == (hasName ? ["Anna M\u{FC}ller"] : []), "\(points)")
            #expect(account.validityDays == (hasName ? 730 : 180), "\(points)")
        }
    }

    @Test("The names are listed with and without middle name and suffix, in the server's order")
    func names() {
        let (short, middle) = ("Anna M\u{FC}ller", "Anna Bea M\u{FC}ller")
        #expect(account(middle: "Bea").realNames == [short, middle])
        #expect(account(suffix: "Jr.").realNames == [short, short + " Jr."])
        #expect(
            account(middle: "Bea", suffix: "Jr.").realNames
                == [short, middle, short + " Jr.", middle + " Jr."])
        // Empty parts count as absent.
        #expect(account(middle: "", suffix: "").realNames == [short])
    }

    @Test("User names match without case and trailing blanks, and passwords match exactly")
    func login() {
        let file = AccountsFile(accounts: [account()])
        let password = "pass \u{FC}"
        for name in ["Anna@example.org", "ANNA@EXAMPLE.ORG", "anna@example.org   "] {
            #expect(file.account(username: name, password: password) != nil, "\(name)")
        }
        for name in [" anna@example.org", "anna@example.org\t", "anna", ""] {
            #expect(file.account(username: name, password: password) == nil, "\(name)")
        }
        // The last password has the same letters but different bytes.
        for other in ["", "pass", "PASS \u{FC}", "pass \u{FC} ", "pass u\u{308}"] {
            #expect(
                file.account(username: "anna@example.org", password: other) == nil, "\(other)")
        }
        let none = AccountsFile(accounts: [])
        #expect(none.account(username: "", password: "") == nil)
    }

    @Test("The accounts file is read as it was written, and an error names a broken file")
    func file() throws {
        let folder = try TemporaryFolder()
        let accounts = [account(middle: "Bea"), account(points: 0, suffix: "/\"\\")]
        let path = try folder.write(AccountsFile(accounts: accounts).json, "accounts.json")
        #expect(try AccountsFile(path: path).accounts == accounts)
        try folder.write("{}", "empty.json")
        for name in ["empty.json", "none.json"] {
            let error = #expect(throws: StandInError.self) {
                _ = try AccountsFile(path: folder.file(name))
            }
            #expect(error?.description.contains(folder.file(name)) == true)
        }
    }

    // MARK: Forms

    private func fields(_ text: String) -> FormFields {
        var fields = FormFields()
        fields.add(text.utf8)
        return fields
    }

    @Test("A later value of a field or an index replaces the earlier one")
    func replacing() {
        var fields = fields("a=1&l[x]=1&l[]=2&l[5]=3&l[]=4&l[x]=5")
        #expect(fields.list("l") == ["5", "2", "3", "4"])
        fields.add("a=2&l[6]=6&l[]=7".utf8)
        #expect(fields["a"] == "2")
        #expect(fields.list("l") == ["5", "2", "3", "6", "7"])
        #expect(
            fields.names == [
                "a", "l[x]", "l[]", "l[5]", "l[]", "l[x]", "a", "l[6]", "l[]",
            ])
        #expect(fields.list("a").isEmpty && fields["l"] == nil && fields.list("m").isEmpty)
    }

    @Test("A value is decoded once, and a percent sign without digits is kept")
    func decoding() {
        for (encoded, value) in [
            ("a=", ""), ("a", ""), ("a=b=c", "b=c"), ("a=+%20+", "   "), ("a=%2B", "+"),
            ("a=%252B", "%2B"), ("a=%C3%BC", "\u{FC}"), ("a=%c3%bc", "\u{FC}"), ("a=%", "%"),
            ("a=%4", "%4"), ("a=%G1", "%G1"), ("a=%4G", "%4G"), ("a=%%41", "%A"),
            ("a=%26b%3D1", "&b=1"), ("a=%00", "\0"), ("&&a=1&&", "1"),
            // The bytes are not valid UTF-8.
            ("a=%FF", "\u{FFFD}"),
        ] as [(String, String)] {
            #expect(fields(encoded)["a"] == value, "\(encoded)")
        }
        #expect(fields("").names.isEmpty)
        #expect(fields("%61=1")["a"] == "1" && fields("l%5B0%5D=1").list("l") == ["1"])
    }

    @Test("Only bytes with a named entity are escaped")
    func escaping() {
        for byte in UInt8(0)..<0x80 {
            let text = String(UnicodeScalar(byte))
            let isPlain = !"\"&'<>".utf8.contains(byte)
            #expect((Escaping.escape(text) == [byte]) == isPlain, "\(byte)")
        }
        // Bytes from 0x80 to 0x9F have no entity; those from 0xA0 do.
        #expect(Escaping.escape("\u{C0}") == Array("&Atilde;".utf8) + [0x80])
        #expect(String(decoding: Escaping.escape("\u{E0}"), as: UTF8.self) == "&Atilde;&nbsp;")
        #expect(Escaping.escape("") == [])
    }

    // MARK: Issued certificates

    // Otherwise two certificates have the same serial number after a restart.
    @Test("Serial numbers continue after the highest in the folder, and other files are ignored")
    func serialNumbers() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("issued")
        #expect(try IssuedCertificates(directory: path).lastSerial == nil)
        let issued = try IssuedCertificates(directory: path)
        for number in ["0A0001", "10FFFF", "0FFFFF"] {
            try issued.record(
                SignedCertificate(pem: "PEM", serialNumber: number, notAfter: 0))
        }
        try folder.write("", "issued/README")
        try folder.write("", "issued/.DS_Store")
        #expect(try IssuedCertificates(directory: path).lastSerial == 0x10FFFF)
        #expect(try folder.read("issued/0A0001.pem") == "PEM")
        #expect(try issued.pem("0A0001") == "PEM")
        #expect(throws: StandInError.self) { try issued.pem("0A0002") }
    }

    /// Otherwise the next start would issue the same serial number again.
    @Test("A certificate that cannot be recorded is an error")
    func unrecorded() throws {
        let folder = try TemporaryFolder()
        let issued = try IssuedCertificates(directory: folder.file("issued"))
        try FileManager.default.removeItem(atPath: folder.file("issued"))
        #expect(throws: StandInError.self) {
            try issued.record(SignedCertificate(pem: "PEM", serialNumber: "0A", notAfter: 0))
        }
    }

    @Test("A damaged key or certificate of the CA is named")
    func damagedFiles() throws {
        for name in ["root.key", "root.pem", "class3.key", "class3.pem"] {
            let folder = try TemporaryFolder()
            _ = try Authority(directory: folder.path, now: 0)
            try folder.write("damaged", name)
            do {
                _ = try Authority(directory: folder.path, now: 0)
                Issue.record("accepted: \(name)")
            } catch {
                #expect(error.description.contains(folder.file(name)), "\(error)")
            }
        }
    }

    @Test("A CA may have an Ed25519 key, whose signature includes the digest")
    func edwardsRoot() throws {
        let folder = try TemporaryFolder()
        try run("openssl", ["genpkey", "-algorithm", "ED25519", "-out", folder.file("key.pem")])
        let key = try Key(pem: try folder.read("key.pem"))
        let content = CertificateContent(
            subject: [("CN", "root")], serialNumber: "01", notBefore: 0, notAfter: 86400,
            extensions: ["basicConstraints = critical, CA:TRUE"])
        let description = try content.signed(by: nil, for: key).description()
        #expect(description.contains("Signature Algorithm: ED25519"), "\(description)")
    }
}
