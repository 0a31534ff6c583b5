internal import OpenSSLX509
internal import TokencertPlatform
internal import TokencertTokens

func readOptions(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    // Sources are parsed but never opened, since the bytes may name any file.
    if let source = try? SecretSource(text) {
        switch source {
        case .prompt, .file, .environment, .fileDescriptor, .pinentry: break
        case .command(let words): precondition(words.first?.isEmpty == false)
        }
    }
    if let kind = KeyKind(name: text) { precondition(KeyKind(name: kind.name) == kind) }
    if let id = OpenSSLX509.bytes(hexadecimal: text) {
        precondition(OpenSSLX509.bytes(hexadecimal: hexadecimal(id)) == id)
    }
    // A profile can be a file that the user wrote.
    if let profile = try? TokenProfile(json: bytes) {
        guard let text = try? profile.json(), let again = try? TokenProfile(json: Array(text.utf8))
        else { preconditionFailure("a printed profile cannot be read back") }
        precondition(again == profile)
    }
}
