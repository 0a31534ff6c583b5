internal import TokencertPlatform

/// The files that tell p11-kit of modules (pkcs11.conf(5)), as far as it matters what is wrong with
/// them: p11-kit itself passes over in silence what it cannot load.
enum P11KitConfiguration {
    /// The file of one module.
    struct ModuleFile {
        /// The file's name without its ending, by which p11-kit calls the module.
        let name: String
        let path: String
        /// The module as it is named there, or nil for one on another machine.
        let module: String?
        let logsCalls: Bool
        /// Whether p11-kit loads no module at all if this one cannot be loaded.
        var isCritical = false
        /// Whether it is for other programs, or holds anchors only.
        let isPassedOver: Bool
        /// The programs that may use the module, as the file lists them, or nil for all.
        let enabledIn: String?
        /// The programs that do not use the module, as the file lists them, or nil.
        let disabledIn: String?
    }

    /// The folders of such files, the system's first.
    static var folders: [String] {
        var folders = [
            "/usr/share/p11-kit/modules", "/etc/pkcs11/modules",
            "/opt/homebrew/etc/pkcs11/modules", "/opt/homebrew/share/p11-kit/modules",
        ]
        if !isSuperuser { folders.append(ownFolder) }
        return folders.filter(isFolder)
    }

    /// The folder of the user's own files. p11-kit ignores it if the user is root.
    static var ownFolder: String {
        (environmentVariable("XDG_CONFIG_HOME")
            ?? (homeFolder() ?? "") + "/.config") + "/pkcs11/modules"
    }

    /// How to turn a module off for this program: a command to paste, or the line to edit if the
    /// file already says which programs use the module.
    ///
    /// The settings from a module's files of the same name are merged; the user's or those in /etc
    /// win (p11-kit 0.24.1, `_p11_conf_merge_defaults`).
    static func disabling(_ name: String, _ files: [ModuleFile]) -> String {
        let named = files.filter { $0.name == name }
        let folder = isSuperuser ? "/etc/pkcs11/modules" : ownFolder
        let path = "\(folder)/\(name).module"
        if let file = named.last(where: { $0.enabledIn != nil }) {
            return "take tokencert out of the line enable-in of \(file.path)"
        }
        let others = named.last { $0.disabledIn != nil }
        if let others, others.path == path {
            return "add tokencert to the line disable-in of \(path)"
        }
        let programs = (others?.disabledIn).map { "\($0), tokencert" } ?? "tokencert"
        return "mkdir -p \(quoted(folder)) && "
            // The file may exist, and its last line may lack a line end.
            + "printf '\\n%s\\n' \(quoted("disable-in: \(programs)")) >> \(quoted(path))"
    }

    /// The failure if p11-kit has loaded no module since one that is marked as critical cannot be
    /// loaded; nil for any other complaint of p11-kit.
    ///
    /// - Parameters:
    ///   - complaint: What p11-kit reports. It names the module in quotation marks, and no file.
    ///   - files: All files about modules.
    static func failure(ofCritical complaint: String, _ files: [ModuleFile]) -> Failure? {
        guard
            let file = files.last(where: { $0.isCritical && complaint.contains("'\($0.name)'") })
        else { return nil }
        let module = files.last { $0.name == file.name && $0.module != nil }?.module
        let path = module.map(absolutePath)
        return Failure(
            .configuration, code: "moduleUnusable",
            "p11-kit loads no module, because module \(file.name) cannot be loaded"
                + (path.map { " (\($0))" } ?? "") + " and is marked as critical in \(file.path)",
            hints: [
                "to turn it off for tokencert: " + disabling(file.name, files),
                "--module PATH uses a module without p11-kit's configuration",
            ] + (path.map { ["ldd \(quoted($0)) shows whether a library is missing"] } ?? []))
    }

    /// All such files.
    static func moduleFiles() -> [ModuleFile] {
        folders.flatMap { folder in
            ((try? names(inFolder: folder)) ?? []).filter { $0.hasSuffix(".module") }.compactMap {
                read(folder + "/" + $0)
            }
        }
    }

    /// Where p11-kit looks for a module that is named without a folder.
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

/// A text without blanks at its ends.
func trimmed(_ text: Substring) -> String {
    String(text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
}
