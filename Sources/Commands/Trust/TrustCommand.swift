internal import ArgumentParser
internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertHTTP
internal import TokencertPlatform

struct TrustCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trust", abstract: "Manage trusted CAs.",
        discussion: """
            Certificates and the CA's server are verified against these trust anchors, or against \
            those of --ca-file. The trust anchors of the system are never used.
            """,
        subcommands: [
            ListTrustCommand.self, FetchTrustCommand.self, AddTrustCommand.self,
            RemoveTrustCommand.self,
        ], defaultSubcommand: ListTrustCommand.self)
}

struct ListTrustCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show the trust anchors.")

    @OptionGroup(title: "General") var output: CommonOptions

    func run() throws {
        try prepareProcess(output)
        var anchors: [AnchorReport] = []
        var unusable: [UnusableReport] = []
        for file in try trustStore.files() {
            do {
                anchors += try trustStore.readKept(file).map { AnchorReport($0, file: file) }
            } catch {
                unusable.append(UnusableReport(file: file, Failure(error)))
            }
        }
        printNotes(
            trustStore.ignoredFiles.map {
                "\($0) is not used: the name of a trust anchor ends in .pem or .crt"
            })
        if output.isJSON {
            return try printJSON(
                Report(anchors: anchors, unusable: unusable.isEmpty ? nil : unusable))
        }
        noteOtherAnchors()
        for file in unusable {
            printError("warning: \(printable(file.problem))")
            printError("hint: \(printable(file.hint))")
        }
        guard !anchors.isEmpty else {
            return print(
                "There are no trust anchors. To get those of CAcert: tokencert trust fetch")
        }
        var table = Table(["NAME", "CERTIFICATE", "VALID UNTIL"])
        for anchor in anchors {
            table.add(
                [
                    anchor.name, anchor.title,
                    anchor.notAfter.prefix(10) + (anchor.isExpired ? " (expired)" : ""),
                ],
                below: ["SHA-256 \(anchor.sha256Fingerprint)"])
        }
        table.print(try output.style())
    }

    private struct Report: Encodable {
        let anchors: [AnchorReport]
        let unusable: [UnusableReport]?
    }

    /// The JSON of a file in the anchor folder that cannot be read as certificates.
    private struct UnusableReport: Encodable {
        let name: String
        let file: String
        let problem: String
        let hint: String

        private enum CodingKeys: String, CodingKey { case name, file, problem }

        init(file: String, _ failure: Failure) {
            name = TrustStore.name(file)
            self.file = file
            problem = failure.message
            hint = failure.hints.last ?? ""
        }
    }
}

