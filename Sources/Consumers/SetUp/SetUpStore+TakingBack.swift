internal import TokencertPlatform

extension SetUpStore {
    /// What became of a file.
    package enum Undone: Sendable, Hashable {
        /// It is byte for byte as before the first set-up.
        case asBefore(path: String)
        /// The file was removed; there was none before.
        case removed(path: String)
        /// Only the block was removed; the rest was changed in the meantime and stays.
        case blockRemoved(path: String)
        /// It was changed by someone else and was left as it is. The backup of its content before the first
        /// set-up is kept; nil if there was no file.
        case left(path: String, backup: String?)
        /// It is tokencert's own and unchanged, but another file that stays names it.
        case needed(path: String, by: String)
    }

    /// Takes a set-up back, and removes its record and its backups.
    ///
    /// - Throws: ``ConsumerError`` with code ``ConsumerError/Code/notSetUp`` if there is none.
    package func undo(_ consumer: any Consumer) throws -> [Undone] {
        let name = consumer.name
        let notSetUp = ConsumerError(
            .notSetUp, "\(name) is not set up",
            advice: ["to see what is set up: tokencert use"])
        guard isFolder(folder) else { throw notSetUp }
        let lock = try FolderLock(parentFolder(folder))
        defer { withExtendedLifetime(lock) {} }
        guard var record = try record(name) else { throw notSetUp }
        try consumer.requireIdle(record.files.map(\.path))
        for file in record.files { try requireReturnable(file, of: record) }
        // Files that an interrupted undo has removed do not prevent the next one.
        record.isComplete = nil
        try write(record)
        let undone = try takeBack(record.files, name)
        try removeFile(recordPath(name))
        for file in try names(inFolder: folder)
        where file.hasPrefix(name + "-") && file.hasSuffix(".backup") {
            try removeFile("\(folder)/\(file)")
        }
        removeFolderIfEmpty(folder)
        removeFolders(record)
        return undone
    }

    /// Checks that a file can be taken back without losing its backup or lines of the user.
    ///
    /// - Throws: ``ConsumerError`` with code ``ConsumerError/Code/fileInTheWay``.
    func requireReturnable(_ file: SetUpRecord.File, of record: SetUpRecord) throws {
        guard let current = try content(file.path) else {
            // Its disk may not be mounted, or its folder may have another name. A file with a block is the
            // user's, also if tokencert has created it; an interrupted set-up may not have done so.
            let isOfUser = file.original != nil || (file.isBlock && record.isComplete == true)
            guard isOfUser else { return }
            throw ConsumerError(
                .fileInTheWay,
                "\(file.path) does not exist, so the set-up cannot be undone",
                advice: [
                    "restore it, then run the command again",
                    "or, if you have removed it, create an empty file: "
                        + (isFolder(parentFolder(file.path))
                            ? "" : "mkdir -p \(shellWord(parentFolder(file.path))) && ")
                        + "touch \(shellWord(file.path))",
                ])
        }
        let present = hash(current)
        guard let lines = file.lines, file.original != present, !file.written.contains(present)
        else { return }
        try requireNoForeignLines(
            MarkedBlock(consumer: record.consumer), file.path, current, lines)
    }

    /// Checks that a block has only lines of tokencert, since it is replaced or removed as a whole.
    func requireNoForeignLines(
        _ block: MarkedBlock, _ path: String, _ content: [UInt8], _ own: [[String]]
    ) throws {
        let foreign = block.foreignLines(in: content, own)
        guard !foreign.isEmpty else { return }
        throw ConsumerError(
            .fileInTheWay,
            "\(path) has lines between the marks of tokencert that tokencert did not write",
            advice: foreign.prefix(3).map { line in
                let text = line.drop { $0 == " " || $0 == "\t" }
                return "move this line out of the marks: \(text)"
            })
    }

    /// Takes files back, except for those of tokencert's own that a file that stays names: without them,
    /// a program would reject that file.
    func takeBack(_ files: [SetUpRecord.File], _ consumer: String) throws -> [Undone] {
        let needed = try neededFiles(files, consumer)
        return try files.map { file in
            if let other = needed[file.path] { return .needed(path: file.path, by: other) }
            return try takeBack(file, consumer)
        }
    }

