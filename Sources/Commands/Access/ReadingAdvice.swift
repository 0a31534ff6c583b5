internal import Cryptoki
internal import OpenSSLX509
internal import TokencertPlatform
internal import TokencertTokens

/// A hint for a certificate object that cannot be read: the command that reads its bytes.
func readingAdvice(_ uri: String, on token: Token) -> String {
    let advice = "another program may be able to read it"
    guard let command = readingCommand(uri, on: token) else { return advice }
    return "\(advice): \(command)"
}

/// The command that reads the bytes of a certificate object. Nil if it has neither an id nor a label
/// that can be typed: pkcs11-tool requires one of them.
func readingCommand(_ uri: String, on token: Token) -> String? {
    let named = (try? PKCS11URI(parsing: uri))?.objectAttributes ?? Template()
    var selection: [String] = []
    if let id = named[.id], !id.isEmpty { selection.append("--id \(hexadecimal(id))") }
    if let bytes = named[.labelBytes], let label = typable(bytes) {
        selection.append("--label \(quoted(label))")
    }
    if selection.isEmpty { return nil }
    var words = ["pkcs11-tool --module \(quoted(token.module.path))"]
    if let label = typable(token.info.labelBytes) {
        words.append("--token-label \(quoted(label))")
    }
    return (words + ["--read-object --type cert"] + selection).joined(separator: " ")
}

/// A label that can be typed, or nil if it is empty, not UTF-8, or contains control characters.
private func typable(_ label: [UInt8]) -> String? {
    guard !label.isEmpty, let text = String(validating: label, as: UTF8.self),
        text == printable(text)
    else { return nil }
    return text
}
