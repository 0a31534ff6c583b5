internal import ArgumentParser

/// Options that every command accepts.
struct CommonOptions: ParsableArguments {
    @Flag(help: "Print the result as one JSON object.")
    var json = false

    @Flag(name: [.short, .long], help: "Suppress progress messages.")
    var quiet = false

    @Flag(name: [.short, .long], help: "Print more details to standard error.")
    var verbose = false

    @Option(
        help: ArgumentHelp("Use colours: auto, always or never.", valueName: "when"),
        completion: .list(["auto", "always", "never"]))
    var color: String?

    @Option(
        help: ArgumentHelp("Profile in the configuration file to use.", valueName: "name"),
        completion: .live(.configurationProfiles))
    var profile: String?

    @Option(
        help: ArgumentHelp(
            "Configuration file; default ~/.config/tokencert/config.json.",
            valueName: "file"), completion: .file(extensions: ["json"]))
    var config: String?

    var isJSON: Bool { json }
    var isQuiet: Bool { setting(quiet, .quiet) }
    var isVerbose: Bool { setting(verbose, .verbose) }

    func colorChoice() throws -> ColorChoice {
        guard let text = setting(color, .color) else { return .auto }
        guard let choice = ColorChoice(rawValue: text) else {
            throw Failure(
                .usage, "--color: unknown value \"\(text)\"",
                hints: ["use --color auto, --color always or --color never"])
        }
        return choice
    }

    func style() throws -> Style { Style(.standardOutput, choice: try colorChoice()) }
}
