internal import ArgumentParser

/// Which module and which token.
struct ModuleOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "PKCS#11 module to use: its path, or its name in p11-kit's configuration; else all that p11-kit is configured with.",
            valueName: "path|name"),
        completion: .file(extensions: ["so", "dylib"]))
    var module: String?

    @Option(
        help: ArgumentHelp(
            "Text that the module needs to start, such as configdir='sql:FOLDER' for NSS; no secret, since other users can see it.",
            valueName: "text"))
    var moduleArguments: String?

    @Option(
        help: ArgumentHelp("The token, by its URI or label.", valueName: "uri|label"),
        completion: LiveCompletion.tokens)
    var token: String?

    @Option(
        help: ArgumentHelp(
            "What the token is like, where it is not known by itself: a name, a file or none.",
            valueName: "profile"), completion: LiveCompletion.tokenProfiles)
    var tokenProfile: String?

    /// The same, as commands have it that log in.
    func tokenOptions() throws -> TokenOptions {
        var options = try TokenOptions.parse([])
        options.moduleOptions = self
        return options
    }
}
