internal import ArgumentParser
internal import Cryptoki
internal import Inventory
internal import OpenSSLX509
internal import SystemPackage

struct ShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show everything about a key or a certificate.",
        discussion: """
            --pem, --der and --public-key print only that, for a file or a pipe: of a certificate, \
            or of the one certificate of a key.
            """)

    @Argument(
        help: ArgumentHelp("The key or the certificate, by its URI.", valueName: "uri"),
        completion: LiveCompletion.objects)
    var uri: String

    @Flag(help: "Print the certificate in PEM.")
    var pem = false

    @Flag(help: "Print the certificate in DER.")
    var der = false

    @Flag(help: "Print the public key in PEM.")
    var publicKey = false

    @OptionGroup var tokenOptions: TokenOptions
    @OptionGroup var output: CommonOptions

    func validate() throws {
        if [pem, der, publicKey, output.json].filter({ $0 }).count > 1 {
            throw ValidationError("--pem, --der, --public-key and --json exclude each other")
        }
    }

    func run() throws {
        try prepareProcess(output)
        let uri = try parseURI(uri)
        let read = try readToken(tokenOptions, uri, readingAll: true, keepingCertificates: true)
        let named = read.inventory.named(uri)
        if pem || der {
            let entries = named.certificates + named.keys.flatMap(\.certificates)
            var seen: Set<ObjectHandle> = []
            let entry = try requireOne(
                entries.filter { seen.insert($0.record.handle).inserted }, "certificate", uri
            ) { $0.record.uri }
            try write(try self.certificate(entry))
            return
        }
        if publicKey {
            print(try self.publicKey(named, uri).pem, terminator: "")
            return
        }
        try show(named, uri, read)
    }

    private func certificate(_ entry: CertificateEntry) throws -> Certificate {
        guard let certificate = entry.certificate else {
            throw Failure(
                .dataRefused, "its bytes are no X.509 certificate",
                hints: ["pkcs11-tool --read-object --type cert reads them as they are"])
        }
        return certificate
    }

    private func write(_ certificate: Certificate) throws {
        if pem {
            print(certificate.pem, terminator: "")
            return
        }
        guard !Output.standardOutput.isTerminal else {
            throw Failure(
                .usage, "DER is not for a terminal",
                hints: ["tokencert show --der URI > certificate.der", "--pem is text"])
        }
        try FileDescriptor.standardOutput.writeAll(certificate.der)
    }

    private func publicKey(
        _ named: (keys: [KeyEntry], certificates: [CertificateEntry]), _ uri: PKCS11URI
    ) throws -> PublicKey {
        let keys = Set(
            named.keys.compactMap(\.value) + named.certificates.compactMap(\.certificate?.publicKey)
        )
        guard keys.count == 1, let key = keys.first else {
            return try requireOne(named.keys.compactMap(\.value), "public key", uri) { _ in
                uri.description
            }
        }
        return key
    }

    private func show(
        _ named: (keys: [KeyEntry], certificates: [CertificateEntry]), _ uri: PKCS11URI,
        _ read: ReadToken
    ) throws {
        let health = Health(
            now: now(), anchors: TrustStore.anchorsIfAny(),
            sawPrivateObjects: read.sawPrivateObjects)
        // A key shows its certificates, too: each is shown once.
        let ofKeys = Set(named.keys.flatMap(\.certificates).map(\.record.handle))
        let others = named.certificates.filter { !ofKeys.contains($0.record.handle) }
        guard !named.keys.isEmpty || !others.isEmpty else {
            throw noSuchObject("key or certificate", uri)
        }
        let authorities = read.inventory.authorities
        let report = Report(
            keys: named.keys.map { KeyReport($0, health, authorities) },
            certificates: others.map { CertificateReport($0, health, authorities) })
        if output.isJSON {
            try printJSON(report)
            return
        }
        let style = try output.style()
        for key in report.keys { key.print(style) }
        for certificate in report.certificates { certificate.print(style) }
        if !read.sawPrivateObjects {
            print("Private keys are seen only after a login: --pin-source prompt")
        }
    }

    private struct Report: Encodable {
        let keys: [KeyReport]
        let certificates: [CertificateReport]
    }
}
