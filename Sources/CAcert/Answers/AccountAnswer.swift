package import TokencertIssuance

/// What `cemails.php` says about an account.
package struct AccountStatus: Sendable, Hashable {
    /// The verified addresses that certificates can be for, in the CA's order.
    package let emailAddresses: [String]
    /// The names that certificates can bear besides ``anonymousName``, in the CA's order. Empty
    /// below 50 assurance points.
    package let names: [AccountName]
    /// Whether the account is marked for code signing. The CA also wants 100 assurance points,
    /// which it does not tell.
    package let mayRequestCodeSigning: Bool

    /// The maximum number of bytes in a line with a name or an address, escaped.
    private static let longestLine = 4096

    /// The name in every certificate that no other name was granted for.
    package static let anonymousName = AccountName("CAcert WoT User")
}

/// A name of an account. The CA compares names byte by byte, so it gets back the bytes that it
/// gave, in whatever encoding they are.
package struct AccountName: Sendable, Hashable, CustomStringConvertible {
    /// The name as a person reads it.
    package let text: String
    let bytes: [UInt8]

    /// Makes a name of a text.
    package init(_ text: String) {
        self.text = text
        bytes = Array(text.utf8)
    }

    init(bytes: [UInt8]) {
        let inner = bytes[...].drop(while: Self.isBlank)
        text = HTMLText.text(Array(inner.trimmingEnd(Self.isBlank)))
        self.bytes = bytes
    }

    /// Whether the server trims this byte from both ends of a value.
    private static func isBlank(_ byte: UInt8) -> Bool { [0, 9, 10, 11, 13, 32].contains(byte) }

    /// ``text``.
    package var description: String { text }

    /// The form of this name that a text has, or nil if it is another name.
    package func form(of text: String) -> NameForm? { NameForm(of: self.text, in: text) }

    /// Why the API never puts this name into a certificate, or nil if it does.
    ///
    /// The server compares what was sent with the names of the account after escaping it for SQL
    /// and trimming blanks, and silently drops a name that does not match.
    package var obstacle: String? {
        let escaped: [(UInt8, String)] = [
            (UInt8(ascii: "'"), "an apostrophe"), (UInt8(ascii: "\""), "a quotation mark"),
            (UInt8(ascii: "\\"), "a backslash"),
        ]
        if let (_, name) = escaped.first(where: { bytes.contains($0.0) }) {
            return "the CA does not recognize a name with \(name)"
        }
        let isTrimmed =
            bytes.first.map(Self.isBlank) ?? false || bytes.last.map(Self.isBlank) ?? false
        if isTrimmed { return "the CA does not recognize a name with a blank at an end" }
        return charactersOfName.contains(text.unicodeScalars.count)
            ? nil : "a name in a certificate has 1 to 64 characters"
    }
}

extension AccountStatus {
    /// Why the API never issues a certificate for an address as it is, or nil if it does.
    package static func obstacle(toAddress address: String) -> String? {
        if address.utf8.contains(UInt8(ascii: "'")) { return "the CA drops the apostrophe" }
        let isPlain =
            charactersOfAddress.contains(address.utf8.count)
            && address.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        return isPlain ? nil : "the request has room for 3 to 128 ASCII characters without blanks"
    }
}

extension AccountStatus {
    /// Reads an answer of `cemails.php`.
    init(_ answer: TransportAnswer) throws(CAcertError) {
        let grant = Self.grant(afterWarningIn: answer.body)
        let verdict = if let grant { grant } else { try requireVerdict(answer) }
        guard verdict.number == 200 else { throw refusal(verdict) }
        // Each line ends with a newline. An address that is cut may be a verified one as well.
        guard answer.body.last == UInt8(ascii: "\n") else {
            throw CAcertError(.notTheAPI, "the answer about the account is cut")
        }
        var addresses: [String] = []
        var names: [AccountName] = []
        // An answer may have as many lines as fit into it.
        var known: (addresses: Set<String>, names: Set<AccountName>) = ([], [Self.anonymousName])
        var mayRequestCodeSigning = false
        for line in verdict.rest.split(separator: UInt8(ascii: "\n")) {
            guard let equals = line.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let field = String(decoding: line[..<equals].prefix(8), as: UTF8.self)
            guard line.count <= Self.longestLine else {
                guard field == "NAME" || field == "EMAIL" else { continue }
                throw CAcertError(
                    .notTheAPI,
                    "a line of the answer about the account has over \(Self.longestLine) bytes")
            }
            // Blanks belong to the value; the server takes them from what it gets back.
            let value = HTMLText.unescape(line[(equals + 1)...].trimmingEnd { $0 == 13 })
            let text = HTMLText.text(Array(value[...].trimmingEnd { $0 == 32 }))
            switch field {
            case "CS": mayRequestCodeSigning = text == "1"
            case "NAME":
                let name = AccountName(bytes: value)
                if known.names.insert(name).inserted { names.append(name) }
            case "EMAIL": if known.addresses.insert(text).inserted { addresses.append(text) }
            default: continue
            }
        }
        self.init(
            emailAddresses: addresses, names: names, mayRequestCodeSigning: mayRequestCodeSigning)
    }

    /// The first line with 200, and what follows it, of an answer that begins with something else,
    /// such as a PHP warning.
    private static func grant(afterWarningIn body: [UInt8]) -> Verdict? {
        guard Verdict(body[...]) == nil else { return nil }
        let lines = body.split(separator: UInt8(ascii: "\n"))
        guard let line = lines.first(where: { $0.starts(with: "200,".utf8) }) else { return nil }
        return Verdict(body[line.startIndex...])
    }
}

extension ArraySlice<UInt8> {
    fileprivate func trimmingEnd(_ isTrimmed: (UInt8) -> Bool) -> Self {
        var rest = self
        while let last = rest.last, isTrimmed(last) { rest = rest.dropLast() }
        return rest
    }
}
