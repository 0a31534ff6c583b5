internal import SystemPackage
internal import TokencertPlatform

/// Where text goes.
enum Output: Int32 {
    case standardOutput = 1
    case standardError = 2

    var isTerminal: Bool { TokencertPlatform.isTerminal(rawValue) }

    /// How many cells a line may have; nil where nothing limits it.
    var width: Int? {
        if isTerminal, let width = terminalWidth(rawValue) { return width }
        return environmentVariable("COLUMNS").flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil }
    }
}

/// Writes a line to standard error, at once.
func printError(_ line: String) {
    Progress.shared.interrupt(with: line + "\n")
}

/// Writes to standard output; what is being done has ended well by then.
func print(_ text: String, terminator: String = "\n") {
    Progress.shared.finish()
    StandardOutput.shared.write((text + terminator).utf8)
}

/// Writes a text to standard error.
func writeError(_ text: String) {
    // There is nobody to tell where standard error is closed.
    let standardError = FileDescriptor(rawValue: HeldStandardError.descriptor)
    _ = try? standardError.writeAll(text.utf8)
}

/// Requires that the user types a word before something is done that cannot be undone.
///
/// - Parameters:
///   - question: What will be done.
///   - word: The word; if it is empty or cannot be shown unchanged, `yes` is required instead.
///   - hint: The command to type if there is no terminal.
/// - Throws: `Failure` if there is no terminal or something else was typed; nothing was done.
func requireConfirmation(_ question: String, typing word: String, hint: String) throws {
    Progress.shared.finish()
    let word = word.isEmpty || printable(word) != word ? "yes" : word
    guard let typed = askAtTerminal("\(question)\nTo go on, type \(word): ") else {
        throw Failure(.usage, code: "noTerminal", "there is no terminal to ask at", hints: [hint])
    }
    guard typed == word else {
        throw Failure(
            .usage, code: "notConfirmed", "something else was typed; nothing was done",
            hints: [hint])
    }
}