struct FetchTrustCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fetch", abstract: "Download CAcert's root and class 3 certificates.",
        discussion: """
            The root is stored only if it has the SHA-256 fingerprint that is built into tokencert, \
            so the connection need not be trusted. The class 3 certificate is stored only if the \
            root has signed it. https://www.cacert.org publishes the same fingerprint, and CAcert \
            assurers can confirm it.

            For example:

              tokencert trust fetch
            """)

    @Option(
        help: ArgumentHelp(
            "URL of the CA, https:// or http://; default https://www.cacert.org, then "
                + "http://www.cacert.org.", valueName: "url"))
    var caURL: String?

    @Option(
        help: ArgumentHelp(
            "SHA-256 fingerprint of another CA's root, in hexadecimal, such as a test CA's.",
            valueName: "hex"))
    var fingerprint: String?

    @OptionGroup(title: "General") var output: CommonOptions

    func run() throws {
        try prepareProcess(output)
        let pin = try wantedFingerprint()
        let bases = try addresses()
        var client = try UnverifiedHTTPClient(
            userAgent: userAgent,
            limits: HTTPLimits(connectTimeout: 20, timeout: 60, maximumAnswer: 1 << 16))
        let (base, rootBytes) = try fetch(PinnedRoot.path, bases, &client)
        let root = try requireCertificate(rootBytes, base + PinnedRoot.path)
        let found = hexadecimal(root.sha256Fingerprint)
        guard found == pin else {
            throw Failure(
                .certificateWrong, code: "wrongFingerprint",
                "the certificate from \(base)\(PinnedRoot.path) is not the expected root",
                hints: [
                    "its SHA-256 fingerprint is \(found)", "the expected one is \(pin)",
                    "try again from another network: the answer may have been changed in transit",
                ])
        }
        var kept = [try keep(root)]
        var missing: String?
        var found3: Certificate?
        do {
            let (base, bytes) = try fetch(PinnedRoot.class3Path, [base], &client)
            let class3 = try requireCertificate(bytes, base + PinnedRoot.class3Path)
            try TrustAnchors([root]).verify(class3, at: now())
            guard class3.isAuthority, class3 != root else {
                throw Failure(
                    .certificateWrong,
                    "the certificate from \(base)\(PinnedRoot.class3Path) is not that of a CA",
                    hints: ["use --ca-url to name another server"])
            }
            found3 = class3
        } catch let failure as Failure {
            missing = failure.message
        } catch let error as X509Error {
            missing = error.description
        }
        if let found3 { kept.append(try keep(found3)) }
        if let missing {
            // The root suffices for CAcert's server and for certificates that it signed itself.
            printError("warning: the class 3 certificate was not stored: \(printable(missing))")
            printError(
                "hint: run this command again later: certificates that class 3 signed require it")
        }
        try showKept(kept, output)
        if caURL != nil { offerToRemember(bases[0], output) }
        try output.printNext(.setUpToken)
    }

    private func wantedFingerprint() throws -> String {
        guard let text = setting(fingerprint, .fingerprint) else {
            return PinnedRoot.sha256Fingerprint
        }
        let digits = text.filter { $0 != ":" && !$0.isWhitespace }.lowercased()
        guard digits.count == 64, bytes(hexadecimal: digits) != nil else {
            throw Failure(
                .usage, "--fingerprint must be the 64 hexadecimal digits of a SHA-256 fingerprint",
                hints: ["to print it: openssl x509 -in root.pem -noout -fingerprint -sha256"])
        }
        return digits
    }

    private func addresses() throws -> [String] {
        guard var url = setting(caURL, .caURL) else {
            return ["https://www.cacert.org", "http://www.cacert.org"]
        }
        while url.hasSuffix("/") { url.removeLast() }
        guard namesHostOnly(url, schemes: ["https://", "http://"]) else {
            throw Failure(
                .usage,
                "--ca-url must be an https:// or http:// URL with a host, and without a user, a query "
                    + "or spaces",
                hints: ["omit it to use https://www.cacert.org"])
        }
        return [url]
    }

    /// Downloads a file from the first server that has it.
    private func fetch(
        _ path: String, _ bases: [String], _ client: inout UnverifiedHTTPClient
    ) throws -> (base: String, bytes: [UInt8]) {
        var reasons: [String] = []
        for base in bases {
            Progress.shared.begin("downloading \(base)\(path)", onToken: false)
            defer { Progress.shared.abandon() }
            do throws(HTTPError) {
                let answer = try client.get(base + path)
                if answer.status == 200 { return (base, answer.body) }
                reasons.append("\(base)\(path) answered with HTTP \(answer.status)")
            } catch {
                reasons.append("cannot reach \(base): \(error.reason)")
            }
        }
        throw Failure(
            .unreachable, reasons.joined(separator: "; "),
            hints: [
                "try again, or use a file: tokencert trust add FILE",
                "or use --ca-url to name another server",
            ])
    }

    private func requireCertificate(_ bytes: [UInt8], _ place: String) throws -> Certificate {
        if let certificate = try? Certificate(der: bytes) { return certificate }
        let inPEM = Certificate.all(inPEM: bytes)
        guard let certificate = inPEM.certificates.first else {
            let reason = inPEM.error.map { ": \($0)" } ?? ""
            throw Failure(
                .certificateWrong, "the answer from \(place) is not a certificate\(reason)",
                hints: [
                    "use --ca-url to name another server",
                    "or use a file: tokencert trust add FILE",
                ])
        }
        return certificate
    }
}

struct AddTrustCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Trust the CAs in a file.")

    @Argument(
        help: ArgumentHelp("File of CA certificates, in PEM or DER.", valueName: "file"),
        completion: .file())
    var file: String

    @OptionGroup(title: "General") var output: CommonOptions

    func run() throws {
        try prepareProcess(output)
        let file = try resolvingHome(file)
        let found: [Certificate]
        do throws(TrustStoreError) {
            found = try TrustStore.read(file)
        } catch {
            throw Failure(trust: error, option: "trust add")
        }
        if let other = found.first(where: { !$0.isAuthority }) {
            throw Failure(
                .dataRefused, code: "noAuthority",
                "\"\(other.subject.commonNames.last ?? other.subject.text)\" in \(file) is not the "
                    + "certificate of a CA",
                hints: ["use the root of the CA that issued it"])
        }
        try showKept(try found.map { try keep($0) }, output)
    }
}

