internal import Cryptoki
internal import TokencertCAcert
internal import TokencertIssuance
internal import TokencertPlatform

/// A file that a command reads or maintains, and that `--out` must not replace.
struct FileInUse {
    /// What errors call it.
    let name: String
    let path: String
}

/// All files that a command with these options reads or maintains. The URI may name a file with the
/// PIN, and a module.
func filesInUse(
    _ uri: PKCS11URI?, _ token: TokenOptions, _ ca: CAOptions?, _ ledger: LedgerOptions
) -> [FileInUse] {
    var files: [FileInUse] = []
    for path in [ledger.path, absolutePath(ledger.path)] {
        files += ["", "-wal", "-shm", "-journal", ".lock"].map {
            FileInUse(name: "the ledger", path: path + $0)
        }
    }
    files.append(FileInUse(name: "the configuration", path: ConfigurationFile.current.path))
    files += [RefusedPINs.file, RefusedPINs.file + ".lock"].map {
        FileInUse(name: "the list of refused PINs", path: $0)
    }
    files += ((try? trustStore.files()) ?? []).map { FileInUse(name: "the trust anchor", path: $0) }
    if let file = setting(ca?.caFile, .caFile) {
        files.append(FileInUse(name: "the file of trust anchors", path: file))
    }
    // An error in one of these options is reported when the option is used.
    let sources = [
        try? token.source(uri), try? token.securityOfficerSource(), try? ca?.source(),
    ]
    for case .file(let file)? in sources {
        files.append(FileInUse(name: "the file of a PIN or password", path: file))
    }
    if case .file(let file, arguments: _)? = try? ModuleChoice(token, uri) {
        files.append(FileInUse(name: "the module", path: file))
    }
    return files
}

/// Checks, before anything else is done, that the file of `--out` can be written and that writing
/// it destroys no other data.
func requireWritable(_ file: String?, keeping filesInUse: [FileInUse]) throws {
    guard let file else { return }
    guard file != "-" else {
        throw Failure(
            .usage, "--out - does not name a file",
            hints: [
                "to write to a file with this name: --out ./-",
                "to write to standard output: --out /dev/stdout",
            ])
    }
    let replaced: String?
    do {
        replaced = try replacedFile(file)
        if let replaced { try requireNotInUse(replaced, filesInUse) }
        try requireWritableFile(file)
    } catch let error as FileError {
        throw notWritten(file, error)
    }
    guard let replaced, exists(replaced), !isReplaceable(replaced) else { return }
    throw Failure(
        .cannotCreate, code: "fileIsThere",
        "\(file) contains other data, so it is not overwritten",
        hints: ["name another file", "or move this one away: mv \(quoted(file)) NEWNAME"])
}

private func notWritten(_ file: String, _ error: FileError) -> Failure {
    // The error may name the file already, or only its folder.
    let reason = "\(error)"
    return Failure(
        .configuration, code: "fileNotWritten",
        reason.contains(file) ? reason : "cannot write \(file): \(reason)",
        hints: advice(error) + ["name a file in a folder to which you can write"])
}

private func requireNotInUse(_ file: String, _ filesInUse: [FileInUse]) throws {
    let identity = fileIdentity(file)
    guard let found = filesInUse.first(where: { fileIdentity($0.path) == identity }) else { return }
    throw Failure(
        .usage, code: "fileInUse", "--out would overwrite \(found.name) \(found.path)",
        hints: ["name another file"])
}

/// Whether a file is empty or contains only what `--out` writes: certificates or requests in PEM. A private
/// key may follow a certificate.
private func isReplaceable(_ file: String) -> Bool {
    let most = 1 << 20
    guard let bytes = try? readHead(file, count: most), bytes.count < most else { return false }
    var lines = String(decoding: bytes, as: UTF8.self)[...]
    if lines.first == "\u{FEFF}" { lines.removeFirst() }
    var hasBlock = false
    var label: String?
    for line in lines.split(whereSeparator: \.isNewline).map(trimmed) where !line.isEmpty {
        if let open = label {
            if line == "-----END \(open)-----" {
                label = nil
            } else if !line.allSatisfy({ $0.isLetter || $0.isNumber || "+/=".contains($0) }) {
                return false
            }
        } else {
            label = ["CERTIFICATE", "CERTIFICATE REQUEST"].first { line == "-----BEGIN \($0)-----" }
            if label == nil { return false }
            hasBlock = true
        }
    }
    return bytes.isEmpty || hasBlock
}

/// Writes a text to a file atomically. If that fails, the error contains the text, since it may be
/// impossible to get again.
func writeFile(_ text: String, _ file: String, hints: [String]) throws {
    do throws(FileError) {
        try writeFileDurably(Array(text.utf8), file, permissions: 0o644)
    } catch {
        throw Failure(
            .configuration, code: "fileNotWritten",
            "the text below was not written to a file: \(error)",
            hints: hints + advice(error),
            attachment: text.split(separator: "\n").map(String.init))
    }
}
