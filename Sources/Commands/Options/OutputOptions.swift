internal import ArgumentParser

/// How a command talks.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print one JSON object for programs.")
    var json = false

    @Flag(name: [.short, .long], help: "Do not tell what is being done; only warnings and errors.")
    var quiet = false

    @Flag(name: [.short, .long], help: "Tell more on standard error.")
    var verbose = false

    @Option(help: ArgumentHelp("Colour: auto, always or never.", valueName: "when"))
    var color: String?

    var isJSON: Bool { setting(json, "JSON") }
    var isQuiet: Bool { setting(quiet, "QUIET") }
    var isVerbose: Bool { setting(verbose, "VERBOSE") }

    func colorChoice() throws -> ColorChoice {
        guard let text = setting(color, "COLOR") else { return .auto }
        guard let choice = ColorChoice(rawValue: text) else {
            throw Failure(
                .usage, "--color does not know “\(text)”",
                hints: ["--color auto, always or never"])
        }
        return choice
    }

    func style() throws -> Style { Style(.standardOutput, choice: try colorChoice()) }
}
