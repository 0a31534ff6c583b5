internal import TokencertPlatform

/// Checks SoftHSM2's configuration and token folder. The configuration is read as in
/// `SimpleConfigLoader.cpp` and `SoftHSM.cpp` of version 2.6.1.
struct SoftHSMChecks {
    /// Whether the module has started.
    let isLoaded: Bool

    private static let area = "SoftHSM2"

    static func isSoftHSM(_ path: String) -> Bool { path.contains("softhsm2") }

    /// What to do about a module that does not start.
    var advice: [String] {
        var report = DoctorReport()
        lookInside(&report)
        return report.hasFailed
            ? ["see the lines about SoftHSM2 below"]
            : [
                "the configuration and token folder seem correct; to see the reason in the system "
                    + "log: journalctl --since -1min"
            ]
    }

    func look(_ doctorReport: inout DoctorReport) {
        var report = DoctorReport()
        lookInside(&report)
        if report.checks.isEmpty, exists(path) {
            report.ok(Self.area, "\(path), tokens in \(tokenFolder(directives()))")
        }
        doctorReport.add(report)
    }

    // MARK: Places

    private var named: String? { environmentVariable("SOFTHSM2_CONF") }

    /// The user's own configuration, if it can be read.
    private var own: String? {
        homeFolder().map { $0 + "/.config/softhsm2/softhsm2.conf" }.flatMap {
            isReadableFile($0) ? $0 : nil
        }
    }

    private var path: String { named ?? own ?? "/etc/softhsm/softhsm2.conf" }

    private func tokenFolder(_ directives: [Directive]) -> String {
        directives.last { $0.name == "directories.tokendir" }?.value ?? "/var/lib/softhsm/tokens"
    }

    // MARK: The configuration

    private struct Directive {
        let line: Int
        let name: String
        let value: String
    }

    /// The lines without their comments, which begin with #.
    private func lines() -> [(number: Int, text: String)] {
        guard let bytes = try? readFile(path, limit: 1 << 16) else { return [] }
        return String(decoding: bytes, as: UTF8.self)
            .split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
            .enumerated().map { (number: $0 + 1, text: trimmed($1.prefix { $0 != "#" })) }
    }

    /// A second = ends the value. Lines without a value are ignored.
    private func directive(_ number: Int, _ text: String) -> Directive? {
        let parts = text.split(separator: "=").map(trimmed)
        guard parts.count >= 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
        return Directive(line: number, name: parts[0], value: parts[1])
    }

    private func directives() -> [Directive] {
        lines().compactMap { directive($0.number, $0.text) }
    }

    private func lookInside(_ report: inout DoctorReport) {
        let making = [
            "create your own: mkdir -p ~/.config/softhsm2 ~/.local/share/softhsm",
            "echo \"directories.tokendir = $HOME/.local/share/softhsm\" > "
                + "~/.config/softhsm2/softhsm2.conf",
        ]
        guard (try? readFile(path, limit: 1 << 16)) != nil else {
            // If SoftHSM2 was built to look elsewhere and works, nothing is reported.
            if named == nil, isLoaded { return }
            return report.fail(
                Self.area, "cannot read the configuration \(path)",
                named == nil ? making : ["set SOFTHSM2_CONF to another file, or unset it"])
        }
        for (number, text) in lines() where !text.isEmpty && directive(number, text) == nil {
            report.warn(
                Self.area, "\(path), line \(number): \(text) has no value, so it is ignored",
                ["write it as NAME = VALUE"])
        }
        let directives = directives()
        look(at: directives, &report)
        look(atFolder: tokenFolder(directives), making, &report)
    }

    private func look(at directives: [Directive], _ report: inout DoctorReport) {
        func tell(_ directive: Directive, _ problem: String, _ advice: String, fails: Bool) {
            let message =
                "\(path), line \(directive.line): \(directive.name) = \(directive.value) \(problem)"
            if fails {
                report.fail(Self.area, message, [advice])
            } else {
                report.warn(Self.area, message, [advice])
            }
        }
        // If there are several, the last one applies.
        let inForce = Dictionary(directives.map { ($0.name, $0) }) { $1 }
        if let folder = inForce["directories.tokendir"] {
            // A path that begins with ~ is reported as a folder that does not exist.
            if !folder.value.hasPrefix("/"), !folder.value.hasPrefix("~") {
                tell(
                    folder, "is a relative path, which depends on the working folder",
                    "write an absolute path: directories.tokendir = /PATH", fails: false)
            }
        } else {
            report.warn(
                Self.area,
                "\(path) sets no directories.tokendir, so SoftHSM2 uses " + tokenFolder(directives),
                ["add this line: directories.tokendir = /PATH"])
        }
        if let level = inForce["log.level"],
            !["ERROR", "WARNING", "INFO", "DEBUG"].contains(level.value)
        {
            tell(
                level, "is not a known level, so SoftHSM2 does not start",
                "write: log.level = ERROR, or WARNING, INFO or DEBUG, in capitals", fails: true)
        }
        if let backend = inForce["objectstore.backend"], backend.value != "file",
            backend.value != "db" || !isLoaded
        {
            tell(
                backend,
                backend.value == "db"
                    ? "requires database support, which this build of SoftHSM2 may not have"
                    : "is not a known store, so SoftHSM2 does not start",
                "write: objectstore.backend = file", fails: true)
        }
        for name in ["slots.removable", "library.reset_on_fork"] {
            if let flag = inForce[name], !["true", "false"].contains(flag.value.lowercased()) {
                tell(flag, "is ignored", "write: \(name) = true, or false", fails: false)
            }
        }
        let known = [
            "directories.tokendir", "objectstore.backend", "objectstore.umask", "log.level",
            "slots.removable", "slots.mechanisms", "library.reset_on_fork",
        ]
        for directive in directives where !known.contains(directive.name) {
            let meant = suggestions(for: directive.name, among: known).first
            tell(
                directive, "is not a known setting, so it is ignored",
                meant.map { "did you mean \($0)?" } ?? "remove the line", fails: false)
        }
    }

    private func look(atFolder folder: String, _ making: [String], _ report: inout DoctorReport) {
        guard isFolder(folder) else {
            return report.fail(
                Self.area, "the token folder \(folder), set in \(path), does not exist",
                folder.hasPrefix("~")
                    ? ["write an absolute path: SoftHSM2 does not expand ~"]
                    : ["to create it: mkdir -p \(quoted(folder))"])
        }
        guard !isWritableFolder(folder) else { return }
        report.fail(
            Self.area, "this user may not write to the token folder \(folder)",
            (named == nil && own == nil
                ? making : ["to see who may: ls -ld \(quoted(folder))"])
                + ["for the shared folder: adduser USER softhsm, then log in again"])
    }
}
