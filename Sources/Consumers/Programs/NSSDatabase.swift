internal import OpenSSLX509
internal import TokencertPlatform

/// A copy of the certificate database of a profile, which certutil of NSS reads and changes. The profile
/// itself is not touched.
struct NSSDatabase: ~Copyable {
    private let copy: PrivateFolder
    private let certutil: String

    /// Copies the database, with that of the keys or without. Its key signs the trust, so trust is
    /// known and can be changed only with it. Without it, no CA is trusted, and no primary password
    /// is asked for.
    init(copying profile: String, certutil: String, hasKeys: Bool) throws {
        let folder = try PrivateFolder()
        if !hasKeys {
            try Trial.run(
                [certutil, "-N", "-d", "sql:\(folder.path)", "--empty-password"],
                "make a database for NSS")
        }
        for name in hasKeys ? ["cert9.db", "key4.db"] : ["cert9.db"] {
            try writeFileDurably(
                try readFile("\(profile)/\(name)", limit: 1 << 28), "\(folder.path)/\(name)",
                permissions: 0o600)
        }
        copy = folder
        self.certutil = certutil
    }

    /// The folder of the copy; other files may be added.
    var folder: String { copy.path }
    /// The argument for the programs of NSS.
    var argument: String { "sql:\(copy.path)" }

    func content(_ name: String) throws -> [UInt8] {
        try readFile("\(copy.path)/\(name)", limit: 1 << 28)
    }

    // MARK: Reading

    /// A line of what `certutil -L` prints.
    struct Entry: Hashable {
        let nickname: String
        /// Such as `CT,C,` or `u,u,u`.
        let trust: String
    }

    /// The certificates in the database, or with those on tokens.
    func entries(onTokens: Bool = false) throws -> [Entry] {
        let words = [certutil, "-L", "-d", argument] + (onTokens ? ["-h", "all"] : [])
        return Self.entries(in: try Trial.run(words, "list the certificates").text)
    }

    /// Each line is a nickname, which may contain blanks, then the trust.
    static func entries(in listing: String) -> [Entry] {
        listing.split(whereSeparator: \.isNewline).compactMap { line in
            guard let last = line.split(separator: " ").last,
                last.filter({ $0 == "," }).count == 2, last != "SSL,S/MIME,JAR/XPI"
            else { return nil }
            var name = line[..<last.startIndex]
            while name.last == " " { name.removeLast() }
            return Entry(nickname: String(name), trust: String(last))
        }
    }

    /// The trust of a certificate, compared by its bytes; nil if it is not in the database.
    private func trust(of certificate: Certificate) throws -> [String]? {
        let own = Self.nickname(certificate)
        let listed = try self.entries()
        // Usually it is the one that tokencert has added.
        let nicknames = Set(listed.map(\.nickname)).sorted()
        for nickname in nicknames.filter({ $0 == own }) + nicknames.filter({ $0 != own }) {
            let found = try Trial.result(
                [certutil, "-L", "-d", argument, "-n", nickname, "-a"], "read a certificate")
            guard Certificate.all(inPEM: found.output).certificates.contains(certificate) else {
                continue
            }
            return listed.filter { $0.nickname == nickname }.map(\.trust)
        }
        return nil
    }

    /// A name without a colon, which NSS takes for the end of the name of a token.
    static func nickname(_ certificate: Certificate) -> String {
        "tokencert " + hexadecimal(certificate.sha256Fingerprint).prefix(16)
    }

    // MARK: Changing

    /// Adds a certificate with a trust such as `,C,`. Trust that it already has is kept.
    ///
    /// - Returns: Whether the database was changed.
    @discardableResult
    mutating func add(_ certificate: Certificate, trust: String) throws -> Bool {
        let before = try self.trust(of: certificate)
        if before?.contains(where: { Self.has(trust, $0) }) == true { return false }
        if let prohibited = before?.first(where: { $0.contains("p") }) {
            throw ConsumerError(
                .fileInTheWay,
                "refusing to trust \"\(certificate.displayName)\": the profile distrusts it "
                    + "(\(prohibited))",
                advice: [
                    "allow it in the settings of the program, under certificates of authorities"
                ])
        }
        let file = "\(copy.path)/certificate.pem"
        try writeFile(certificate.pem, file)
        let words = [
            certutil, "-A", "-d", argument, "-n", Self.nickname(certificate), "-t",
            Self.union(trust, before?.first ?? ",,"), "-i", file,
        ]
        let result = try Trial.result(words, "add the certificates of the CA")
        let after = try self.trust(of: certificate)
        if after?.contains(where: { Self.has(trust, $0) }) == true { return true }
        if result.lastErrors.text.contains("SEC_ERROR_BAD_PASSWORD") {
            throw ConsumerError(
                .fileInTheWay,
                "the profile has a primary password, without which the trust of a CA cannot be changed",
                advice: [
                    "import \"\(certificate.displayName)\" in the settings of the program, under "
                        + "certificates of authorities, and trust it; then write the set-up again"
                ])
        }
        throw Trial.failure("add the certificates of the CA", words, result)
    }

    /// Whether all flags of a trust are in another one.
    static func has(_ wanted: String, _ present: String) -> Bool {
        zip(fields(wanted), fields(present)).allSatisfy { wanted, present in
            wanted.allSatisfy { present.contains($0) }
        }
    }

    /// A trust with the flags of both.
    static func union(_ one: String, _ other: String) -> String {
        zip(fields(one), fields(other)).map { one, other in
            other + one.filter { !other.contains($0) }
        }.joined(separator: ",")
    }

    private static func fields(_ trust: String) -> [String] {
        trust.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
}

/// The text of pkcs11.txt: for each module lines with a name and a value, then an empty line.
enum ModuleList {
    /// The paths of the modules.
    static func libraries(in text: [UInt8]) -> [String] {
        text.text.split(whereSeparator: \.isNewline).compactMap {
            $0.hasPrefix("library=/") ? String($0.dropFirst("library=".count)) : nil
        }
    }

    /// The lines of a module. Certificates in readable slots are read without a login: otherwise
    /// each list of certificates asks for the PIN. Disabled slots are not used.
    static func lines(_ path: String, readable: [UInt], disabled: [UInt]) -> [String] {
        let slots =
            readable.map { "\(number($0))=[slotFlags=PublicCerts ]" }
            + disabled.map { "\(number($0))=[slotFlags=PublicCerts,Disable ]" }
        return [
            "library=\(path)", "name=tokencert",
            "NSS=slotParams={\(slots.joined(separator: " ")) }", "",
        ]
    }

    private static func number(_ slot: UInt) -> String {
        let digits = String(slot, radix: 16)
        return "0x" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits
    }
}
