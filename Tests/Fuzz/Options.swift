internal import OpenSSLX509
internal import Secrets

func readOptions(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    // Sources are understood, never opened: the bytes may name any file.
    if let source = try? SecretSource(text) {
        switch source {
        case .prompt, .file, .environment, .fileDescriptor, .pinentry: break
        case .command(let words): precondition(words.first?.isEmpty == false)
        }
    }
    if let kind = KeyKind(name: text) { precondition(KeyKind(name: kind.name) == kind) }
}