    /// By the path of each file of tokencert's own that stays for another file, the path of that file.
    private func neededFiles(
        _ files: [SetUpRecord.File], _ consumer: String
    ) throws -> [String: String] {
        var removable: [(path: String, text: String)] = []
        var staying: [(path: String, text: String, isOwn: Bool)] = []
        for file in files where file.isBlock || file.original == nil {
            guard let current = try content(file.path) else { continue }
            let block = MarkedBlock(consumer: consumer)
            let rest = file.isBlock ? block.removed(from: current, file.lines ?? []) : nil
            let text = (rest ?? current).text
            if !file.isBlock, file.written.contains(hash(current)) {
                removable.append((path: file.path, text: text))
            } else {
                staying.append((path: file.path, text: text, isOwn: !file.isBlock))
            }
        }
        var needed: [String: String] = [:]
        while let file = staying.popLast() {
            for other in removable where needed[other.path] == nil {
                // A program of tokencert's own names its files without their folder.
                let name = other.path.dropFirst(parentFolder(other.path).count + 1)
                guard file.text.contains(file.isOwn ? String(name) : other.path) else { continue }
                needed[other.path] = file.path
                staying.append((path: other.path, text: other.text, isOwn: true))
            }
        }
        return needed
    }

    private func takeBack(_ file: SetUpRecord.File, _ consumer: String) throws -> Undone {
        guard let current = try content(file.path) else {
            // It was removed, or never written.
            return .removed(path: file.path)
        }
        if file.original == hash(current) { return .asBefore(path: file.path) }
        if file.written.contains(hash(current)), let original = try usableBackup(file) {
            guard let original else {
                try removeFile(file.path)
                return .removed(path: file.path)
            }
            try replaceFileDurably(original, file.path)
            return .asBefore(path: file.path)
        }
        let block = MarkedBlock(consumer: consumer)
        guard file.isBlock, let rest = block.removed(from: current, file.lines ?? []) else {
            return .left(path: file.path, backup: try keptBackup(file))
        }
        try keepUnknownLines(of: file, current, consumer)
        try replaceFileDurably(rest, file.path)
        return .blockRemoved(path: file.path)
    }

    /// A copy of a backup that a later set-up does not remove, since it is the only one of the old content.
    private func keptBackup(_ file: SetUpRecord.File) throws -> String? {
        guard let name = file.backup, let bytes = try content("\(folder)/\(name)") else {
            return nil
        }
        let path = "\(folder)/kept-\(name)"
        try writeFileDurably(bytes, path, permissions: 0o600)
        return path
    }

    /// Keeps a copy of a file before its block is removed or replaced if the record does not say which
    /// lines are tokencert's own.
    func keepUnknownLines(
        of file: SetUpRecord.File, _ content: [UInt8], _ consumer: String
    ) throws {
        guard file.isBlock, file.lines == nil, !file.written.contains(hash(content)) else { return }
        try makeFolder(folder)
        try writeFileDurably(
            content, "\(folder)/kept-\(consumer)-\(hash(content).prefix(16)).backup",
            permissions: 0o600)
    }

    /// The content before the first set-up; nil if there was no file.
    ///
    /// - Throws: ``ConsumerError`` if the backup is not what was saved.
    func backup(_ file: SetUpRecord.File) throws -> [UInt8]? {
        guard let name = file.backup else { return nil }
        let path = "\(folder)/\(name)"
        if let bytes = try content(path), hash(bytes) == file.original { return bytes }
        throw ConsumerError(
            .fileInTheWay, "the backup of \(file.path) is missing or was changed: \(path)",
            advice: [
                "restore the backup, then run the command again",
                "or keep \(file.path) as it is, and forget the set-up: rm "
                    + shellWord(recordPath(String(name.prefix { $0 != "-" }))),
            ])
    }

    /// The same; nil if the backup of a block is damaged, because the marks also show what to
    /// remove.
    func usableBackup(_ file: SetUpRecord.File) throws -> [UInt8]?? {
        do {
            return .some(try backup(file))
        } catch {
            if file.isBlock { return .none }
            throw error
        }
    }

}
