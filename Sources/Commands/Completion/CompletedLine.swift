internal import ArgumentParser
internal import Cryptoki
internal import OpenSSLX509
internal import TokencertPlatform

/// The options on a command line that decide which values a shell is offered.
struct CompletedLine: Codable {
    let config: String?
    let profile: String?
    let ledger: String?
    let module: String?
    let moduleArguments: String?
    let token: String?

    /// Reads the words of a command line as a shell passes them.
    init(_ words: [String]) {
        config = Self.value("--config", words)
        profile = Self.value("--profile", words)
        ledger = Self.value("--ledger", words)
        module = Self.value("--module", words)
        moduleArguments = Self.value("--module-arguments", words)
        token = Self.value("--token", words)
    }

    /// Loads the settings. Those that cannot be read are ignored.
    func loadSettings() {
        Progress.shared.setStyle(.quiet)
        OpenSSL.startWithoutConfiguration()
        try? EnvironmentSettings.load { _ in false }
        try? ConfigurationFile.load(file: config, profile: profile)
    }

    /// The modules whose tokens are offered. Those in p11-kit's configuration are found in its files:
    /// p11-kit would load each module to list them.
    func modules() -> [ModuleChoice] {
        guard var options = try? TokenOptions.parse([]) else { return [] }
        options.module = module
        options.moduleArguments = moduleArguments
        options.moduleOptions.token = token
        // The token may be the word that is being completed, so that its URI is not valid yet.
        if (try? ModuleChoice(options)) == nil { options.moduleOptions.token = nil }
        guard let choice = try? ModuleChoice(options) else { return [] }
        guard case .configured = choice else { return [choice] }
        let uri = try? options.standingURI(nil)
        // Of the files that are skipped, those for trust policy alone show no tokens.
        let files = P11KitConfiguration.moduleFiles().filter {
            (!$0.isPassedOver || $0.enabledIn != nil || $0.disabledIn != nil)
                && uri?.matches(modulePath: $0.module ?? $0.name, name: $0.name) ?? true
        }
        return Set(files.map(\.name)).sorted().map { .named($0) }
    }

    /// The value of an option, or nil. The last one counts, as it does when the command runs.
    static func value(_ option: String, _ words: [String]) -> String? {
        var found: String?
        var rest = words[...]
        while let word = rest.popFirst(), word != "--" {
            if word.hasPrefix(option + "=") {
                found = String(word.dropFirst(option.count + 1))
            } else if word == option, let next = rest.popFirst() {
                found = next
            }
        }
        return found.map { word in
            let word = bare(word)
            return (try? resolvingHome(word)) ?? word
        }
    }

    /// A word as the program would receive it. All shells except fish pass it with its quotation
    /// marks and backslashes, and the closing mark may be missing.
    static func bare(_ word: String) -> String {
        guard environmentVariable("SAP_SHELL") != "fish" else { return word }
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
