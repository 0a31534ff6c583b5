internal import ArgumentParser
internal import Cryptoki
internal import OpenSSLX509
internal import TokencertTokens

struct ShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show all details of a key or a certificate.",
        discussion: """
            --pem, --der and --public-key print only the certificate or the public key, for a file \
            or a pipe. If the URI names a key, --pem and --der print its certificate, of which \
            there must be only one.

            For example:

              tokencert show mail
              tokencert show --pem mail > mail.pem
            """)

    @Argument(help: .objectName, completion: .live(.objects))
    var name: String

    @OptionGroup var serialOption: SerialOption

    @Flag(help: "Print the URIs, even if they are wider than the terminal.")
    var uris = false

    @Flag(help: "Print the certificate in PEM.")
    var pem = false

    @Flag(help: "Print the certificate in DER.")
    var der = false

    @Flag(help: "Print the public key in PEM.")
    var publicKey = false

    @OptionGroup(title: "Token and PINs") var tokenOptions: TokenOptions
    @OptionGroup(title: "General") var ledgerOptions: LedgerOptions
    @OptionGroup(title: "General") var output: CommonOptions

    func validate() throws {
        if [pem, der, publicKey, output.json].filter({ $0 }).count > 1 {
            throw ValidationError("use only one of --pem, --der, --public-key and --json")
        }
    }

    func run() throws {
        try prepareProcess(output)
        let name = try ObjectName(name)
        let read = try read(
            findTokenToRead(tokenOptions, name.uri), tokenOptions, name.uri, readingAll: true,
            keepingCertificates: { _ in true })
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

    /// The named certificates and those of the named keys, without duplicates.
    private func certificates(
        of named: (keys: [KeyEntry], certificates: [CertificateEntry])
    ) -> [CertificateEntry] {
        var seen: Set<ObjectHandle> = []
        return (named.certificates + named.keys.flatMap(\.certificates))
            .filter { seen.insert($0.record.handle).inserted }
    }

    private func certificate(_ entry: CertificateEntry, on token: Token) throws -> Certificate {
        guard let certificate = entry.certificate else {
            throw Failure(
                .dataRefused, "the object is not a readable X.509 certificate: \(entry.name)",
                hints: [readingAdvice(entry.record.uri, on: token)])
        }
        return certificate
    }

    private func write(_ certificate: Certificate) throws {
        if pem { return print(certificate.pem, terminator: "") }
        guard !Output.standardOutput.isTerminal else {
            throw Failure(
                .usage, "refusing to write DER to a terminal",
                hints: [
                    "write it to a file: tokencert show --der NAME > certificate.der",
                    "to print it as text: --pem",
                ])
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
        var checks = Health(
            now: now(), days: try daysOfWarning(), anchors: usableAnchors(),
            sawPrivateObjects: read.sawPrivateObjects)
        checks.revocations = ledgerOptions.objectStates(showingOrders: false).revocations
        var inventory = read.inventory
        checks.replacements = ledgerOptions.complete(&inventory)
        let health = checks.of(inventory)
        // The report on a key includes its certificates: show each only once.
        let ofKeys = Set(named.keys.flatMap(\.certificates).map(\.record.handle))
        let others = named.certificates.filter { !ofKeys.contains($0.record.handle) }
        guard !named.keys.isEmpty || !others.isEmpty else {
            throw noSuchObject("key or certificate", target, on: read.inventory)
        }
        let keysShownWith = read.inventory.keysShownWith
        let report = Report(
            keys: named.keys.map { KeyReport($0, health) },
            certificates: others.map {
                CertificateReport($0, health, of: keysShownWith[$0.record.handle], isInFull: true)
            })
        if output.isJSON { return try printJSON(report) }
        let style = try output.style()
        let showsURIs = uris || output.isVerbose
        for key in report.keys {
            key.print(style, showingURIs: showsURIs, hidingPrivateKeys: !read.sawPrivateObjects)
        }
        for certificate in report.certificates {
            certificate.print(style, showingURIs: showsURIs)
        }
        let all = report.keys.flatMap {
            [$0.privateKey, $0.publicKey] + $0.certificates.map(\.uri)
        }
        if !showsURIs, !(all + report.certificates.map(\.uri)).allSatisfy(fitsTerminal) {
            print(style.faint("To see the URIs, which other programs need: --uris"))
        }
        if !read.sawPrivateObjects {
            print("To see private keys, log in: --pin-source prompt")
        }
    }

    private struct Report: Encodable {
        let keys: [KeyReport]
        let certificates: [CertificateReport]
    }
}
