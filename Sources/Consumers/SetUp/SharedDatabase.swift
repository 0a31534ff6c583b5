internal import TokencertPlatform

extension SetUpStore {
    /// Checks that no other consumer has changed a database that a set-up changes, such as that of
    /// a profile of NSS: each would take the changes of the other one for those of the user, so
    /// that no order of undoing would restore the files. Blocks can share a file. Throws also if a
    /// record cannot be read, which may name it.
    func requireUnsharedDatabases(_ files: [SetUpFile], _ consumer: String) throws {
        var databases: Set<String> = []
        for file in files {
            // One file can be named by several paths.
            if case .changed = file.content { databases.insert(absolutePath(file.path)) }
        }
        guard !databases.isEmpty else { return }
        let records = try names(inFolder: folder).filter { $0.hasSuffix(".json") }
        for other in records.map({ String($0.dropLast(".json".count)) }).sorted()
        where other != consumer {
            guard let paths = try record(other)?.files.map(\.path),
                let shared = paths.first(where: { databases.contains(absolutePath($0)) })
            else { continue }
            throw ConsumerError(
                .fileInTheWay,
                "refusing to set up \(consumer) in \(parentFolder(shared)), where \(other) is "
                    + "already set up",
                advice: [
                    "use another profile: tokencert use \(consumer) --profile-folder FOLDER",
                    "or undo the other set-up, then run the command again: tokencert use "
                        + "\(other) --undo",
                ])
        }
    }
}
