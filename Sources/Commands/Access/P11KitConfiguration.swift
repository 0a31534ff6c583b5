internal import TokencertPlatform

/// p11-kit's module files (pkcs11.conf(5)), read to explain why a module is missing: p11-kit silently
/// ignores a module that it cannot load.
enum P11KitConfiguration {
    struct ModuleFile {
        /// The file name without its extension, which is p11-kit's name of the module.
        let name: String
        let path: String
        /// The path of the module in the file, or nil for a remote module.
        let module: String?
        let logsCalls: Bool
        /// Whether p11-kit loads no modules if this one cannot be loaded.
        var isCritical = false
        /// Whether it may be only for other programs, or contains only trust anchors.
        let isPassedOver: Bool
        /// The value of `enable-in`: the programs that may use the module, or nil for all.
        let enabledIn: String?
        /// The value of `disable-in`: the programs that do not use the module, or nil.
        let disabledIn: String?
    }

    /// The folders of module files, those of the system first.
    static var folders: [String] {
        var folders = [
            "/usr/share/p11-kit/modules", "/etc/pkcs11/modules",
            "/opt/homebrew/etc/pkcs11/modules", "/opt/homebrew/share/p11-kit/modules",
        ]
        if !isSuperuser { folders.append(ownFolder) }
        return folders.filter(isFolder)
    }

    /// The folder of the user's module files. p11-kit ignores it for root.
    static var ownFolder: String {
        (environmentVariable("XDG_CONFIG_HOME")
            ?? (homeFolder() ?? "") + "/.config") + "/pkcs11/modules"
    }

    /// How to disable a module for this program: a command, or the line to edit if a file already
    /// lists programs. p11-kit merges files of the same name; the user's or those in /etc take
    /// precedence (p11-kit 0.24.1, `_p11_conf_merge_defaults`).
    static func disabling(_ name: String, _ files: [ModuleFile]) -> String {
        let named = files.filter { $0.name == name }
        let folder = isSuperuser ? "/etc/pkcs11/modules" : ownFolder
        let path = "\(folder)/\(name).module"
        if let file = named.last(where: { $0.enabledIn != nil }) {
            return "remove tokencert from the line enable-in of \(file.path)"
        }
        let others = named.last { $0.disabledIn != nil }
        if let others, others.path == path {
            return "add tokencert to the line disable-in of \(path)"
        }
        let programs = (others?.disabledIn).map { "\($0), tokencert" } ?? "tokencert"
        return "mkdir -p \(quoted(folder)) && "
            // The file may already exist, without a line end after its last line.
            + "printf '\\n%s\\n' \(quoted("disable-in: \(programs)")) >> \(quoted(path))"
    }

    /// The failure if p11-kit loaded no modules because a critical one cannot be loaded; nil for any
    /// other error. `complaint` is p11-kit's error message, which quotes only the module's name.
    static func failure(ofCritical complaint: String, _ files: [ModuleFile]) -> Failure? {
        guard
            let file = files.last(where: { $0.isCritical && complaint.contains("'\($0.name)'") })
        else { return nil }
        let module = files.last { $0.name == file.name && $0.module != nil }?.module
        let path = module.map(absolutePath)
        return Failure(
            .configuration, code: "moduleUnusable",
            "p11-kit loads no modules, because module \(file.name) cannot be loaded"
                + (path.map { " (\($0))" } ?? "") + " and is marked as critical in \(file.path)",
            hints: [
                "to disable it for tokencert: " + disabling(file.name, files),
                "to use a module without p11-kit's configuration: --module PATH",
            ] + (path.map { ["to see whether a library is missing: ldd \(quoted($0))"] } ?? []))
    }

    static func moduleFiles() -> [ModuleFile] {
        folders.flatMap { folder in
            ((try? names(inFolder: folder)) ?? []).filter { $0.hasSuffix(".module") }.compactMap {
                read(folder + "/" + $0)
            }
        }
    }

    /// The path at which p11-kit looks for a module that is named without a folder.
    static func absolutePath(_ module: String) -> String {
        guard !module.hasPrefix("/") else { return module }
        #if arch(x86_64)
            let machine = "x86_64-linux-gnu"
        #else
            let machine = "aarch64-linux-gnu"
        #endif
        let folders = [
            "/usr/lib/\(machine)/pkcs11", "/usr/lib64/pkcs11", "/usr/lib/pkcs11",
            "/opt/homebrew/lib/pkcs11",
        ]
        let candidates = folders.filter(isFolder).map { $0 + "/" + module }
        return candidates.first(where: exists) ?? candidates.first ?? module
    }

    private static func read(_ path: String) -> ModuleFile? {
        guard let bytes = try? readFile(path, limit: 1 << 16) else { return nil }
        var entries: [String: String] = [:]
        for line in String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
        where !line.hasPrefix("#") {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            entries[trimmed(parts[0])] = trimmed(parts[1])
        }
        let name = path.split(separator: "/").last?.dropLast(".module".count) ?? ""
        return ModuleFile(
            name: String(name), path: path, module: entries["module"],
            logsCalls: entries["log-calls"] == "yes", isCritical: entries["critical"] == "yes",
            isPassedOver: entries["trust-policy"] == "yes" || entries["enable-in"] != nil
                || entries["disable-in"] != nil,
            enabledIn: entries["enable-in"], disabledIn: entries["disable-in"])
    }
}

func trimmed(_ text: Substring) -> String {
    String(text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
}
