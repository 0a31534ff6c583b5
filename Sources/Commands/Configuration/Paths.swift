internal import Cryptoki
internal import TokencertPlatform

/// The kind of path that a setting holds, if any.
enum PathForm {
    case path
    /// A path if it contains a slash, otherwise a name.
    case pathOrName
    /// A path if it contains a slash or ends in `.json`, otherwise the name of a token profile.
    case profile
    /// The source of a secret, which may be a file or a program.
    case source
    case command
    /// A token's URI, which may name a source, or a label.
    case token
}

/// The absolute path of a file or folder that may not exist.
func absolute(_ path: String) -> String {
    path.hasPrefix("/") ? path : absolutePath(".") + "/" + path
}

/// Replaces `~` at the start of a path with the home folder. Shells do not do so after other text in
/// the same word, such as `--ledger=~/x`. Throws ``Failure`` for the home folder of another user.
func resolvingHome(_ path: String, status: ExitStatus = .usage) throws -> String {
    guard path.hasPrefix("~") else { return path }
    guard path == "~" || path.hasPrefix("~/") else {
        throw Failure(
            status, code: "otherHome", "\(path): cannot use the home folder of another user",
            hints: ["type the absolute path", "if it is the name of a file: ./\(path)"])
    }
    return try requireHome() + path.dropFirst()
}

/// Replaces `~` in the value of an option or a setting.
func resolvingHome(
    _ text: String, as form: PathForm?, status: ExitStatus = .usage
) throws -> String {
    switch form {
    case nil, .token: return text
    case .path, .pathOrName, .profile: return try resolvingHome(text, status: status)
    case .source:
        for scheme in ["file:", "command:"] where text.hasPrefix(scheme + "~") {
            let rest = String(text.dropFirst(scheme.count))
            guard scheme == "command:" else {
                return scheme + (try resolvingHome(rest, status: status))
            }
            let program = String(rest.prefix { $0 != " " })
            return scheme + quoted(try resolvingHome(program, status: status))
                + rest.dropFirst(program.count)
        }
        return text
    case .command:
        let source = try resolvingHome("command:" + text, as: .source, status: status)
        return String(source.dropFirst("command:".count))
    }
}

/// Resolves the home folder in a value from the environment or the configuration file. Throws if it
/// contains a relative path, which would name a different file in each working folder.
func standing(
    _ text: String, as form: PathForm?, status: ExitStatus, place: String
) throws -> String {
    let resolved = try resolvingHome(text, as: form, status: status)
    let path: String? =
        switch form {
        case nil: nil
        case .path: resolved
        case .pathOrName: resolved.contains("/") ? resolved : nil
        case .profile: resolved.contains("/") || resolved.hasSuffix(".json") ? resolved : nil
        case .source: file(ofSource: resolved)
        case .command: file(ofSource: "command:" + resolved)
        case .token: try file(ofTokenIn: resolved, status, place)
        }
    // In a URI, the home folder is resolved when the file is read.
    guard let path, !path.hasPrefix("/"), !(form == .token && path.hasPrefix("~/")) else {
        return resolved
    }
    throw Failure(
        status, code: "relativePath", "\(place) must not contain a relative path: \(path)",
        hints: ["use an absolute path, or one that begins with ~/"])
}

/// The file that a token's URI names as the source of the PIN, or nil.
private func file(ofTokenIn uri: String, _ status: ExitStatus, _ place: String) throws -> String? {
    guard let source = (try? PKCS11URI(parsing: uri))?.pinSource else { return nil }
    if source.hasPrefix("|") { throw refusedCommand(status: status, place: place) }
    return file(ofSource: source.hasPrefix("file:") ? source : "file:" + source)
}

/// The path in a secret's source, which is that of a file or of a program, or nil.
private func file(ofSource source: String) -> String? {
    if source.hasPrefix("file:"), source != "file:" {
        return String(source.dropFirst("file:".count))
    }
    guard source.hasPrefix("command:") else { return nil }
    let words = source.dropFirst("command:".count).drop { $0 == " " }
    let program =
        words.first == "'" || words.first == "\""
        ? words.dropFirst().prefix { $0 != words.first } : words.prefix { $0 != " " }
    return program.contains("/") ? String(program) : nil
}

/// The command-line arguments, with `~` resolved in the values of options that take paths. Throws
/// ``Failure`` if an option has no value that needs one: the shell variable may not be set.
func resolvingHome(inArguments arguments: [String]) throws -> [String] {
    // The words that follow are from a command line that the shell completes.
    guard arguments.first != "---completion" else { return arguments }
    var resolved: [String] = []
    var option: String?
    for (index, argument) in arguments.enumerated() {
        if argument == "--" { return resolved + arguments[index...] }
        if let current = option {
            resolved.append(try value(argument, of: current))
            option = nil
            continue
        }
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let word = String(parts[0].dropFirst(2))
        let isRead = formsOfOptions[word] != nil || optionsWithText.contains(word)
        let named = isRead && argument.hasPrefix("--") ? word : nil
        if let named, parts.count == 2 {
            resolved.append("\(parts[0])=" + (try value(String(parts[1]), of: named)))
        } else {
            resolved.append(argument)
            option = named
        }
    }
    return resolved
}

private func value(_ text: String, of option: String) throws -> String {
    let form = formsOfOptions[option]
    guard form == .path || form == nil, text.allSatisfy(\.isWhitespace) else {
        return try resolvingHome(text, as: form)
    }
    throw Failure(
        .usage, "--\(option) is empty",
        hints: ["if the value is a shell variable, check that it is set", "or omit --\(option)"])
}

/// The options without a path that need a value and do not check it themselves.
private let optionsWithText: Set = ["username", "ca-accepts", "copy-to"]

private let formsOfOptions: [String: PathForm] = {
    var forms: [String: PathForm] = ["cert": .path, "from": .path, "config": .path]
    for setting in Setting.allCases { forms[setting.rawValue] = setting.form }
    return forms
}()
