internal import TokencertPlatform

enum ColorChoice: String {
    /// On a terminal, unless `NO_COLOR` or `CLICOLOR=0` is set; otherwise only if `CLICOLOR_FORCE`
    /// is set.
    case auto
    /// Also in a file or pipe.
    case always
    case never
}

/// The symbols in the output: plain ASCII unless the locale is UTF-8 and the terminal is not dumb.
struct Symbols {
    let isUnicode: Bool

    static let inUse = Symbols(environment: environmentVariable)

    /// The end of a shortened text.
    var cut: String { isUnicode ? "…" : "..." }
    var done: String { isUnicode ? "✓" : "ok" }
    var arrow: String { isUnicode ? "→" : "->" }
    /// The signs of the progress line, one after the other.
    var spinner: [Character] { Array(isUnicode ? "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏" : #"|/-\"#) }
    /// The lines of a tree: to a node, to the last node, and past a node to the next one.
    var tree: (node: String, last: String, past: String) {
        isUnicode ? ("├─ ", "└─ ", "│  ") : ("|- ", "`- ", "|  ")
    }
}

extension Symbols {
    /// Chooses by `TERM` and by the locale: the first of `LC_ALL`, `LC_CTYPE` and `LANG` that is set.
    init(environment variable: (String) -> String?) {
        // An empty variable counts as not set (POSIX.1-2017, section 8.2).
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap(variable).first { !$0.isEmpty }
        let codeset = (locale ?? "").uppercased().filter { $0 != "-" }
        isUnicode = codeset.contains("UTF8") && variable("TERM") != "dumb"
    }
}

/// Adds colour to text, and chooses symbols. Colour only repeats what the text says.
struct Style {
    let isColored: Bool
    let symbols: Symbols

    init(_ output: Output, choice: ColorChoice, symbols: Symbols = .inUse) {
        self.symbols = symbols
        isColored =
            switch choice {
            case .always: true
            case .never: false
            case .auto where !(environmentVariable("NO_COLOR") ?? "").isEmpty: false
            case .auto where !["", "0"].contains(environmentVariable("CLICOLOR_FORCE") ?? ""): true
            case .auto: output.isCapableTerminal && environmentVariable("CLICOLOR") != "0"
            }
    }

    func bad(_ text: String) -> String { paint("31;1", text) }
    func warning(_ text: String) -> String { paint("33", text) }
    func good(_ text: String) -> String { paint("32", text) }
    func faint(_ text: String) -> String { paint("2", text) }
    func strong(_ text: String) -> String { paint("1", text) }

    func urgency(_ urgency: Urgency, _ text: String) -> String {
        switch urgency {
        case .none: text
        case .soon: warning(text)
        case .now: bad(text)
        }
    }

    private func paint(_ code: String, _ text: String) -> String {
        isColored ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}

/// How soon the user has to act.
enum Urgency {
    case none
    case soon
    case now

    /// The urgency for the number of days until a certificate expires.
    init(daysLeft: Int) {
        self = daysLeft < 7 ? .now : daysLeft < 30 ? .soon : .none
    }
}
