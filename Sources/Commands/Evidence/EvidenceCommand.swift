internal import ArgumentParser
internal import Cryptoki
internal import OpenSSLX509
internal import TokencertIssuance
internal import TokencertLedger
internal import TokencertPlatform
internal import TokencertTokens

struct EvidenceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evidence", abstract: "Export evidence about a key on a token.",
        discussion: """
            Writes a folder that a third party can check without the token and without tokencert. \
            It contains what the token states about the key, a statement signed by the key, its \
            certificate and issuers, its request, its orders from the ledger, and a README that \
            explains how to check all this and what it does not prove.

            For example:

              tokencert evidence mail --out evidence --nonce 4711
            """)

    @Argument(
        help: ArgumentHelp("Label, id or URI of the key.", valueName: "key"),
        completion: .live(.keys))
    var key: String

    @Option(help: ArgumentHelp("Folder to create; it must not exist.", valueName: "folder"))
    var out: String

    @Option(
        help: ArgumentHelp(
            "Text to include in the signed statement. If the verifier chose it, it proves that the "
                + "evidence is new.", valueName: "text"))
    var nonce: String?

    @Flag(help: "Leave out the orders from the ledger, which contain the account's address.")
    var withoutLedger = false

    @OptionGroup(title: "Token and PINs") var tokenOptions: TokenOptions
    @OptionGroup(title: "General") var ledgerOptions: LedgerOptions
    @OptionGroup(title: "General") var output: CommonOptions

    func validate() throws {
        // Escaped, two nonces could give the same line of the statement.
        guard let nonce, printable(nonce) != nonce else { return }
        throw ValidationError("--nonce has control characters or others that cannot be shown")
    }

    func run() throws {
        try prepareProcess(output)
        let name = try ObjectName(key)
        try requireNewFolder()
        let capabilities = try findToken(tokenOptions, name.uri)
        let uri = try name.keyURI(on: capabilities)
        let plan = try PINPlan(
            capabilities, for: .evidence, allowingLastTry: tokenOptions.allowsLastTry)
        let anchors = usableAnchors()
        let (evidence, certificates, authorities) = try withPINs(plan, tokenOptions, name.uri) {
            pins in
            tellProgress(.evidence)
            let evidence = try readEvidence(of: uri, name.possibleID, capabilities, pins)
            let inventory = try capabilities.inventory(keepingCertificates: { _ in true })
            return (
                evidence,
                inventory.entries.compactMap(\.certificate).filter {
                    $0.publicKey == evidence.key.publicKey
                }.sorted { $0.notAfter > $1.notAfter }, inventory.authorities
            )
        }
        let orders = try withoutLedger ? [] : orders(of: evidence.key)
        // Intermediate certificates are on the token, or came with the certificate.
        let came = orders.compactMap(\.certified?.others).flatMap {
            Certificate.all(inPEM: Array($0.utf8)).certificates
        }
        let known = authorities + came + (anchors?.certificates ?? [])
        let bundle = EvidenceBundle(
            evidence: evidence, token: capabilities.token, certificates: certificates,
            issuers: certificates.first?.issuers(among: known, upTo: anchors) ?? [],
            orders: orders)
        let files = try bundle.files(madeAt: timestamp(now()), withoutLedger: withoutLedger)
        try write(files)
        if output.isJSON {
            try printJSON(
                Report(
                    folder: absolutePath(out), key: evidence.key.uri,
                    sha256: bundle.publicKeyHash, files: files.map(\.name)))
        } else {
            print("The evidence is in \(printable(out)). Its README.txt explains how to check it.")
        }
    }

    private func requireNewFolder() throws {
        let isTaken: Bool
        do throws(FileError) {
            isTaken = try isPresent(out)
            if !isTaken { try requireWritableFile(out) }
        } catch {
            throw Failure(
                .configuration, code: "fileNotWritten", "\(error)",
                hints: advice(error) + ["set --out to a new folder inside an existing one"])
        }
        guard !isTaken else {
            throw Failure(
                .cannotCreate, code: "folderIsThere", "\(out) already exists",
                hints: ["set --out to a folder that does not exist yet"])
        }
    }

    /// The text that the key signs. Time, random value and nonce show that it is new.
    private func statement(_ key: PublicKey, _ token: Token) -> String {
        let random = (0..<16).map { _ in UInt8.random(in: 0...255) }
        let hash = hexadecimal(Digest.sha256.hash(key.subjectPublicKeyInfo))
        let lines = [
            "tokencert evidence",
            "key, SHA-256 of its SubjectPublicKeyInfo: \(hash)",
            "token: \(printable(token.info.label)), \(printable(token.info.model)), serial "
                + printable(token.info.serialNumber),
            "time: \(timestamp(now()))", "random: \(hexadecimal(random))",
            "nonce: \(nonce ?? "none")",
        ]
        return lines.joined(separator: "\n") + "\n"
    }

    /// Reads the key's attributes and has it sign the statement. The user is logged out afterwards.
    private func readEvidence(
        of uri: PKCS11URI, _ possibleID: [UInt8]?, _ capabilities: TokenCapabilities,
        _ pins: TokenPINs
    ) throws -> KeyEvidence {
        var connection = try Connection(capabilities, pins)
        connection.possibleKeyID = possibleID
        return try KeyEvidence(of: uri, over: &connection) { statement($0, capabilities.token) }
    }

    private func orders(of key: TokenKey) throws -> [Order] {
        guard ledgerOptions.isFileThere else {
            if ledgerOptions.ledger != nil { ledgerOptions.noteAbsence() }
            return []
        }
        let hash = hexadecimal(key.publicKey.sha256Fingerprint)
        return try ledgerOptions.open().orders(forKeys: [hash])
    }

    private func write(_ files: [EvidenceBundle.File]) throws {
        do throws(FileError) {
            try makeFolder(out)
            for file in files {
                try writeFileDurably(file.bytes, "\(out)/\(file.name)", permissions: 0o644)
            }
        } catch {
            throw Failure(
                .configuration, code: "fileNotWritten", "\(error)",
                hints: ["nothing on the token was changed; remove \(out) and try again"])
        }
    }

    private struct Report: Encodable {
        let folder: String
        let key: String
        let sha256: String
        let files: [String]
    }
}
