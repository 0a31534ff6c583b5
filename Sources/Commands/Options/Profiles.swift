internal import TokencertPlatform
internal import TokencertTokens

/// What is known of tokens besides what they say.
enum Profiles {
    /// The folder of a person's own profiles.
    static var folder: String { configurationFolder + "/token-profiles" }

    /// A person's own, then those that tokencert has.
    static func all() throws -> [TokenProfile] {
        let names: [String]
        do throws(FileError) {
            names = try TokencertPlatform.names(inFolder: folder)
        } catch {
            throw Failure(
                .configuration, code: "profilesUnreadable",
                "the folder of token profiles cannot be read: \(error)", hints: advice(error))
        }
        // Hidden files belong to editors and to macOS.
        let own = try names.filter { $0.hasSuffix(".json") && !$0.hasPrefix(".") }.map { name in
            let file = folder + "/" + name
            // Reading a named pipe would wait for its writer.
            guard !isSpecialFile(file) else {
                throw unusable(file, "it is not a regular file")
            }
            return try read(file)
        }
        return own + TokenProfile.builtIn
    }

    /// The profiles that a command looks at: the one that was chosen, or all.
    ///
    /// - Parameter chosen: A name, the path of a file, `none`, or nil.
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
                    .usage, "there is no token profile “\(chosen)”",
                    hints: [
                        "there are: " + all.map(\.name).joined(separator: ", ") + " and none",
                        "tokencert tokens --profiles shows them; a path names a file",
                    ])
            }
            profile = named
        }
        // Whoever chooses it knows better than its own rule which tokens it is for.
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
            .configuration, "the token profile \(file) cannot be used: \(reason)",
            hints: [
                "correct the file, or move it away if it is in \(folder)",
                "--token-profile takes a name, the path of a file, or none",
                "tokencert tokens --profiles --json shows those that tokencert has",
            ])
    }
}
