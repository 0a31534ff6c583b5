package import TokencertIssuance

/// The data of an account, as `cemails.php` reports it.
package struct AccountStatus: Sendable, Hashable {
    /// The verified addresses, in the CA's order.
    package let emailAddresses: [String]
    /// The names for certificates other than ``anonymousName``, in the CA's order. Empty below 50
    /// assurance points.
    package let names: [AccountName]
    /// Whether the account is enabled for code signing. The CA also requires 100 assurance points,
    /// which it does not report.
    package let mayRequestCodeSigning: Bool

    /// The maximum number of bytes in a line with a name or an address, escaped.
    private static let longestLine = 4096

    /// The name in a certificate if no other name is granted.
    package static let anonymousName = AccountName("CAcert WoT User")
}

/// A name of an account. It keeps the CA's bytes in any encoding, because the CA compares names
/// byte by byte.
package struct AccountName: Sendable, Hashable, CustomStringConvertible {
    package let text: String
    let bytes: [UInt8]

    package init(_ text: String) {
        self.text = text
        bytes = Array(text.utf8)
    }

    init(bytes: [UInt8]) {
        let inner = bytes[...].drop(while: Self.isBlank)
        text = HTMLText.text(Array(inner.trimmingEnd(Self.isBlank)))
        self.bytes = bytes
    }

    /// Whether the server trims this byte from the ends of a value.
    private static func isBlank(_ byte: UInt8) -> Bool { [0, 9, 10, 11, 13, 32].contains(byte) }

    package var description: String { text }

    /// The form in which a text contains this name; nil if it is a different name.
    package func form(of text: String) -> NameForm? { NameForm(of: self.text, in: text) }

    /// The reason why the API never issues this name; nil if it does. The server escapes a name for
    /// SQL and trims blanks before it compares it with those of the account, and silently drops it
    /// if none matches.
    package var obstacle: String? {
        let escaped: [(UInt8, String)] = [
            (UInt8(ascii: "'"), "an apostrophe"), (UInt8(ascii: "\""), "a quotation mark"),
            (UInt8(ascii: "\\"), "a backslash"),
        ]
        if let (_, name) = escaped.first(where: { bytes.contains($0.0) }) {
            return "the CA does not recognise a name with \(name)"
        }
        let isTrimmed =
            bytes.first.map(Self.isBlank) ?? false || bytes.last.map(Self.isBlank) ?? false
        if isTrimmed {
            return "the CA does not recognise a name that begins or ends with a blank"
        }
        return charactersOfName.contains(text.unicodeScalars.count)
            ? nil : "a name in a certificate must have 1 to 64 characters"
    }
}

extension AccountStatus {
    /// The reason why the API never issues this address unchanged; nil if it does.
    package static func obstacle(toAddress address: String) -> String? {
        if address.utf8.contains(UInt8(ascii: "'")) { return "the CA drops the apostrophe" }
        let isPlain =
            charactersOfAddress.contains(address.utf8.count)
            && address.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        return isPlain ? nil : "an address must have 3 to 128 ASCII characters without blanks"
    }
}

extension AccountStatus {
    /// Reads an answer of `cemails.php`.
    init(_ answer: TransportAnswer) throws(IssuanceError) {
        let grant = Self.grant(afterWarningIn: answer.body)
        let verdict = if let grant { grant } else { try requireVerdict(answer) }
        guard verdict.number == 200 else { throw IssuanceError(refusal: verdict) }
        // Every line ends with a newline. A truncated address may look like another valid one.
        guard answer.body.last == UInt8(ascii: "\n") else {
            throw IssuanceError(notTheAPI: "the answer about the account is truncated")
        }
        var addresses: [String] = []
        var names: [AccountName] = []
        // Sets, because an answer may have very many lines.
        var known: (addresses: Set<String>, names: Set<AccountName>) = ([], [Self.anonymousName])
        var mayRequestCodeSigning = false
        for line in verdict.rest.split(separator: UInt8(ascii: "\n")) {
            guard let equals = line.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let field = String(decoding: line[..<equals].prefix(8), as: UTF8.self)
            guard line.count <= Self.longestLine else {
                guard field == "NAME" || field == "EMAIL" else { continue }
                throw IssuanceError(
                    notTheAPI: "a line of the answer about the account is longer than "
                        + "\(Self.longestLine) bytes")
            }
            // Blanks are part of the name, although the server trims them when it compares names.
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

    /// The verdict 200 in an answer that begins with another line, such as a PHP warning.
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
