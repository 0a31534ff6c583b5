internal import TokencertPlatform

/// Offers to add the CA of `trust fetch --ca-url` to the configuration file, so that other commands use
/// it without the option.
///
/// Only users at a terminal are asked, and a CA that is set in any place stays.
struct RememberedCA {
    let url: String

    func offer(_ output: CommonOptions) throws {
        // Orders are sent over HTTPS only.
        guard output.isForReader, isTerminal(0), setting(nil, .caURL) == nil,
            namesHostOnly(url, schemes: ["https://"])
        else { return }
        let file = ConfigurationFile.current
        let question =
            "Use \(printable(url)) in other commands, too?\n"
            + "This adds ca-url to \(printable(file.path)). [y/n] "
        guard ["y", "yes"].contains(askAtTerminal(question)?.lowercased()) else { return }
        do {
            if try file.add(.caURL, url) { return print("ca-url is now \(printable(url)).") }
        } catch {
            printError("warning: \(printable("\(error)"))")
        }
        printError(
            "note: \(printable(file.path)) was not changed; add this line after its first {:")
        printError(printable("  \"ca-url\": \(try jsonLine(url)),"))
    }
}