struct RemoveTrustCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Stop trusting a CA.")

    @Argument(
        help: ArgumentHelp("Name of the CA in tokencert trust list.", valueName: "name"),
        completion: .live(.anchors))
    var name: String

    @OptionGroup(title: "General") var output: CommonOptions

    func run() throws {
        try prepareProcess(output)
        let files = try trustStore.files()
        // The full file name distinguishes files that differ only in their extension.
        let matches =
            files.contains { TrustStore.fileName($0) == name }
            ? files.filter { TrustStore.fileName($0) == name }
            : files.filter { TrustStore.name($0) == name }
        guard matches.count <= 1 else {
            throw Failure(
                severalObjects: "\(matches.count) trust anchors have the name \"\(name)\"",
                hints: matches.map {
                    "one of them: tokencert trust remove \(quoted(TrustStore.fileName($0)))"
                })
        }
        guard let file = matches.first else {
            throw Failure(
                .noSuchObject, "there is no trust anchor \"\(name)\"",
                hints: suggestions(for: name, among: files.map(TrustStore.name)).map {
                    "did you mean \($0)?"
                } + ["to list the names: tokencert trust list"])
        }
        guard !isFolder(file) else {
            throw Failure(
                .configuration, "\(file) is a folder, so it was not removed",
                hints: ["check its content, then move it away: mv \(quoted(file)) ELSEWHERE"])
        }
        do throws(FileError) {
            try removeFile(file)
        } catch {
            throw Failure(.configuration, "\(error)", hints: advice(error))
        }
        if output.isJSON {
            try printJSON(["removed": [name]])
        } else {
            print("\(printable(name)) is no longer trusted.")
        }
    }
}

struct AnchorReport: Encodable {
    let name: String
    let file: String
    let certificate: CertificateReport
    /// The common name of the subject, or the whole subject if it has none.
    let title: String

    private enum CodingKeys: String, CodingKey { case name, file, certificate }

    init(_ certificate: Certificate, file: String) {
        name = TrustStore.name(file)
        self.file = file
        self.certificate = CertificateReport(certificate, now())
        isExpired = certificate.notAfter < now()
        title = certificate.subject.commonNames.last ?? certificate.subject.text
    }

    var notAfter: String { certificate.notAfter ?? "" }
    let isExpired: Bool
    var sha256Fingerprint: String { certificate.sha256Fingerprint ?? "" }
}

private func keep(_ certificate: Certificate) throws -> AnchorReport {
    let file = try trustStore.keep(certificate)
    // It is not used if other users can write to the folder.
    _ = try trustStore.readKept(file)
    return AnchorReport(certificate, file: file)
}

/// Prints a note if `ca-file` is set, since its anchors replace those in the folder.
private func noteOtherAnchors() {
    guard let file = setting(nil, .caFile) else { return }
    printError(
        "note: ca-file is set, so only \(printable(file)) is trusted (see tokencert config)"
    )
}

private func showKept(_ kept: [AnchorReport], _ output: CommonOptions) throws {
    noteOtherAnchors()
    for anchor in kept where anchor.isExpired {
        printError(
            "warning: \(printable(anchor.title)) expired on \(anchor.notAfter.prefix(10)): nothing that "
                + "it has signed is accepted")
    }
    if output.isJSON { return try printJSON(["anchors": kept]) }
    for anchor in kept {
        print("\(printable(anchor.title)) is now trusted")
        printFolded(
            [
                "  SHA-256  \(anchor.sha256Fingerprint)",
                "  file     \(printable(anchor.file))",
            ], at: 11)
    }
}

/// Offers to add the CA of `trust fetch --ca-url` to the configuration file. Only users at a terminal are
/// asked, and a CA that is set in any place stays.
private func offerToRemember(_ url: String, _ output: CommonOptions) {
    // Orders are sent over HTTPS only.
    guard output.isForReader, isTerminal(0), setting(nil, .caURL) == nil,
        namesHostOnly(url, schemes: ["https://"])
    else { return }
    let question =
        "Use \(printable(url)) in other commands, too?\n"
        + "This adds ca-url to \(printable(ConfigurationFile.current.path)). [y/n] "
    guard ["y", "yes"].contains(askAtTerminal(question)?.lowercased()) else { return }
    remember(.caURL, .text(url))
}
