internal import ArgumentParser
internal import Cryptoki
internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertTokens

struct ShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show everything about a key or a certificate.",
        discussion: """
            --pem, --der and --public-key print only that, for a file or a pipe: of a certificate, \
            or of the one certificate of a key.

            For example:

              tokencert show mail
              tokencert show --pem mail > mail.pem
            """)

    @Argument(
        help: .objectName, completion: LiveCompletion.objects)
    var name: String

    @OptionGroup var serialOption: SerialOption

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
        let name = try ObjectName(name)
        let read = try readToken(
            tokenOptions, name.uri, readingAll: true, keepingCertificates: { _ in true })
        let target = try name.target(
            in: read.inventory, on: read.token, serialNumber: serialOption.digits)
        var named = read.inventory.named(target.uri)
        if let serialNumber = target.serialNumber {
            // The serial number may be that of a certificate of the key that is named.
            named.certificates =
                certificates(of: named).filter { $0.content?.serialNumber == serialNumber }
            named.keys = []
        }
        if pem || der {
            let entries = certificates(of: named)
            guard entries.count == 1 else {
                guard !entries.isEmpty else {
                    throw noSuchObject("certificate", target, on: read.inventory)
                }
                throw severalCertificates(entries, target, on: read.inventory)
            }
            try write(try certificate(entries[0], on: read.token))
            return
        }
        if publicKey {
            print(try self.publicKey(named, target, read.inventory).pem, terminator: "")
            return
        }
        try show(named, target, read)
    }

    /// The certificates that are named, and those of the keys that are, each once.
    private func certificates(
        of named: (keys: [KeyEntry], certificates: [CertificateEntry])
    ) -> [CertificateEntry] {
        var seen: Set<ObjectHandle> = []
        return (named.certificates + named.keys.flatMap(\.certificates))
            .filter { seen.insert($0.record.handle).inserted }
    }

    private func certificate(
        _ entry: CertificateEntry, on token: Token
    ) throws -> Certificate {
        guard let certificate = entry.certificate else {
            throw Failure(
                .dataRefused, "the object cannot be read as an X.509 certificate: \(entry.name)",
                hints: [readingAdvice(entry.record.uri, on: token)])
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
                hints: ["tokencert show --der NAME > certificate.der", "--pem is text"])
        }
        StandardOutput.shared.write(certificate.der)
    }

    private func publicKey(
        _ named: (keys: [KeyEntry], certificates: [CertificateEntry]), _ target: ObjectTarget,
        _ inventory: TokenInventory
    ) throws -> PublicKey {
        let titles = ObjectTitles(inventory)
        let found =
            named.keys.compactMap { key in
                key.value.map { (value: $0, title: titles.title(key)) }
            }
            + named.certificates.compactMap { entry in
                entry.certificate.map { (value: $0.publicKey, title: titles.title(entry)) }
            }
        var seen: Set<PublicKey> = []
        let different = found.filter { seen.insert($0.value).inserted }
        return try requireOne(different, "public key", target, on: inventory) { $0.title }.value
    }

    private func show(
        _ named: (keys: [KeyEntry], certificates: [CertificateEntry]), _ target: ObjectTarget,
        _ read: ReadToken
    ) throws {
        let health = Health(
            now: now(), days: try daysOfWarning(),
            anchors: trustStore.anchorsIfAny(file: setting(nil, .caFile)),
            sawPrivateObjects: read.sawPrivateObjects
        ).of(read.inventory)
        // A key shows its certificates, too: each is shown once.
        let ofKeys = Set(named.keys.flatMap(\.certificates).map(\.record.handle))
        let others = named.certificates.filter { !ofKeys.contains($0.record.handle) }
        guard !named.keys.isEmpty || !others.isEmpty else {
            throw noSuchObject("key or certificate", target, on: read.inventory)
        }
        let keysShownWith = read.inventory.keysShownWith
        let report = Report(
            keys: named.keys.map { KeyReport($0, health) },
            certificates: others.map {
                CertificateReport($0, of: keysShownWith[$0.record.handle], health)
            })
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
