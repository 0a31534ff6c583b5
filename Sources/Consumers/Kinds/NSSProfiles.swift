internal import TokencertPlatform

/// The profiles of Firefox or Thunderbird in the home folder.
struct NSSProfiles {
    /// The name of the consumer.
    let program: String
    /// The folder names of its profiles: in the home folder, and in the folder of configurations.
    let folders: (home: String, configuration: String)
    /// The beginnings of paths in the home folder that belong to its snap or its flatpak.
    let confined: [String]

    static let firefox = NSSProfiles(
        program: "firefox", folders: (".mozilla/firefox", "mozilla/firefox"),
        confined: ["snap/firefox/", ".var/app/org.mozilla.firefox/"])
    static let thunderbird = NSSProfiles(
        program: "thunderbird", folders: (".thunderbird", "thunderbird"),
        confined: [
            "snap/thunderbird/", ".var/app/org.mozilla.Thunderbird/",
            ".var/app/org.mozilla.thunderbird/",
        ])

    /// The files of a profile that has been used.
    static let fileNames = ["cert9.db", "key4.db", "pkcs11.txt"]

    /// The folder of the profile: the named one, or the only one that has been used. That of a snap
    /// or a flatpak is refused, because it cannot load the PKCS#11 modules of the system.
    func profile(in place: Place) throws -> String {
        if let chosen = place.profile {
            let folder = absolutePath(chosen)
            try requireUnconfined(folder, place)
            // The program would turn any folder that it is started with into a profile.
            let isNew = try isFolder(folder) && names(inFolder: folder).isEmpty
            guard Self.isUsed(folder) || isNew || isRegularFile("\(folder)/prefs.js") else {
                throw ConsumerError(
                    .placeUnknown, "\(folder) is not a profile of \(program)",
                    advice: [
                        "to see the folders of all profiles, open about:profiles in \(program)",
                        "to use the only profile, omit --profile-folder",
                    ])
            }
            guard Self.isUsed(folder) else {
                throw ConsumerError(
                    .placeUnknown, "\(folder) has no certificate database of \(program)",
                    advice: [
                        "start \(program) with this profile once and quit it: "
                            + "\(program) --profile \(shellWord(folder))"
                    ])
            }
            return folder
        }
        let used = try listed(place).filter { Self.isUsed($0) }
        guard let first = used.first else { throw noProfile(place) }
        guard used.count == 1 else {
            throw ConsumerError(
                .placeUnknown, "\(program) has \(used.count) profiles; name one of them",
                advice: used.map {
                    "tokencert use \(program) --profile-folder \(shellWord($0))"
                })
        }
        try requireUnconfined(first, place)
        return first
    }

    private static func isUsed(_ folder: String) -> Bool {
        fileNames.allSatisfy { isRegularFile("\(folder)/\($0)") }
    }

    /// The profiles in the first of the program's folders, as the program itself selects it.
    private func listed(_ place: Place) throws -> [String] {
        let candidates = [
            "\(place.home)/\(folders.home)", "\(place.configuration)/\(folders.configuration)",
        ]
        guard let folder = candidates.first(where: { isFolder($0) }) else { return [] }
        var text = ""
        for name in ["profiles.ini", "installs.ini"] where try isPresent("\(folder)/\(name)") {
            text += try readFile("\(folder)/\(name)").text + "\n"
        }
        var paths: [String] = []
        for path in Self.paths(inText: text, folder: folder).map(absolutePath)
        where !paths.contains(path) {
            paths.append(path)
        }
        return paths
    }

    /// The profiles in the text of profiles.ini and installs.ini, those that an installation starts first.
    static func paths(inText text: String, folder: String) -> [String] {
        var profiles: [String] = []
        var started: [String] = []
        var section = ""
        var path: String?
        var isRelative = true
        func absolute(_ path: String, _ isRelative: Bool) -> String {
            isRelative && !path.hasPrefix("/") ? "\(folder)/\(path)" : path
        }
        func endSection() {
            if section.hasPrefix("Profile"), let path {
                profiles.append(absolute(path, isRelative))
            }
            path = nil
            isRelative = true
        }
        for line in text.split(whereSeparator: \.isNewline) {
            if line.hasPrefix("["), line.hasSuffix("]") {
                endSection()
                section = String(line.dropFirst().dropLast())
                continue
            }
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { continue }
            let value = String(parts[1])
            switch String(parts[0]) {
            case "Path": path = value
            case "IsRelative": isRelative = value != "0"
            // In a section of a profile, this is a number, which only older versions use.
            case "Default" where !section.hasPrefix("Profile"):
                started.append(absolute(value, true))
            default: continue
            }
        }
        endSection()
        return profiles.filter { started.contains($0) }
            + profiles.filter { !started.contains($0) }
    }

    // MARK: Snaps and flatpaks

    private func requireUnconfined(_ folder: String, _ place: Place) throws {
        let home = absolutePath(place.home)
        guard confined.contains(where: { "\(folder)/".hasPrefix("\(home)/\($0)") }) else { return }
        throw confinement(folder)
    }

    private func noProfile(_ place: Place) -> ConsumerError {
        for name in confined where isFolder("\(place.home)/\(name)") {
            return confinement("\(place.home)/\(name)")
        }
        return ConsumerError(
            .placeUnknown, "\(program) has no profile yet",
            advice: ["start it once and quit it: \(program)"])
    }

    private func confinement(_ folder: String) -> ConsumerError {
        ConsumerError(
            .placeUnknown,
            "refusing to set up \(folder): \(program) as a snap or a flatpak cannot load the PKCS#11 "
                + "modules of the system",
            advice: ["install \(program) from a Debian package, and start it once"])
    }
}
