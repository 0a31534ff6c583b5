internal import FoundationEssentials
internal import TokencertPlatform

extension ConfigurationFile {
    /// Adds a setting to the file, outside of profiles, and creates the file if it does not exist.
    ///
    /// - Returns: False if nothing was written, since the file sets it or cannot be extended safely.
    func add(_ name: Setting, _ content: Content) throws(FileError) -> Bool {
        var bytes = Array("{}\n".utf8)
        let isNew = try !isPresent(path)
        if !isNew {
            guard isRegularFile(path) else { return false }
            bytes = try readFile(path, limit: 1 << 20)
        }
        guard let changed = Self.adding(name, content, toJSON: bytes) else { return false }
        guard isNew else {
            try replaceFileDurably(changed, path)
            return true
        }
        try makeFolder(parentFolder(path))
        try writeFileDurably(changed, path, permissions: 0o600)
        return true
    }

    /// A JSON object with one more member, before the others; all other bytes stay. Nil if it has
    /// the member, or is anything other than an object in UTF-8.
    static func adding(_ name: Setting, _ content: Content, toJSON bytes: [UInt8]) -> [UInt8]? {
        guard let before = members(bytes), before[name.rawValue] == nil,
            let value = content.json, let brace = bytes.firstIndex(of: UInt8(ascii: "{"))
        else { return nil }
        let rest = bytes[(brace + 1)...]
        let blanks = Array(rest.prefix { Array(" \t\r\n".utf8).contains($0) })
        let member = "\"\(name.rawValue)\": \(value)"
        var changed = Array(bytes[...brace])
        if before.isEmpty {
            changed += Array("\n  \(member)\n".utf8)
            changed += Array(rest.dropFirst(blanks.count))
        } else {
            changed += blanks + Array("\(member),".utf8)
            changed += Array(rest)
        }
        guard let after = members(changed), after.count == before.count + 1,
            after[name.rawValue]?.content(of: name.kind) == content
        else { return nil }
        return changed
    }

    private static func members(_ bytes: [UInt8]) -> [String: JSONValue]? {
        guard String(validating: bytes, as: UTF8.self) != nil, repeatedKey(inJSON: bytes) == nil
        else { return nil }
        return try? JSONDecoder().decode([String: JSONValue].self, from: Data(bytes))
    }
}

extension ConfigurationFile.Content {
    /// The value in JSON; nil for a list.
    fileprivate var json: String? {
        switch self {
        case .text(let text): try? jsonLine(text)
        case .flag(let isSet): isSet ? "true" : "false"
        case .texts: nil
        }
    }
}

/// Adds a setting to the configuration file, after the user agreed to that. If it cannot be added, the
/// user is shown the line to add.
func remember(_ name: Setting, _ content: ConfigurationFile.Content) {
    let file = ConfigurationFile.current
    do {
        if try file.add(name, content) {
            return printError("\(name.rawValue) is now \(printable(content.text))")
        }
    } catch {
        printError("warning: \(printable("\(error)"))")
    }
    let line = "\"\(name.rawValue)\": \(content.json ?? "")"
    if file.value(name) != nil {
        return printError("note: change it in \(printable(file.path)): \(printable(line))")
    }
    printError("note: \(printable(file.path)) was not changed; add this line after its first {:")
    printError(printable("  \(line),"))
}
