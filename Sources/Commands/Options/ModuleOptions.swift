internal import ArgumentParser

/// Options that select the PKCS#11 module and the token.
struct ModuleOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "PKCS#11 module to use: its path, or its name in p11-kit's configuration; default: all modules in p11-kit's configuration.",
            valueName: "path|name"),
        completion: .file(extensions: ["so", "dylib"]))
    var module: String?

    @Option(
        help: ArgumentHelp(
            "Initialisation arguments of the module, such as configdir='sql:FOLDER' for NSS. Do not put a secret here: other users can see it.",
            valueName: "text"))
    var moduleArguments: String?

    @Option(
        help: ArgumentHelp("Label, serial number or URI of the token.", valueName: "name"),
        completion: .live(.tokens))
    var token: String?

    @Option(
        help: ArgumentHelp(
            "Token profile to use instead of the one for the token's model: a name, a file, or none.",
            valueName: "profile"), completion: .live(.tokenProfiles))
    var tokenProfile: String?

    /// The same options for functions that take `TokenOptions`.
    func tokenOptions() throws -> TokenOptions {
        var options = try TokenOptions.parse([])
        options.moduleOptions = self
        return options
    }
}
