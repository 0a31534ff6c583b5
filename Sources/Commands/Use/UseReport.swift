internal import TokencertConsumers

/// The output of `use CONSUMER`.
struct UseReport: Encodable {
    struct File: Encodable {
        let path: String
        /// Whether it is already as it would be written.
        let isWritten: Bool
        /// The whole content, or only the block of tokencert; nil if it is not text.
        let content: String?
        /// Whether the content is added to a file of the user.
        let isBlock: Bool
    }

    let consumer: String
    let certificate: CertificateReport
    let files: [File]
    let commands: [String]
    private(set) var notes: [String]
    /// Whether this run has written the files.
    var isWritten = false
    /// What `--check` has proved; nil if it was not tried.
    var proofs: [String]?
    /// The files of an earlier place or certificate that were taken back; nil if there were none.
    var takenBack: [UndoReport.File]?

    init(
        _ consumer: any Consumer, _ used: UsedCertificate, _ setUp: SetUp,
        _ changes: [SetUpStore.Change]
    ) {
        self.consumer = consumer.name
        certificate = CertificateReport(
            used.certificate, uri: used.certificateURI, label: used.key.certificateLabel, now())
        commands = setUp.commands
        notes = setUp.notes
        files = changes.map { change in
            let content: String? =
                switch change.file.content {
                case .own(let bytes): String(validating: bytes, as: UTF8.self)
                case .block(let lines, _): lines.joined(separator: "\n") + "\n"
                case .changed: nil
                }
            let isBlock = if case .block = change.file.content { true } else { false }
            return File(
                path: change.file.path, isWritten: change.isMade, content: content,
                isBlock: isBlock)
        }
    }

    /// Adds a problem that does not prevent the set-up as the first note.
    mutating func warn(_ error: ConsumerError) {
        let message = error.message.prefix(1).uppercased() + error.message.dropFirst()
        notes.insert(([message] + error.advice).joined(separator: "; "), at: 0)
    }

    /// - Parameter command: The command that writes what is shown.
    func show(_ output: CommonOptions, writing command: String) throws {
        if output.isJSON { return try printJSON(self) }
        let style = try output.style()
        if let proofs {
            for proof in proofs { print(style.strong("Proved: ") + printable(proof)) }
            if !isWritten { return }
        }
        for file in files { show(file, style) }
        for file in takenBack ?? [] where file.isLeft { print(file.line) }
        if !commands.isEmpty {
            print("")
            print(style.strong("To use it:"))
            for command in commands { print("  " + printable(command)) }
        }
        if !notes.isEmpty { print("") }
        for note in notes {
            for line in Self.folded(note, width: Output.standardOutput.width) { print(line) }
        }
        guard !isWritten || proofs == nil else { return }
        print("")
        let next =
            isWritten
            ? "To try it: tokencert use \(consumer) --check"
            : "To write this: " + printable(command)
        for line in foldedMessage(next, at: 2, width: Output.standardOutput.width) { print(line) }
    }

    private func show(_ file: File, _ style: Style) {
        if isWritten {
            return print(
                "\(file.isWritten ? "already written" : "written"): \(printable(file.path))")
        }
        let action =
            file.isWritten
            ? "Already in"
            : file.isBlock ? "Add to" : file.content == nil ? "Change" : "Write"
        print(style.strong("\(action) \(printable(file.path))" + (file.content == nil ? "" : ":")))
        for line in Self.shortened(file.content ?? "") { print("  " + printable(line)) }
    }
}

extension UseReport {
    /// A note in lines. A text to copy, such as a command or a public key, stays in one line.
    static func folded(_ note: String, width: Int?) -> [String] {
        let mark = note.hasSuffix(".") ? nil : ": "
        let lines = foldedMessage(printable(note), at: 2, width: width, before: mark)
        return ["- " + (lines.first ?? "")] + lines.dropFirst()
    }

    /// The lines of a text, without the base64 lines of certificates, and with blanks for tabs.
    static func shortened(_ text: String) -> [String] {
        var lines: [String] = []
        var isInside = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            if line.hasPrefix("-----END ") { isInside = false }
            if !isInside { lines.append(String(line).replacing("\t", with: "    ")) }
            if line.hasPrefix("-----BEGIN ") {
                isInside = true
                lines.append("...")
            }
        }
        return lines
    }
}

/// The output of `use CONSUMER --undo`.
struct UndoReport: Encodable {
    struct File: Encodable {
        let path: String
        let result: String
        /// The kept content before the first set-up of a file that was left.
        var backup: String?
        /// The file that names a file that was left for it.
        var namedBy: String?
    }

    let consumer: String
    let files: [File]

    init(_ consumer: String, _ undone: [SetUpStore.Undone]) {
        self.consumer = consumer
        files = undone.map { undone in
            switch undone {
            case .asBefore(let path): File(path: path, result: "asBefore")
            case .removed(let path): File(path: path, result: "removed")
            case .blockRemoved(let path): File(path: path, result: "blockRemoved")
            case .left(let path, let backup): File(path: path, result: "left", backup: backup)
            case .needed(let path, let other): File(path: path, result: "left", namedBy: other)
            }
        }
    }
}

extension UndoReport.File {
    var isLeft: Bool { result == "left" }

    var line: String {
        let path = printable(path)
        return switch result {
        case "asBefore": "as before: \(path)"
        case "removed": "removed: \(path)"
        case "blockRemoved": "tokencert's lines removed; other changes kept: \(path)"
        default:
            namedBy.map { "left, since \(printable($0)) names it: \(path)" }
                ?? "left as it is, since it was changed after tokencert wrote it: \(path)"
                + (backup.map { " (before the set-up: \(printable($0)))" } ?? "")
        }
    }
}

/// What `use --all-present` did with one consumer.
struct RenewedSetUp: Encodable {
    enum State: String, Encodable {
        case unchanged, written, absent, failed
    }

    let consumer: String
    let state: State
    var error: FailureReport?

    var line: String {
        switch state {
        case .unchanged: "\(consumer): already uses the current certificate"
        case .written: "\(consumer): now uses the current certificate"
        case .absent: "\(consumer): the token is not present; nothing was changed"
        case .failed: "\(consumer): \(error?.message ?? "failed")"
        }
    }
}
