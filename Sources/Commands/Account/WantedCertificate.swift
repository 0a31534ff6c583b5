internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertIssuance
internal import TokencertLedger
internal import TokencertPlatform
internal import TokencertTokens

/// The certificate that the user names for revocation.
struct WantedCertificate {
    /// In the form of `Certificate.serialNumber`.
    let serialNumber: String
    /// The certificate; nil if only its serial number is known.
    let certificate: Certificate?
    let known: LedgerCertificate?
    /// The serial number that the name of its key would also be, or nil. The ledger has no certificate
    /// with it.
    private let otherNumber: String?

    /// Finds what a name means: a serial number, a file, or the label or the id of a key in the ledger.
    /// A name with a slash is a file. Any other name is looked for in the ledger and among the files
    /// of the current folder, and it must mean one certificate.
    init(_ name: String, in ledger: LedgerCertificates) throws {
        let name = name.contains("/") ? try resolvingHome(name) : name
        let named = name.contains("/") ? [] : ledger.named(name)
        guard named.count < 2 else {
            throw Failure(
                severalObjects: "\"\(name)\" matches several certificates of the ledger",
                hints: Set(named.map(\.certificate.serialNumber)).count == 1
                    ? [
                        "they have the same serial number, so name a file with the certificate: "
                            + "tokencert revoke FILE"
                    ] : several(named.map { Self.title($0) }, all: "tokencert certificates"))
        }
        let inFile = try Self.certificate(inFile: name, isCertain: name.contains("/"))
        let number = name.contains("/") ? nil : TokencertTokens.serialNumber(name)
        let labelled = named.first?.certificate.serialNumber
        otherNumber = labelled == nil || number == labelled ? nil : number
        if let certificate = inFile {
            let isOther = named.first.map { $0.certificate != certificate } ?? false
            guard !isOther, number == nil || number == certificate.serialNumber else {
                throw Failure(
                    severalObjects: "\"\(name)\" is the name of a file and of another certificate",
                    hints: [
                        "to name the file: tokencert revoke \(shellWord("./" + name))",
                        "to revoke the other one, run tokencert revoke SERIAL in another folder",
                    ])
            }
            serialNumber = certificate.serialNumber
            self.certificate = certificate
            known = ledger.certificates.first { $0.certificate == certificate }
        } else if let found = named.first {
            serialNumber = found.certificate.serialNumber
            certificate = found.certificate
            known = found
        } else if let number {
            serialNumber = number
            certificate = nil
            known = nil
        } else {
            throw Self.nothing(name, in: ledger)
        }
    }

    /// Throws if the account has a certificate whose serial number is the name of the key.
    func requireOnly(in list: [ListedCertificate]) throws {
        guard let otherNumber, list.contains(where: { $0.plainSerialNumber == otherNumber }) else {
            return
        }
        throw Failure(
            severalObjects: "\"\(otherNumber)\" names a key in the ledger, but is also the serial "
                + "number of another certificate",
            hints: [
                "for the certificate of the key: tokencert revoke \(serialNumber)",
                "for the certificate with this serial number, name a file with it: "
                    + "tokencert revoke FILE",
            ])
    }

    /// The certificate in a file that is not a CA certificate. A name that is not certainly that of a file
    /// is ignored unless it is a file with certificates.
    private static func certificate(inFile name: String, isCertain: Bool) throws -> Certificate? {
        if !isCertain {
            guard isRegularFile(name), (try? TokencertCAcert.certificates(inFile: name)) != nil
            else { return nil }
        }
        let all = try TokencertCommands.certificates(inFile: name, option: "CERTIFICATE")
        let own = all.filter { !$0.isAuthority }
        guard own.count == 1 else {
            throw Failure(
                .usage, "\(name) contains \(own.count) end-entity certificates, not one",
                hints: ["use a file with one certificate, or its serial number"])
        }
        return own[0]
    }

    private static func nothing(_ name: String, in ledger: LedgerCertificates) -> Failure {
        if let order = ledger.unfinishedOrder(named: name) {
            return Failure(
                .pending, code: "orderPending",
                "order \(order) for \"\(name)\" has no certificate on a token yet: there is nothing to "
                    + "revoke",
                hints: [
                    "to see whether the CA has issued it: tokencert certificates",
                    "to see what you can do: tokencert resume \(order)",
                ])
        }
        return Failure(
            .noSuchObject, code: "noSuchObject",
            "\"\(name)\" is neither a serial number nor a file, and no key in the ledger has this "
                + "label",
            hints: ["to see the serial numbers: tokencert certificates"])
    }

    /// A certificate by its serial number, with its token.
    private static func title(_ known: LedgerCertificate) -> String {
        let content = CertificateEntry.Content(known.certificate)
        let tokens = known.places.map { CertificatePlace($0).name }
        return "tokencert revoke \(known.certificate.serialNumber) ("
            + ObjectTitles.summary(content)
            + (tokens.isEmpty ? "" : ", on token " + tokens.joined(separator: ", ")) + ")"
    }
}
