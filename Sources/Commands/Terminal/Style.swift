internal import Secrets
internal import SystemPackage

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Where text goes.
enum Output: Int32 {
    case standardOutput = 1
    case standardError = 2

    var isTerminal: Bool { isatty(rawValue) == 1 }
}

/// When there is colour.
enum ColorChoice: String {
    /// On a terminal, unless `NO_COLOR` is set.
    case auto
    /// Even in a pipe.
    case always
    /// Not at all.
    case never
}

/// Colour that means something and never alone carries the meaning.
struct Style {
    let isColored: Bool

    init(_ output: Output, choice: ColorChoice) {
        switch choice {
        case .always: isColored = true
        case .never: isColored = false
        case .auto: isColored = output.isTerminal && environmentVariable("NO_COLOR") == nil
        }
    }

    func bad(_ text: String) -> String { paint("31;1", text) }
    func warning(_ text: String) -> String { paint("33", text) }
    func faint(_ text: String) -> String { paint("2", text) }
    func strong(_ text: String) -> String { paint("1", text) }

    private func paint(_ code: String, _ text: String) -> String {
        isColored ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}

/// Writes a line to standard error, at once.
func printError(_ line: String) {
    // There is nobody to tell where standard error is closed.
    _ = try? FileDescriptor.standardError.writeAll((line + "\n").utf8)
}
