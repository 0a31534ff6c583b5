#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Reads the first line that a program prints.
///
/// - Parameters:
///   - words: The program and its arguments.
///   - seconds: How long the program may run. A program that runs longer is killed.
/// - Throws: ``SecretError``; ``SecretError/Code/timedOut`` if it takes longer.
package func readFromCommand(
    _ words: [String], withinSeconds seconds: Int = TimeLimit.person
) throws(SecretError) -> Secret {
    let name = words.first ?? ""
    let deadline = Deadline(seconds: seconds)
    var process = try ChildProcess.start(words, isTalkedTo: false)
    let secret = try readLine(process.output, "the output of \(name)", before: deadline)
    // What follows is read as well: a program whose output breaks off would fail.
    var rest = 0
    while try process.hasOutput(before: deadline),
        try nextByte(process.output, name, before: deadline) != nil
    {
        rest += 1
        guard rest < 1 << 20 else {
            throw SecretError(.malformed, "\(name) prints far more than one line")
        }
    }
    try process.wait(before: deadline)
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
