internal import SystemPackage
internal import TokencertPlatform

/// An output stream of the process.
enum Output: Int32 {
    case standardOutput = 1
    case standardError = 2

    var isTerminal: Bool { TokencertPlatform.isTerminal(rawValue) }

    /// Whether it is a terminal that can clear a line and show colours.
    var isCapableTerminal: Bool { isTerminal && environmentVariable("TERM") != "dumb" }

    /// The number of cells in a line; nil if there is no limit.
    var width: Int? {
        if isTerminal, let width = terminalWidth(rawValue) { return width }
        return environmentVariable("COLUMNS").flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil }
    }
}

/// Writes a line to standard error immediately.
func printError(_ line: String) {
    Progress.shared.interrupt(with: line + "\n")
}

/// Writes to standard output, and marks the current work as done.
func print(_ text: String, terminator: String = "\n") {
    Progress.shared.finish()
    StandardOutput.shared.write((text + terminator).utf8)
}

/// Writes a text to standard error without clearing the progress line.
func writeError(_ text: String) {
    // If standard error is closed, the error cannot be reported anywhere.
    let standardError = FileDescriptor(rawValue: HeldStandardError.descriptor)
    _ = try? standardError.writeAll(text.utf8)
}

/// Requires that the user types a word before something is done that cannot be undone. If the word
/// is empty or cannot be shown unchanged, `yes` is required instead.
func requireConfirmation(_ question: String, typing word: String, hint: String) throws {
    Progress.shared.finish()
    let word = word.isEmpty || printable(word) != word ? "yes" : word
    guard let typed = askAtTerminal("\(question)\nTo go on, type \(word): ") else {
        throw Failure(
            .usage, code: "noTerminal", "cannot ask for confirmation: there is no terminal",
            hints: [hint])
    }
    guard typed == word else {
        throw Failure(
            .usage, code: "notConfirmed", "the confirmation does not match; nothing was done",
            hints: [hint])
    }
}
