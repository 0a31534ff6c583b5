internal import TokencertPlatform

/// When there is colour.
enum ColorChoice: String {
    /// On a terminal, unless `NO_COLOR` or `CLICOLOR=0` says no; elsewhere where `CLICOLOR_FORCE`
    /// says so.
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
        case .auto:
            if !(environmentVariable("NO_COLOR") ?? "").isEmpty {
                isColored = false
            } else if !["", "0"].contains(environmentVariable("CLICOLOR_FORCE") ?? "") {
                isColored = true
            } else {
                isColored =
                    output.isTerminal && environmentVariable("CLICOLOR") != "0"
                    && environmentVariable("TERM") != "dumb"
            }
        }
    }

    func bad(_ text: String) -> String { paint("31;1", text) }
    func warning(_ text: String) -> String { paint("33", text) }
    func good(_ text: String) -> String { paint("32", text) }
    func faint(_ text: String) -> String { paint("2", text) }
    func strong(_ text: String) -> String { paint("1", text) }

    /// A text in the colour of how urgent it is.
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

/// How urgent it is to do something about what a text says.
enum Urgency {
    case none
    case soon
    case now

    /// The urgency of so many days left.
    init(daysLeft: Int) {
        self = daysLeft < 7 ? .now : daysLeft < 30 ? .soon : .none
    }
}
