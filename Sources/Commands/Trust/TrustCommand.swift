internal import ArgumentParser
internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertHTTP
internal import TokencertPlatform

struct TrustCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trust", abstract: "Say which CAs are trusted.",
        discussion: """
            Certificates and the CA's own server are checked against these anchors, and against \
            nothing else: the system's are never used.
            """,
        subcommands: [
            ListTrustCommand.self, FetchTrustCommand.self, AddTrustCommand.self,
            RemoveTrustCommand.self,
        ], defaultSubcommand: ListTrustCommand.self)
}

struct ListTrustCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show the trust anchors.")

    @OptionGroup var output: CommonOptions

    func run() throws {
        try prepareProcess(output)
        var anchors: [AnchorReport] = []
        var unusable: [UnusableReport] = []
        for file in try trustStore.files() {
            do {
                anchors += try trustStore.readKept(file).map { AnchorReport($0, file: file) }
            } catch {
                unusable.append(UnusableReport(file: file, problem: Failure(error).message))
            }
        }
        if output.isJSON {
            try printJSON(
                Report(anchors: anchors, unusable: unusable.isEmpty ? nil : unusable))
            return
        }
        noteOtherAnchors()
        for file in unusable {
            printError("warning: \(printable(file.problem))")
            printError(
                "hint: tokencert trust remove \(quoted(printable(TrustStore.fileName(file.file))))")
        }
        guard !anchors.isEmpty else {
            print("There are no trust anchors; tokencert trust fetch gets CAcert's.")
            return
        }
        var table = Table(["NAME", "CERTIFICATE", "VALID UNTIL"])
        for anchor in anchors {
            table.add(
                [anchor.name, anchor.subject, String(anchor.notAfter.prefix(10))],
                below: ["SHA-256 \(anchor.sha256Fingerprint)"])
        }
        table.print(try output.style())
    }

    private struct Report: Encodable {
        let anchors: [AnchorReport]
        let unusable: [UnusableReport]?
    }

    /// A file in the anchor folder from which no anchor can be read, as it is written in JSON.
    private struct UnusableReport: Encodable {
        let name: String
        let file: String
        let problem: String

        init(file: String, problem: String) {
            name = TrustStore.name(file)
            self.file = file
            self.problem = problem
        }
    }
}

struct FetchTrustCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fetch", abstract: "Get CAcert's root and class 3 certificates.",
        discussion: """
            The root is kept only if it has the SHA-256 fingerprint that tokencert knows, so it may \
            come from anywhere; the class 3 certificate only if the root has signed it. \
            https://www.cacert.org publishes the same fingerprint, and so do those who meet there.

            For example:

              tokencert trust fetch
            """)

    @Option(
        help: ArgumentHelp(
            "Where the CA is, https:// or http://; default https://www.cacert.org, then the same "
                + "over http://.", valueName: "url"))
    var caURL: String?

    @Option(
        help: ArgumentHelp(
            "SHA-256 of another CA's root, in hexadecimal, as of a stand-in for tests.",
            valueName: "hex"))
    var fingerprint: String?

    @OptionGroup var output: CommonOptions

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
                "what came from \(base)\(PinnedRoot.path) is not the root that is known",
                hints: [
                    "its SHA-256 is \(found)", "that of the root is \(pin)",
                    "somebody on the way may have changed it: try from another network",
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
                    .certificateWrong, "what came from \(base)\(PinnedRoot.class3Path) is no CA's",
                    hints: ["--ca-url names another place"])
            }
            found3 = class3
        } catch let failure as Failure {
            missing = failure.message
        } catch let error as X509Error {
            missing = error.description
        }
        if let found3 { kept.append(try keep(found3)) }
        if let missing {
            // The root is sufficient for CAcert's server and for certificates that class 1 signs.
            printError("warning: the class 3 certificate was not kept: \(printable(missing))")
            printError(
                "hint: certificates that class 3 signs need it: run this command again later")
        }
        try showKept(kept, output)
    }

    private func wantedFingerprint() throws -> String {
        guard let text = setting(fingerprint, .fingerprint) else {
            return PinnedRoot.sha256Fingerprint
        }
        let digits = text.filter { $0 != ":" && !$0.isWhitespace }.lowercased()
        guard digits.count == 64, bytes(hexadecimal: digits) != nil else {
            throw Failure(
                .usage, "--fingerprint takes the 64 hexadecimal digits of a SHA-256",
                hints: ["openssl x509 -in root.pem -noout -fingerprint -sha256 prints it"])
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
                "--ca-url has to be an https:// or http:// address with a host, without a user, a "
                    + "query or blanks",
                hints: ["the default is https://www.cacert.org"])
        }
        return [url]
    }

    /// Gets a file from the first address that has it.
    private func fetch(
        _ path: String, _ bases: [String], _ client: inout UnverifiedHTTPClient
    ) throws -> (base: String, bytes: [UInt8]) {
        var reasons: [String] = []
        for base in bases {
            Progress.shared.begin("getting \(base)\(path)", onToken: false)
            defer { Progress.shared.abandon() }
            do throws(HTTPError) {
                let answer = try client.get(base + path)
                if answer.status == 200 { return (base, answer.body) }
                reasons.append("\(base)\(path) answers with HTTP \(answer.status)")
            } catch {
                reasons.append("\(base) cannot be reached: \(error.reason)")
            }
        }
        throw Failure(
            .unreachable, reasons.joined(separator: "; "),
            hints: [
                "try again; where there is no network, tokencert trust add FILE takes a file",
                "--ca-url names another place",
            ])
    }

    private func requireCertificate(_ bytes: [UInt8], _ place: String) throws -> Certificate {
        if let certificate = try? Certificate(der: bytes) { return certificate }
        let inPEM = Certificate.all(inPEM: bytes)
        guard let certificate = inPEM.certificates.first else {
            let reason = inPEM.error.map { ": \($0)" } ?? ""
            throw Failure(
                .certificateWrong, "what came from \(place) is no certificate\(reason)",
                hints: ["--ca-url names another place", "tokencert trust add FILE takes a file"])
        }
        return certificate
    }
}

