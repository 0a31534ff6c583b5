internal import Cryptoki
internal import TokencertPlatform

/// The kind of path that a setting holds, if any.
enum PathForm {
    /// A path.
    case path
    /// A path if it contains a slash, otherwise a name.
    case pathOrName
    /// A path or a name of a profile, whose files end in `.json`.
    case profile
    /// The source of a secret, which may be a file or a program.
    case source
    /// A token's URI, which may name a source, or a label.
    case token
}

/// Replaces `~` at the beginning of a path with the home folder, as a shell does. A shell does not
/// replace it after other text in the same word: `--ledger=~/x`, `file:~/x`.
///
/// - Throws: ``Failure`` for the home folder of another user, and if there is no home folder.
func resolvingHome(_ path: String, status: ExitStatus = .usage) throws -> String {
    guard path.hasPrefix("~") else { return path }
    guard path == "~" || path.hasPrefix("~/") else {
        throw Failure(
            status, code: "otherHome",
            "\(path): the home folder of another user is not looked up",
            hints: ["write the whole path", "for a file of that name: ./\(path)"])
    }
    return try requireHome() + path.dropFirst()
}

/// The same for the value of an option or a setting.
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
    }
}

/// Checks a value that applies wherever the program is started: paths in it must be absolute, since
/// a relative one would name a different file in each working folder.
///
/// - Parameters:
///   - text: The value.
///   - form: What kind of path it is.
///   - status: The exit status if the value is refused.
///   - place: Where the value is set, for errors.
/// - Returns: The value with the home folder resolved.
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
        case .token: try file(ofTokenIn: resolved, status, place)
        }
    // In a URI, the home folder is resolved when the file is read.
    guard let path, !path.hasPrefix("/"), !(form == .token && path.hasPrefix("~/")) else {
        return resolved
    }
    throw Failure(
        status, code: "relativePath",
        "\(place) has a relative path, whose file depends on the working folder: \(path)",
        hints: ["write the whole path, or begin it with ~/"])
}

/// The file that holds the PIN according to a token's URI, or nil.
private func file(
    ofTokenIn uri: String, _ status: ExitStatus, _ place: String
) throws -> String? {
    guard let source = (try? PKCS11URI(parsing: uri))?.pinSource else { return nil }
    if source.hasPrefix("|") { throw refusedCommand(status: status, place: place) }
    return file(ofSource: source.hasPrefix("file:") ? source : "file:" + source)
}

/// The file that a secret's source reads, or the program that it runs if that is given as a path.
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

/// The arguments with `~` resolved in the values of all options that take paths.
func resolvingHome(inArguments arguments: [String]) throws -> [String] {
    // The words of another command line follow here, as the shell passed them.
    guard arguments.first != "---completion" else { return arguments }
    var resolved: [String] = []
    var form: PathForm?
    for (index, argument) in arguments.enumerated() {
        if argument == "--" { return resolved + arguments[index...] }
        if let current = form {
            resolved.append(try resolvingHome(argument, as: current))
            form = nil
            continue
        }
        let parts = argument.split(
            separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let named = argument.hasPrefix("--") ? formsOfOptions[String(parts[0].dropFirst(2))] : nil
        if let named, parts.count == 2 {
            resolved.append("\(parts[0])=" + (try resolvingHome(String(parts[1]), as: named)))
        } else {
            resolved.append(argument)
            form = named
        }
    }
    return resolved
}

private let formsOfOptions: [String: PathForm] = {
    var forms: [String: PathForm] = ["cert": .path, "from": .path, "config": .path]
    for setting in Setting.allCases { forms[setting.rawValue] = setting.form }
    return forms
}()
