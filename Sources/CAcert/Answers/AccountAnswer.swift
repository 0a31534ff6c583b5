/// What `cemails.php` says about an account.
public struct AccountStatus: Sendable, Hashable {
    /// The verified addresses that certificates can be for, in the CA's order.
    public let emailAddresses: [String]
    /// The names that certificates can bear besides ``anonymousName``, in the CA's order. Empty
    /// below 50 assurance points.
    public let names: [AccountName]
    /// Whether the account is marked for code signing. The CA also wants 100 assurance points,
    /// which it does not tell.
    public let mayRequestCodeSigning: Bool

    /// The name in every certificate that no other name was granted for.
    public static let anonymousName = AccountName("CAcert WoT User")
}

/// A name of an account. The CA compares names byte by byte, so it gets back the bytes that it
/// gave, in whatever encoding they are.
public struct AccountName: Sendable, Hashable, CustomStringConvertible {
    /// The name as a person reads it.
    public let text: String
    let bytes: [UInt8]

    /// Makes a name of a text.
    ///
    /// - Parameter text: The name; it is sent as UTF-8.
    public init(_ text: String) {
        self.text = text
        bytes = Array(text.utf8)
    }

    init(bytes: [UInt8]) {
        text = HTMLText.text(bytes)
        self.bytes = bytes
    }

    /// ``text``.
    public var description: String { text }
}

extension AccountStatus {
    /// Reads an answer of `cemails.php`.
    ///
    /// - Parameter answer: What came back.
    /// - Throws: ``CAcertError``.
    init(_ answer: TransportAnswer) throws(CAcertError) {
        let verdict = try requireVerdict(answer)
        guard verdict.number == 200 else { throw refusal(verdict) }
        var addresses: [String] = []
        var names: [AccountName] = []
        var mayRequestCodeSigning = false
        for line in verdict.rest.split(separator: UInt8(ascii: "\n")) {
            guard let equals = line.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let value = HTMLText.unescape(line[(equals + 1)...].trimmingEnd())
            let text = HTMLText.text(value)
            switch String(decoding: line[..<equals], as: UTF8.self) {
            case "CS": mayRequestCodeSigning = text == "1"
            case "NAME":
                let name = AccountName(bytes: value)
                if name != Self.anonymousName, !names.contains(name) { names.append(name) }
            case "EMAIL": if !addresses.contains(text) { addresses.append(text) }
            default: continue
            }
        }
        self.init(
            emailAddresses: addresses, names: names, mayRequestCodeSigning: mayRequestCodeSigning)
    }
}

extension ArraySlice<UInt8> {
    fileprivate func trimmingEnd() -> Self {
        var rest = self
        while let last = rest.last, last == 13 || last == 32 { rest = rest.dropLast() }
        return rest
    }
}
