internal import ArgumentParser
internal import TokencertCAcert
internal import TokencertLedger
internal import TokencertPlatform
internal import TokencertTokens

/// Enables the completion of values, if a shell starts the program for that.
func offerValues() {
    LiveCompletion.use { subject, words, begun in
        // The user waits, perhaps for a folder on a server that does not respond.
        endProcess(afterMilliseconds: 2000)
        return OfferedValues.find(subject, words, begun)
    }
}

/// The values that a shell completes: those that are visible without a PIN. Completion does not log
/// in; after a failure it offers no values.
enum OfferedValues {
    /// The values for a subject, escaped for the user's shell. `words` are the words of the command
    /// line except `begun`, which is the one at the cursor.
    static func find(
        _ subject: LiveCompletion.Subject, _ words: [String], _ begun: String
    ) -> [String] {
        // zsh and fish pass --option=value as one word.
        let value = begun.hasPrefix("--") ? begun.drop { $0 != "=" }.dropFirst() : begun[...]
        let line = CompletedLine(words)
        line.loadSettings()
        var seen: Set<String> = []
        // Names of tokens and files come from others, and must not be taken for options.
        let found = all(subject, line, CompletedLine.bare(String(value))).filter {
            printable($0) == $0 && !$0.hasPrefix("-") && !$0.isEmpty && seen.insert($0).inserted
        }
        switch environmentVariable("SAP_SHELL") {
        case "zsh":
            // zsh treats the text after a colon as a description, and quotes every character except
            // "!", which recalls an earlier command (zsh 5.9).
            return found.filter { !$0.contains("!") }.map { word in
                word.map { $0 == ":" || $0 == "\\" ? "\\\($0)" : String($0) }.joined()
            }
        case "bash":
            // The script's compgen expands words, including commands in them. bash quotes completed
            // words except for these characters (bash 5.2, -o filenames), so a command in a name
            // would run when the user presses Return.
            return found.filter { !$0.contains { "$`!".contains($0) } }.map(quoted)
        default:
            return found
        }
    }

    private static func all(
        _ subject: LiveCompletion.Subject, _ line: CompletedLine, _ begun: String
    ) -> [String] {
        switch subject {
        case .tokens:
            let tokens = ModuleReader.tokens(line, withObjects: false)
            return (isURI(begun) ? [] : ShownToken.names(of: tokens))
                + (mayBecomeURI(begun) ? tokens.map(\.uri) : [])
        case .objects:
            return names(of: objects(line), begun) { $0.uris }
        case .keys:
            return names(of: objects(line).filter { $0.keyURI != nil }, begun) { object in
                [object.keyURI].compactMap { $0 }
            }
        case .configurationProfiles:
            return ConfigurationFile.current.profiles
        case .tokenProfiles:
            return ((try? Profiles.all()) ?? []).map(\.name) + ["none"]
        case .anchors:
            return ((try? trustStore.files()) ?? []).map(TrustStore.name)
        case .unfinishedOrders:
            return orders(line, unfinishedOnly: true)
        case .orders:
            let unfinished = orders(line, unfinishedOnly: true)
            return unfinished
                + orders(line, unfinishedOnly: false).filter { !unfinished.contains($0) }
        case .secretSources:
            return secretSources(begun)
        }
    }

    /// The objects on the token that is named, or on all tokens.
    private static func objects(_ line: CompletedLine) -> [ShownObject] {
        let name = setting(line.token, .token)
        return ModuleReader.tokens(line, withObjects: true)
            .filter { token in name.map { token.isNamed($0) } ?? true }
            .flatMap { $0.objects ?? [] }
    }

    /// The short names of objects, or their URIs if a URI has been begun. An object without a short name
    /// has only its URIs.
    static func names(
        of objects: [ShownObject], _ begun: String, uris: (ShownObject) -> [String]
    ) -> [String] {
        objects.flatMap { object in
            let names = isURI(begun) ? [] : [object.name].compactMap { $0 }
            return names
                + (mayBecomeURI(begun) || object.name == nil ? uris(object) : [])
        }
    }

    private static func isURI(_ begun: String) -> Bool { begun.hasPrefix("pkcs11:") }

    /// Whether a text is the beginning of a URI. A single letter is more likely that of a name.
    private static func mayBecomeURI(_ begun: String) -> Bool {
        isURI(begun) || begun.count > 1 && "pkcs11:".hasPrefix(begun)
    }

    private static func orders(_ line: CompletedLine, unfinishedOnly: Bool) -> [String] {
        guard var options = try? LedgerOptions.parse([]) else { return [] }
        options.ledger = line.ledger
        guard options.isFileThere else { return [] }
        let numbers = try? options.open().orderNumbers(unfinishedOnly: unfinishedOnly)
        return (numbers ?? []).map { "\($0)" }
    }
}

/// The sources of a secret that begin like a word. Files and variables are offered after `file:` and
/// `env:` only, and never what they contain.
private func secretSources(_ begun: String) -> [String] {
    if begun.hasPrefix("file:") {
        return paths(begun.dropFirst("file:".count)).map { "file:" + $0 }
    }
    if begun.hasPrefix("env:") {
        let name = String(begun.dropFirst("env:".count))
        return environmentVariableNames(beginningWith: name).map { "env:" + $0 }
    }
    return ["prompt", "pinentry", "file:", "env:", "fd:", "command:"]
}

/// The paths that begin like a text; those of folders end in a slash.
private func paths(_ begun: Substring) -> [String] {
    let folder = String(begun.lastIndex(of: "/").map { begun[...$0] } ?? "")
    let start = begun.dropFirst(folder.count)
    let place = (try? resolvingHome(folder)) ?? folder
    let entries = (try? names(inFolder: place.isEmpty ? "." : place)) ?? []
    return entries.filter { entry in
        entry.hasPrefix(start) && (start.hasPrefix(".") || !entry.hasPrefix("."))
    }.map { folder + $0 + (isFolder(place + $0) ? "/" : "") }
}
