internal import ArgumentParser
internal import Cryptoki
internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertLedger
internal import TokencertPlatform
internal import TokencertTokens

/// Enables the completion of values, if a shell starts the program for that.
func offerValues() {
    LiveCompletion.use { OfferedValues.find($0, $1, $2) }
}

/// The values that a shell completes: those that are visible without a PIN. There is never a login,
/// and a failure results in no values.
enum OfferedValues {
    /// The values for a subject, escaped for the user's shell. `begun` is the word at the cursor.
    static func find(
        _ subject: LiveCompletion.Subject, _ words: [String], _ begun: String
    ) -> [String] {
        // Names of tokens and files come from others, and must not be taken for options.
        let found = all(subject, words, begun).filter {
            printable($0) == $0 && !$0.hasPrefix("-") && !$0.isEmpty
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
        _ subject: LiveCompletion.Subject, _ words: [String], _ begun: String
    ) -> [String] {
        switch subject {
        case .tokens:
            let tokens = tokens(words)
            return bare(begun).hasPrefix("pkcs11:")
                ? tokens.compactMap { try? PKCS11URI(token: $0).description }
                : tokens.map(\.info.label)
        case .objects:
            return inventories(words).flatMap { inventory in
                inventory.keys.flatMap { [$0.privateKey, $0.publicKey].compactMap { $0?.uri } }
                    + inventory.entries.map(\.record.uri)
            }
        case .keys:
            // A private key may be invisible without a login, so public keys count, too.
            return inventories(words).flatMap { inventory in
                inventory.keys.compactMap { key in
                    key.privateKey?.uri
                        ?? key.publicKey?.uri.replacing("type=public", with: "type=private")
                }
            }
        case .configurationProfiles:
            prepare(words)
            return ConfigurationFile.current.profiles
        case .tokenProfiles:
            return ((try? Profiles.all()) ?? []).map(\.name) + ["none"]
        case .anchors:
            return ((try? trustStore.files()) ?? []).map(TrustStore.name)
        case .orders:
            prepare(words)
            guard let options = try? LedgerOptions.parse([]), options.isFileThere else {
                return []
            }
            return ((try? options.open().orders(unfinishedOnly: true)) ?? []).map {
                "\($0.number)"
            }
        }
    }

    private static func prepare(_ words: [String]) {
        Progress.shared.setStyle(.quiet)
        OpenSSL.startWithoutConfiguration()
        // Completion ignores settings that cannot be read.
        try? EnvironmentSettings.load { _ in false }
        try? ConfigurationFile.load(
            file: value("--config", words), profile: value("--profile", words))
    }

    private static func tokens(_ words: [String]) -> [Token] {
        prepare(words)
        guard var options = try? TokenOptions.parse([]) else { return [] }
        options.module = value("--module", words)
        options.moduleArguments = value("--module-arguments", words)
        // A module may wait for a service or a reader, while the user waits for the completion.
        endProcess(afterMilliseconds: 5000)
        guard let set = try? ModuleSet(options, nil) else { return [] }
        return set.modules.flatMap { module in
            ((try? module.slots(tokenPresent: true)) ?? []).compactMap { try? $0.token() }
        }
        .filter { $0.info.flags.contains(.tokenInitialized) }
    }

    private static func inventories(_ words: [String]) -> [TokenInventory] {
        let wanted = value("--token", words)
        return tokens(words).compactMap { token in
            if let wanted {
                let choice: TokenChoice =
                    (try? PKCS11URI(parsing: wanted)).map { .uri($0) } ?? .name(wanted)
                guard (try? choice.fits(token)) == true else { return nil }
            }
            guard var session = try? token.openSession(ReadOnly.self) else { return nil }
            return try? TokenInventory(&session)
        }
    }

    /// The value of an option on the command line, or nil. bash splits `--option=value` into three
    /// words, other shells do not.
    static func value(_ option: String, _ words: [String]) -> String? {
        for (index, word) in words.enumerated() {
            let rest = words[(index + 1)...]
            if word.hasPrefix(option + "=") { return path(word.dropFirst(option.count + 1)) }
            guard word == option, let next = rest.first else { continue }
            return path((next == "=" ? rest.dropFirst().first ?? "" : next)[...])
        }
        return nil
    }

    private static func path(_ word: Substring) -> String {
        let word = bare(word)
        return (try? resolvingHome(word)) ?? word
    }

    /// A word as the program would receive it. All shells except fish pass it with its quotation
    /// marks and backslashes, and the closing mark may be missing.
    static func bare(_ word: some StringProtocol) -> String {
        guard environmentVariable("SAP_SHELL") != "fish" else { return String(word) }
        var text = ""
        var quote: Character?
        var isEscaped = false
        for character in word {
            if isEscaped {
                // Inside "...", a backslash before any other character is literal.
                if quote != nil, !"\"\\$`".contains(character) { text.append("\\") }
                text.append(character)
                isEscaped = false
            } else if character == "\\", quote != "'" {
                isEscaped = true
            } else if character == quote {
                quote = nil
            } else if quote == nil, character == "'" || character == "\"" {
                quote = character
            } else {
                text.append(character)
            }
        }
        return text
    }
}