struct AddTrustCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Trust the CAs in a file.")

    @Argument(
        help: ArgumentHelp("Certificates of CAs, PEM or DER.", valueName: "file"),
        completion: .file())
    var file: String

    @OptionGroup var output: CommonOptions

    func run() throws {
        try prepareProcess(output)
        let found: [Certificate]
        do throws(TrustStoreError) {
            found = try TrustStore.read(file)
        } catch {
            throw Failure(trust: error, option: "trust add")
        }
        if let other = found.first(where: { !$0.isAuthority }) {
            throw Failure(
                .dataRefused, code: "noAuthority",
                "“\(other.subject.commonNames.last ?? other.subject.text)” in \(file) is not the "
                    + "certificate of a CA",
                hints: ["take the root of the CA that issued it"])
        }
        try showKept(try found.map { try keep($0) }, output)
    }
}

struct RemoveTrustCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "No longer trust a CA.")

    @Argument(
        help: ArgumentHelp("Its name in tokencert trust list.", valueName: "name"),
        completion: LiveCompletion.anchors)
    var name: String

    @OptionGroup var output: CommonOptions

    func run() throws {
        try prepareProcess(output)
        let files = try trustStore.files()
        // The full file name distinguishes files that differ in their extension only.
        let matches =
            files.contains { TrustStore.fileName($0) == name }
            ? files.filter { TrustStore.fileName($0) == name }
            : files.filter { TrustStore.name($0) == name }
        guard matches.count <= 1 else {
            throw Failure(
                .noSuchObject, code: "severalObjects",
                "\(matches.count) trust anchors are called “\(name)”",
                hints: matches.map {
                    "one of them: tokencert trust remove \(quoted(TrustStore.fileName($0)))"
                })
        }
        guard let file = matches.first else {
            throw Failure(
                .noSuchObject, "there is no trust anchor “\(name)”",
                hints: suggestions(for: name, among: files.map(TrustStore.name)).map {
                    "did you mean \($0)?"
                } + ["tokencert trust list shows them"])
        }
        guard !isFolder(file) else {
            throw Failure(
                .configuration, "\(file) is a folder, which is not removed",
                hints: ["look into it, then move it: mv \(quoted(file)) ELSEWHERE"])
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

/// A trust anchor, in the form of its JSON.
struct AnchorReport: Encodable {
    let name: String
    let file: String
    let subject: String
    let notAfter: String
    let sha256Fingerprint: String

    init(_ certificate: Certificate, file: String) {
        name = TrustStore.name(file)
        self.file = file
        subject = certificate.subject.commonNames.last ?? certificate.subject.text
        notAfter = timestamp(certificate.notAfter)
        sha256Fingerprint = hexadecimal(certificate.sha256Fingerprint)
    }
}

private func keep(_ certificate: Certificate) throws -> AnchorReport {
    AnchorReport(certificate, file: try trustStore.keep(certificate))
}

/// Prints a note if a file is set, whose anchors replace those in the folder.
private func noteOtherAnchors() {
    guard let file = setting(nil, .caFile) else { return }
    printError(
        "note: ca-file is set, so only \(printable(file)) is trusted; tokencert config shows where"
    )
}

private func showKept(_ kept: [AnchorReport], _ output: CommonOptions) throws {
    noteOtherAnchors()
    if output.isJSON {
        try printJSON(["anchors": kept])
        return
    }
    for anchor in kept {
        print("trusted from now on: \(printable(anchor.subject))")
        print("  SHA-256  \(anchor.sha256Fingerprint)")
        print("  file     \(printable(anchor.file))")
    }
}
