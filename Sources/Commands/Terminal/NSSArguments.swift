internal import TokencertPlatform

/// Checks the arguments for NSS's module, such as `configdir='sql:/home/anna/certificates'`.
/// Without a folder, NSS reads a null pointer and the process crashes.
enum NSSArguments {
    /// Whether a path belongs to NSS's module.
    static func isNSS(_ path: String) -> Bool {
        path.split(separator: "/").last?.hasPrefix("libsoftokn") ?? false
    }

    /// Checks that the arguments name a folder with an absolute path.
    static func require(_ arguments: String) throws {
        guard let folder = folder(arguments), !folder.name.isEmpty else {
            // With this flag NSS opens no database.
            guard !arguments.lowercased().contains("nocertdb") else { return }
            throw Failure(
                .usage, "--module-arguments names no folder for NSS", hints: [hint("FOLDER")])
        }
        guard folder.name.hasPrefix("/") else {
            throw Failure(
                .usage,
                "--module-arguments names a relative folder for NSS, which depends on the working "
                    + "folder: \(folder.name)",
                hints: [hint(absolutePath(folder.name), folder.kind)])
        }
    }

    static func hint(_ folder: String, _ kind: String = "sql:") -> String {
        "for NSS, name the folder: --module-arguments \(quoted("configdir='\(kind)\(folder)'"))"
    }

    /// The folder in the arguments and the prefix that selects its kind; nil without `configdir`.
    private static func folder(_ arguments: String) -> (kind: String, name: String)? {
        guard let found = arguments.firstMatch(of: /(?i)(?:^|\s)configdir\s*=\s*/) else {
            return nil
        }
        let rest = arguments[found.range.upperBound...]
        let value =
            if let mark = rest.first, mark == "'" || mark == "\"" {
                rest.dropFirst().prefix { $0 != mark }
            } else {
                rest.prefix { !$0.isWhitespace }
            }
        for kind in ["sql:", "dbm:", "extern:", "rdb:"] where value.lowercased().hasPrefix(kind) {
            return (kind, String(value.dropFirst(kind.count)))
        }
        return ("sql:", String(value))
    }
}
