internal import OpenSSLX509
internal import TokencertPlatform

/// The set-ups of all consumers, in a folder with a record and the backups for each.
///
/// Backups and the record are on the disk before the first file of the user is changed, so that a set-up
/// that is interrupted at any point can be taken back or written again.
package struct SetUpStore: Sendable {
    /// The folder, an absolute path.
    let folder: String

    package init(folder: String) {
        self.folder = folder
    }

    func recordPath(_ consumer: String) -> String { "\(folder)/\(consumer).json" }

    /// The record of a consumer, or nil. Throws also if a later version of tokencert wrote it.
    package func record(_ consumer: String) throws -> SetUpRecord? {
        let path = recordPath(consumer)
        guard try isPresent(path) else { return nil }
        let bytes = try content(path) ?? []
        guard !SetUpRecord.isOfLaterVersion(json: bytes) else {
            throw ConsumerError(
                .fileInTheWay,
                "a later version of tokencert wrote the record of the set-up of \(consumer): \(path)",
                advice: ["use that version of tokencert, or a newer one"])
        }
        if let record = try? SetUpRecord(json: bytes), record.isValid(for: consumer) {
            return record
        }
        throw ConsumerError(
            .fileInTheWay, "the record of the set-up cannot be read: \(path)",
            advice: [
                "remove the lines between the marks \">>> tokencert use\" by hand, then rm \(shellWord(path))"
            ])
    }

    /// The content of a file; nil if it does not exist.
    ///
    /// - Throws: ``ConsumerError`` for a folder, a pipe, a device or a dangling link.
    func content(_ path: String) throws -> [UInt8]? {
        guard try isPresent(path) else { return nil }
        guard isRegularFile(path) else {
            throw ConsumerError(
                .fileInTheWay,
                "refusing to use \(path), which is neither a regular file nor a link to one",
                advice: ["move it away: mv \(shellWord(path)) \(shellWord(path + ".old"))"])
        }
        return try readFile(path, limit: 1 << 28)
    }

    /// How a file changes.
    package struct Change: Sendable {
        package let file: SetUpFile
        /// The content before the first set-up; nil if there was no file.
        let original: [UInt8]?
        /// The present content; nil if there is no file.
        package let current: [UInt8]?
        package let new: [UInt8]
        /// The file in the record of the previous set-up.
        let known: SetUpRecord.File?
        /// Whether another program has changed a database since the previous set-up.
        let hasForeignChanges: Bool
        package var isMade: Bool { current == new }
    }

    // MARK: Writing

    /// What ``write(_:of:_:_:)`` would change; nothing is written. Throws if a file of the user
    /// would be overwritten, or if another consumer has changed the same database.
    package func changes(_ setUp: SetUp, of consumer: String) throws -> [Change] {
        let old = try record(consumer)
        try requireUnsharedDatabases(setUp.files, consumer)
        return try setUp.files.map { file in
            try requireOneLine(file, consumer)
            let current = try content(file.path)
            let known = old?.files.first { $0.path == file.path }
            let original = try original(file, current, known, consumer)
            return Change(
                file: file, original: original, current: current,
                new: new(file, current, original, consumer), known: known,
                hasForeignChanges: hasForeignChanges(file, current, known))
        }
    }

    private func new(
        _ file: SetUpFile, _ current: [UInt8]?, _ original: [UInt8]?, _ consumer: String
    ) -> [UInt8] {
        switch file.content {
        case .own(let bytes), .changed(let bytes): return bytes
        case .block(let lines, let position):
            let block = MarkedBlock(consumer: consumer)
            if let current, block.isWhole(lines, in: current, at: position) { return current }
            return block.added(lines, to: original ?? [], at: position)
        }
    }

    /// A line end in a path, such as that of the home folder, would break a file of the user.
    private func requireOneLine(_ file: SetUpFile, _ consumer: String) throws {
        var texts = [file.path]
        if case .block(let lines, _) = file.content { texts += lines }
        let isPlain = texts.joined().unicodeScalars.allSatisfy {
            $0 == "\t" || ($0.value >= 0x20 && $0.value != 0x7F)
        }
        guard !isPlain else { return }
        throw ConsumerError(
            .placeUnknown,
            "refusing to write \(file.path): a path or a name has a line end or another control character",
            advice: [
                "use another folder: HOME=FOLDER XDG_DATA_HOME=FOLDER tokencert use \(consumer) --write"
            ])
    }

    /// The content of a file without what tokencert has written.
    private func original(
        _ file: SetUpFile, _ current: [UInt8]?, _ known: SetUpRecord.File?, _ consumer: String
    ) throws -> [UInt8]? {
        guard let current else { return nil }
        if let known, known.written.contains(hash(current)),
            let original = try usableBackup(known)
        {
            return original
        }
        switch file.content {
        case .changed:
            // Another program has changed it since. The content before the first set-up stays known.
            if let known, known.original != hash(current) { return try backup(known) }
            return current
        case .block(let lines, _):
            let block = MarkedBlock(consumer: consumer)
            guard block.isMarked(current) else { return current }
            let own = (known?.lines ?? []) + [lines]
            guard let rest = block.removed(from: current, own) else {
                throw block.brokenMarks(in: file.path)
            }
            // A record without lines is that of an older version, for which the whole block counts.
            if known == nil || known?.lines != nil {
                try requireNoForeignLines(block, file.path, current, own)
            }
            return rest
        case .own(let bytes):
            // The same content, such as after the record was removed.
            if bytes == current { return nil }
            throw ConsumerError(
                .fileInTheWay,
                known == nil
                    ? "refusing to overwrite \(file.path), which tokencert did not write"
                    : "refusing to overwrite \(file.path): it was changed after tokencert wrote it",
                advice: [
                    "move it away: mv \(shellWord(file.path)) \(shellWord(file.path + ".old"))"
                ])
        }
    }

    private func hasForeignChanges(
        _ file: SetUpFile, _ current: [UInt8]?, _ known: SetUpRecord.File?
    ) -> Bool {
        guard case .changed = file.content, let known, let current else { return false }
        return known.original != hash(current) && !known.written.contains(hash(current))
    }

    /// Writes a set-up. What the previous set-up wrote and this one does not is taken back, and
    /// returned. After an error, the record has the files that were written so far.
    @discardableResult
    package func write(
        _ changes: [Change], of consumer: any Consumer, _ used: UsedCertificate, _ place: Place
    ) throws -> [Undone] {
        try makeFolder(parentFolder(folder))
        let lock = try FolderLock(parentFolder(folder))
        defer { withExtendedLifetime(lock) {} }
        let changes = try unchanged(changes, consumer.name)
        let old = try record(consumer.name)
        let paths = Set(changes.map(\.file.path))
        let dropped = old?.files.filter { !paths.contains($0.path) } ?? []
        try consumer.requireIdle(
            dropped.map(\.path) + changes.filter { !$0.isMade }.map(\.file.path))
        try requireWritable(changes, dropping: dropped, of: old)
        try makeFolder(folder)
        // Without a record, no command would ever remove the backups.
        var newBackups: [String] = []
        defer {
            for path in newBackups { try? removeFile(path) }
            if !newBackups.isEmpty { removeFolderIfEmpty(folder) }
        }
        var files: [SetUpRecord.File] = []
        for (index, change) in changes.enumerated() {
            var backup: String?
            if let original = change.original {
                let name = "\(consumer.name)-\(index)-\(hash(original).prefix(16)).backup"
                backup = name
                let path = "\(folder)/\(name)"
                let saved = try content(path)
                if saved != original {
                    try writeFileDurably(original, path, permissions: 0o600)
                    if saved == nil { newBackups.append(path) }
                }
            }
            files.append(recorded(change, backup: backup, consumer.name))
        }
        var record = SetUpRecord(
            consumer: consumer.name, modulePath: used.token.modulePath, token: used.token.uri,
            keyID: hexadecimal(used.key.id),
            fingerprint: hexadecimal(used.certificate.sha256Fingerprint), place: place,
            files: files + dropped)
        record.folders = Array(
            Set((old?.folders ?? []) + changes.flatMap { missingFolders(of: $0.file.path) })
        ).sorted()
        try write(record)
        newBackups = []
        for change in changes where !change.isMade {
            if let current = change.current {
                if let known = change.known {
                    try keepUnknownLines(of: known, current, consumer.name)
                }
                try replaceFileDurably(change.new, change.file.path)
                continue
            }
            try makeFolder(parentFolder(change.file.path))
            try writeFileDurably(
                change.new, change.file.path, permissions: change.file.permissions)
        }
        let undone = try takeBack(dropped, consumer.name)
        if !dropped.isEmpty { removeFolders(record) }
        record.files = files
        record.isComplete = true
        try write(record)
        return undone
    }

    /// Checks that files of the user can be replaced, and that those that are dropped can be taken back.
    /// Otherwise the record and files of tokencert's own would stay behind.
    private func requireWritable(
        _ changes: [Change], dropping dropped: [SetUpRecord.File], of old: SetUpRecord?
    ) throws {
        for file in dropped {
            if let old { try requireReturnable(file, of: old) }
            guard file.original != nil, let current = try content(file.path) else { continue }
            if file.original != hash(current) { try requireWritableFile(file.path) }
        }
        for change in changes where !change.isMade && change.current != nil {
            try requireWritableFile(change.file.path)
        }
    }

    /// What the record says about a file.
    private func recorded(
        _ change: Change, backup: String?, _ consumer: String
    ) -> SetUpRecord.File {
        // What the file has now is known until it is replaced, also after several interruptions.
        let present = change.current.map(hash)
        let before = change.known?.written ?? []
        var written = [hash(change.new)]
        written += before.filter { $0 == present && !written.contains($0) }
        // A database that another program has changed is never replaced by the backup, which lacks its
        // changes.
        if change.hasForeignChanges { written = before }
        var lines: [[String]]?
        if case .block(let new, _) = change.file.content {
            let block = MarkedBlock(consumer: consumer)
            let old = change.current.flatMap {
                block.lines(in: $0, (change.known?.lines ?? []) + [new])
            }
            lines = [new] + (old.map { [$0] } ?? []).filter { $0 != new }
        }
        return SetUpRecord.File(
            path: change.file.path, original: change.original.map(hash), backup: backup,
            written: written, isBlock: lines != nil, lines: lines)
    }

    /// The same changes with the record as it is now.
    ///
    /// - Throws: ``ConsumerError`` if a file has changed since they were planned.
    private func unchanged(_ planned: [Change], _ consumer: String) throws -> [Change] {
        var setUp = SetUp()
        setUp.files = planned.map(\.file)
        let changes = try changes(setUp, of: consumer)
        for (before, now) in zip(planned, changes) where before.current != now.current {
            throw ConsumerError(
                .fileInTheWay, "another program has just changed \(now.file.path)",
                advice: ["run the command again"])
        }
        return changes
    }

    /// The folders that have to be made for a file.
    private func missingFolders(of path: String) -> [String] {
        var folders: [String] = []
        var folder = parentFolder(path)
        while isAbsent(folder), folder != parentFolder(folder) {
            folders.append(folder)
            folder = parentFolder(folder)
        }
        return folders
    }

    /// Removes the folders that tokencert made if nothing is in them.
    func removeFolders(_ record: SetUpRecord) {
        // A folder comes before the folders in it.
        for made in (record.folders ?? []).sorted().reversed() { removeFolderIfEmpty(made) }
    }

    func write(_ record: SetUpRecord) throws {
        try writeFileDurably(
            try record.json(), recordPath(record.consumer), permissions: 0o600)
    }

    func hash(_ bytes: [UInt8]) -> String { hexadecimal(Digest.sha256.hash(bytes)) }
}
