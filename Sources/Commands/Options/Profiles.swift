internal import TokencertPlatform
internal import TokencertTokens

/// Token profiles: facts about tokens that their modules do not report.
enum Profiles {
    static var folder: String { configurationFolder + "/token-profiles" }

    /// All profiles, the user's own before the built-in ones.
    static func all() throws -> [TokenProfile] {
        let names: [String]
        do throws(FileError) {
            names = try TokencertPlatform.names(inFolder: folder)
        } catch {
            throw Failure(
                .configuration, code: "profilesUnreadable",
                "cannot read the folder of token profiles: \(error)", hints: advice(error))
        }
        // Editors and macOS create hidden files.
        let own = try names.filter { $0.hasSuffix(".json") && !$0.hasPrefix(".") }.map { name in
            let file = folder + "/" + name
            // Reading a named pipe would block.
            guard !isSpecialFile(file) else { throw unusable(file, "it is not a regular file") }
            return try read(file)
        }
        return own + TokenProfile.builtIn
    }

    /// The profiles to match a token against: the one chosen by name or path, none for `none`, or
    /// all for nil.
    static func choose(_ chosen: String?) throws -> [TokenProfile] {
        guard let chosen else { return try all() }
        if chosen == "none" { return [] }
        var profile: TokenProfile
        if chosen.contains("/") || chosen.hasSuffix(".json") {
            profile = try read(chosen)
        } else {
            let all = try all()
            guard let named = all.first(where: { $0.name == chosen }) else {
                throw Failure(
                    .usage, "there is no token profile \"\(chosen)\"",
                    hints: [
                        "use one of " + all.map(\.name).joined(separator: ", ") + " or none",
                        "to use a file, type its path: --token-profile ./FILE.json",
                    ])
            }
            profile = named
        }
        // The user's choice overrides the profile's own matching rule.
        profile.match = .all
        return [profile]
    }

    private static func read(_ file: String) throws -> TokenProfile {
        do {
            return try TokenProfile(json: try readFile(file))
        } catch {
            throw unusable(file, "\(error)")
        }
    }

    private static func unusable(_ file: String, _ reason: String) -> Failure {
        Failure(
            .configuration, "cannot use the token profile \(file): \(reason)",
            hints: [
                "correct the file, or move it away if it is in \(folder)",
                "use --token-profile with a name, the path of a file, or none",
                "to see the fields of a profile: tokencert help tokens",
            ])
    }
}
