internal import ArgumentParser

/// What every command takes: how it talks, and what it takes for granted.
struct CommonOptions: ParsableArguments {
    @Flag(help: "Print one JSON object for programs.")
    var json = false

    @Flag(name: [.short, .long], help: "Do not tell what is being done; only warnings and errors.")
    var quiet = false

    @Flag(name: [.short, .long], help: "Tell more on standard error.")
    var verbose = false

    @Option(
        help: ArgumentHelp("Colour: auto, always or never.", valueName: "when"),
        completion: .list(["auto", "always", "never"]))
    var color: String?

    @Option(
        help: ArgumentHelp("Profile of the configuration file to use.", valueName: "name"),
        completion: LiveCompletion.configurationProfiles)
    var profile: String?

    @Option(
        help: ArgumentHelp(
            "Configuration file; default config.json in tokencert's configuration folder.",
            valueName: "file"), completion: .file(extensions: ["json"]))
    var config: String?

    var isJSON: Bool { json }
    var isQuiet: Bool { setting(quiet, .quiet) }
    var isVerbose: Bool { setting(verbose, .verbose) }

    func colorChoice() throws -> ColorChoice {
        guard let text = setting(color, .color) else { return .auto }
        guard let choice = ColorChoice(rawValue: text) else {
            throw Failure(
                .usage, "--color does not know “\(text)”",
                hints: ["--color auto, always or never"])
        }
        return choice
    }

    func style() throws -> Style { Style(.standardOutput, choice: try colorChoice()) }
}
