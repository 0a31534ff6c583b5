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

    private func recordPath(_ consumer: String) -> String { "\(folder)/\(consumer).json" }

    /// The record of a consumer, or nil.
    ///
    /// - Throws: `FileError`, or ``ConsumerError`` if it cannot be understood.
    package func record(_ consumer: String) throws -> SetUpRecord? {
        let path = recordPath(consumer)
        guard try isPresent(path) else { return nil }
        let bytes = try readFile(path)
        do {
            return try SetUpRecord(json: bytes)
        } catch {
            throw ConsumerError(
                .fileInTheWay, "the record of the set-up cannot be read: \(path)",
                advice: [
                    "remove the lines between the marks \">>> tokencert use\" by hand, then rm \(shellWord(path))"
                ])
        }
    }

    /// How a file changes.
    package struct Change: Sendable {
        package let file: SetUpFile
        /// The content before the first set-up; nil if there was no file.
        let original: [UInt8]?
        /// The present content; nil if there is no file.
        package let current: [UInt8]?
        package let new: [UInt8]
        /// What the previous set-up wrote.
        let written: [String]
        /// Whether another program has changed a database since the previous set-up.
        let hasForeignChanges: Bool
        package var isMade: Bool { current == new }
    }

    // MARK: Writing

    /// What ``write(_:_:_:)`` would change; nothing is written.
    ///
    /// - Throws: ``ConsumerError`` with code ``ConsumerError/Code/fileInTheWay`` if a file of the user
    ///   would be overwritten.
    package func changes(_ setUp: SetUp, of consumer: String) throws -> [Change] {
        let old = try record(consumer)
        return try setUp.files.map { file in
            let current = try isPresent(file.path) ? try readFile(file.path) : nil
            let known = old?.files.first { $0.path == file.path }
            let original = try original(file, current, known, consumer)
            let new: [UInt8] =
                switch file.content {
                case .own(let bytes), .changed(let bytes): bytes
                case .block(let lines, let position):
                    MarkedBlock(consumer: consumer)
                        .added(lines, to: original ?? [], at: position)
                }
            return Change(
                file: file, original: original, current: current, new: new,
                written: known?.written ?? [],
                hasForeignChanges: hasForeignChanges(file, current, known))
        }
    }

    /// The content of a file without what tokencert has written.
    private func original(
        _ file: SetUpFile, _ current: [UInt8]?, _ known: SetUpRecord.File?, _ consumer: String
    ) throws -> [UInt8]? {
        guard let current else { return nil }
        if let known, known.written.contains(hash(current)) { return try backup(known) }
        switch file.content {
        case .changed:
            // Another program has changed it since. The content before the first set-up stays known.
            if let known, known.original != hash(current) { return try backup(known) }
            return current
        case .block:
            let block = MarkedBlock(consumer: consumer)
            guard block.isMarked(current) else { return current }
            if let rest = block.removed(from: current) { return rest }
            throw ConsumerError(
                .fileInTheWay,
                "\(file.path) has marks of tokencert that do not belong together",
                advice: [
                    "remove the lines from \">>> tokencert use \(consumer)\" to "
                        + "\"<<< tokencert use \(consumer)\" by hand"
                ])
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

    /// Writes a set-up. What the previous set-up wrote and this one does not is taken back.
    ///
    /// - Throws: ``ConsumerError`` or `FileError`; files that were written so far are in the record.
    package func write(
        _ changes: [Change], of consumer: any Consumer, _ used: UsedCertificate, _ place: Place
    ) throws {
        try makeFolder(folder)
        let old = try record(consumer.name)
        let paths = Set(changes.map(\.file.path))
        let dropped = old?.files.filter { !paths.contains($0.path) } ?? []
        try consumer.requireIdle(dropped.map(\.path))
        var files: [SetUpRecord.File] = []
        for (index, change) in changes.enumerated() {
            var backup: String?
            if let original = change.original {
                let name = "\(consumer.name)-\(index)-\(hash(original).prefix(16)).backup"
                backup = name
                if !exists("\(folder)/\(name)") {
                    try writeFileDurably(original, "\(folder)/\(name)", permissions: 0o600)
                }
            }
            let isBlock = if case .block = change.file.content { true } else { false }
            // What the file has now is known until it is replaced, also after several interruptions.
            let present = change.current.map(hash)
            var written =
                [hash(change.new)]
                + change.written.filter { $0 == present && $0 != hash(change.new) }
            // A database that another program has changed is never replaced by the backup, which lacks its
            // changes.
            if change.hasForeignChanges { written = change.written }
            files.append(
                SetUpRecord.File(
                    path: change.file.path, original: change.original.map(hash), backup: backup,
                    written: written, isBlock: isBlock))
        }
        var record = SetUpRecord(
            consumer: consumer.name, modulePath: used.modulePath, token: used.tokenURI,
            keyID: hexadecimal(used.keyID),
            fingerprint: hexadecimal(used.certificate.sha256Fingerprint), place: place,
            files: files + dropped)
        try write(record)
        for change in changes where !change.isMade {
            try makeFolder(parentFolder(change.file.path))
            let permissions =
                change.current == nil
                ? change.file.permissions : try filePermissions(change.file.path)
            try writeFileDurably(change.new, change.file.path, permissions: permissions)
        }
        guard !dropped.isEmpty else { return }
        for file in dropped { _ = try takeBack(file, consumer.name) }
        record.files = files
        try write(record)
    }

    private func write(_ record: SetUpRecord) throws {
        try writeFileDurably(
            try record.json(), recordPath(record.consumer), permissions: 0o600)
    }

    // MARK: Taking back

    /// What became of a file.
    package enum Undone: Sendable, Hashable {
        /// It is byte for byte as before the first set-up.
        case asBefore(path: String)
        /// The file was removed; there was none before.
        case removed(path: String)
        /// Only the block was removed; the rest was changed in the meantime and stays.
        case blockRemoved(path: String)
        /// It was changed by someone else and was left as it is.
        case left(path: String)
    }

    /// Takes a set-up back, and removes its record and its backups.
    ///
    /// - Throws: ``ConsumerError`` with code ``ConsumerError/Code/notSetUp`` if there is none.
    package func undo(_ consumer: any Consumer) throws -> [Undone] {
        let name = consumer.name
        guard let record = try record(name) else {
            throw ConsumerError(
                .notSetUp, "\(name) is not set up",
                advice: ["to see what is set up: tokencert use"])
        }
        try consumer.requireIdle(record.files.map(\.path))
        let undone = try record.files.map { try takeBack($0, name) }
        try removeFile(recordPath(name))
        for file in try names(inFolder: folder)
        where file.hasPrefix(name + "-") && file.hasSuffix(".backup") {
            try removeFile("\(folder)/\(file)")
        }
        removeFolderIfEmpty(folder)
        removeFolderIfEmpty(record.place.own)
        return undone
    }

    private func takeBack(_ file: SetUpRecord.File, _ consumer: String) throws -> Undone {
        guard try isPresent(file.path) else {
            // It was removed, or never written.
            return .removed(path: file.path)
        }
        let current = try readFile(file.path)
        if file.original == hash(current) { return .asBefore(path: file.path) }
        if file.written.contains(hash(current)) {
            guard let original = try backup(file) else {
                try removeFile(file.path)
                removeFolderIfEmpty(parentFolder(file.path))
                return .removed(path: file.path)
            }
            try writeFileDurably(
                original, file.path, permissions: try filePermissions(file.path))
            return .asBefore(path: file.path)
        }
        guard file.isBlock, let rest = MarkedBlock(consumer: consumer).removed(from: current) else {
            return .left(path: file.path)
        }
        try writeFileDurably(rest, file.path, permissions: try filePermissions(file.path))
        return .blockRemoved(path: file.path)
    }

    private func backup(_ file: SetUpRecord.File) throws -> [UInt8]? {
        guard let name = file.backup else { return nil }
        return try readFile("\(folder)/\(name)")
    }

    private func hash(_ bytes: [UInt8]) -> String { hexadecimal(Digest.sha256.hash(bytes)) }
}
