internal import SystemPackage
internal import TokencertPlatform

enum Output {
    case standardOutput
    case standardError

    var descriptor: Int32 { self == .standardOutput ? TokencertPlatform.standardOutput : 2 }

    var isTerminal: Bool { TokencertPlatform.isTerminal(descriptor) }

    /// Whether it is a terminal that can clear a line and show colours.
    var isCapableTerminal: Bool { isTerminal && environmentVariable("TERM") != "dumb" }

    /// The number of cells in a line; nil if there is no limit.
    var width: Int? {
        if isTerminal, let width = terminalWidth(descriptor) { return width }
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

/// Prints the lines of a report, broken to fit the terminal. The values of indented lines begin at a
/// column.
func printFolded(_ lines: [String], at column: Int) {
    for line in lines {
        let column = line.hasPrefix(" ") ? column : 0
        for part in folded(line, at: column, width: Output.standardOutput.width) { print(part) }
    }
}

/// Prints a message after `head`, broken to fit the terminal; see ``foldedMessage(_:at:width:before:)``.
func printMessage(_ message: String, after head: String) {
    let parts = foldedMessage(
        printable(message), at: displayWidth(head), width: Output.standardOutput.width)
    print(head + parts[0])
    for part in parts.dropFirst() { print(part) }
}

/// Prints notes to standard error, except with `--quiet`.
func printNotes(_ notes: [String]) {
    guard !Progress.shared.isQuiet else { return }
    for note in notes { printError("note: \(printable(note))") }
}

/// Writes a text to standard error without clearing the progress line.
func writeError(_ text: String) {
    // If standard error is closed, the error cannot be reported anywhere.
    let standardError = FileDescriptor(rawValue: HeldStandardError.descriptor)
    _ = try? standardError.writeAll(text.utf8)
}
