internal import Cryptoki
internal import Files

/// What kind of path a setting holds, if any.
enum PathForm {
    /// A path.
    case path
    /// A path if there is a slash in it, else a name.
    case pathOrName
    /// A path or a name of a profile, whose files end in `.json`.
    case profile
    /// A source of a secret, which may be a file or a program.
    case source
    /// A token's URI, which may name a source, or a label.
    case token
}

/// A path with `~` at its beginning made the home folder, as a shell does it. A shell leaves it
/// where it follows something in the same word: `--ledger=~/x`, `file:~/x`.
///
/// - Throws: ``Failure`` for the home folder of another user, and if there is no home folder.
func resolvingHome(_ path: String, status: ExitStatus = .usage) throws -> String {
    guard path.hasPrefix("~") else { return path }
    guard path == "~" || path.hasPrefix("~/") else {
        throw Failure(
            status, code: "otherHome",
            "\(path): the home folder of another user is not looked up",
            hints: ["write the whole path", "./\(path) is a file of that name"])
    }
    return try requireHome() + path.dropFirst()
}

/// The same for what an option or a setting holds.
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

/// A value that holds wherever the program is started: paths in it have to be absolute, since a
/// relative one would be another file in each working folder.
///
/// - Parameters:
///   - text: The value.
///   - form: What kind of path it is.
///   - status: How the program ends if it is refused.
///   - place: Where it stands, for errors.
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
        case .token:
            (try? PKCS11URI(parsing: resolved))?.pinSource.flatMap {
                file(ofSource: $0.hasPrefix("file:") ? $0 : "file:" + $0)
            }
        }
    // In a URI the home folder is resolved when its file is read.
    guard let path, !path.hasPrefix("/"), !(form == .token && path.hasPrefix("~/")) else {
        return resolved
    }
    throw Failure(
        status, code: "relativePath",
        "\(place) has a relative path, which is another file in each folder: \(path)",
        hints: ["write the whole path, or begin it with ~/"])
}

/// The file that a source of a secret reads, or the program that it runs if that is named by a path.
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
    // Here the words of another command line follow, as the shell has them.
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
