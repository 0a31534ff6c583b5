#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Reads the first line that a program prints.
///
/// - Throws: ``SecretError/Code/timedOut`` if the program runs longer; it is then killed.
package func readFromCommand(
    _ words: [String], withinSeconds seconds: Int = TimeLimit.person
) throws(SecretError) -> Secret {
    let name = words.first ?? ""
    let deadline = Deadline(seconds: seconds)
    var process = try ChildProcess.start(words, isTalkedTo: false)
    let secret = try readLine(process.output, "the output of \(name)", before: deadline)
    // Read the rest, too: a program whose output pipe closes early would fail.
    var rest = 0
    while try process.hasOutput(before: deadline),
        try nextByte(process.output, name, before: deadline) != nil
    {
        rest += 1
        guard rest < 1 << 20 else {
            throw SecretError(.malformed, "\(name) printed far more than one line")
        }
    }
    try process.wait(before: deadline)
    return secret
}

/// Splits a command into words without a shell. Blanks separate words; `'...'` and `"..."` group
/// characters; a backslash outside `'...'` takes the next character literally. nil if a quotation
/// is not closed or there is no program.
package func words(ofCommand text: String) -> [String]? {
    // A program would see a shorter word.
    guard !text.utf8.contains(0) else { return nil }
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

/// The first operator of a shell outside quotation marks in a command, or nil. No shell runs, so it would
/// become an argument.
package func shellOperator(inCommand text: String) -> String? {
    var quotation: Character?
    var rest = text[...]
    while let character = rest.popFirst() {
        switch (character, quotation) {
        case (_, "'") where character != "'": continue
        case ("\\", _): _ = rest.popFirst()
        case ("'", nil), ("\"", nil): quotation = character
        case ("'", "'"), ("\"", "\""): quotation = nil
        case (_, "\""): continue
        case ("&", _), ("|", _):
            return String(character) + (rest.first == character ? String(character) : "")
        case (";", _), ("<", _), (">", _), ("`", _): return String(character)
        case ("$", _) where rest.first == "(": return "$("
        default: continue
        }
    }
    return nil
}
