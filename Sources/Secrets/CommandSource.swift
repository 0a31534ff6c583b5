#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Reads the first line that a program prints.
func readFromCommand(_ words: [String]) throws(SecretError) -> Secret {
    var process = try ChildProcess.start(words, isTalkedTo: false)
    let secret = try readLine(process.output, "the output of \(words.first ?? "")")
    // What follows is read as well: a program whose output breaks off would fail.
    var rest = 0
    while try nextByte(process.output, words.first ?? "") != nil {
        rest += 1
        guard rest < 1 << 20 else {
            throw SecretError(
                .malformed, "\(words.first ?? "") prints far more than one line")
        }
    }
    try process.wait()
    return secret
}

/// Splits a command into words: blanks part them, `'…'` and `"…"` keep them together, and a
/// backslash takes the next character as it is, but between `'`. Nothing else means anything: no
/// shell runs it.
///
/// - Returns: The words, or nil where a quotation is not closed or nothing is there.
func words(ofCommand text: String) -> [String]? {
    var words: [String] = []
    var word: String?
    var quotation: Character?
    var rest = text[...]
    while let character = rest.popFirst() {
        switch (character, quotation) {
        case (_, "'") where character != "'",
            (_, "\"") where character != "\"" && character != "\\":
            word = (word ?? "") + String(character)
        case ("\\", _):
            guard let next = rest.popFirst() else { return nil }
            word = (word ?? "") + String(next)
        case ("'", nil), ("\"", nil):
            quotation = character
            word = word ?? ""
        case ("'", _), ("\"", _):
            quotation = nil
        case (" ", nil), ("\t", nil):
            if let ended = word { words.append(ended) }
            word = nil
        default:
            word = (word ?? "") + String(character)
        }
    }
    guard quotation == nil else { return nil }
    if let ended = word { words.append(ended) }
    return words.first.map { $0.isEmpty } ?? true ? nil : words
}
