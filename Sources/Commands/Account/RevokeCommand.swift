internal import ArgumentParser
internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertIssuance
internal import TokencertLedger
internal import TokencertTokens

struct RevokeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Have the CA revoke a certificate.",
        discussion: """
            Logs in to the CA's web site with the password of the account, shows the certificate and \
            asks you to type its serial number. A revocation cannot be undone. Nothing on a token is \
            changed: mail that was encrypted to the certificate can be read as long as the key exists.

            The ledger records the revocation. From then on, "tokencert expiring" does not list the \
            certificate, and "tokencert renew" renews it only with a new key.

            Then the CA's OCSP responder and revocation list are asked whether they report the \
            revocation, because other programs accept the certificate until they do.

            With --lost-token, all valid certificates for the keys that the ledger records for the \
            token are revoked, including certificates that are not in the ledger. The token is not \
            needed.

            For example:

              tokencert revoke 2dd50d
              tokencert revoke --lost-token work
            """)

    @Argument(
        help: ArgumentHelp(
            "The certificate: its serial number, a file with it, or the label or the id of its key in "
                + "the ledger.", valueName: "certificate"))
    var certificate: String?

    @Option(
        help: ArgumentHelp(
            "Revoke all certificates of the token with this label or serial number.",
            valueName: "token"))
    var lostToken: String?

    @Flag(help: "Do not ask for confirmation.")
    var yes = false

    @OptionGroup(title: "CA") var ca: CAOptions
    @OptionGroup(title: "General") var ledgerOptions: LedgerOptions
    @OptionGroup(title: "General") var output: CommonOptions

    func validate() throws {
        if (certificate == nil) == (lostToken == nil) {
            throw ValidationError("specify either a certificate or --lost-token")
        }
    }

    func run() throws {
        try prepareProcess(output)
        // Only the ledger has the certificates of a lost token.
        let orders = try lostToken == nil ? ledgerOptions.orders() : ledgerOptions.open().orders()
        let ledger = LedgerCertificates(orders)
        let isAsked = !setting(yes, .yes)
        if let lostToken {
            let lost = try LostToken(lostToken, in: ledger, orders)
            try lost.revoke(ca, ledgerOptions, output, isAsked: isAsked)
        } else if let certificate {
            let wanted = try WantedCertificate(certificate, in: ledger)
            try revoke(wanted, in: ledger, isAsked: isAsked)
        }
    }

    private func revoke(
        _ wanted: WantedCertificate, in ledger: LedgerCertificates, isAsked: Bool
    ) throws {
        let login = try WebLogin(ca)
        defer { login.account.logOut() }
        Progress.shared.begin("reading the list of certificates", onToken: false, isBrief: true)
        let list = try login.account.certificates()
        try wanted.requireOnly(in: list)
        let rows = list.filter { $0.plainSerialNumber == wanted.serialNumber }
        let (target, listed) = try find(wanted, rows, login)
        Progress.shared.abandon()
        let issuers = ledger.authorities
        let others = ledger.others(forKeyOf: target.certificate, at: now())
        guard !listed.isRevoked else {
            return try report(
                "The CA has already revoked this certificate: \(target.title)",
                RevokedCertificate(target, .alreadyRevoked), others, login, issuers)
        }
        if isAsked {
            try requireConfirmation(
                Self.description(
                    target, others: others.map(\.serialNumber), width: Output.standardError.width),
                typing: target.certificate.serialNumber, to: "revoke it",
                hint: "to skip the question: --yes")
        }
        Progress.shared.setInterruptionState(
            "the CA may have revoked the certificate",
            hints: ["to see its state: tokencert certificates --all"])
        Progress.shared.begin("revoking the certificate", onToken: false, isBrief: true)
        let result = login.account.revoke(listed.number)
        Progress.shared.abandon()
        switch result {
        case .revoked: RevocationListCache(folder: revocationListFolder).removeAll()
        case .notRequested(let error): throw error
        case .unknown(let reason): throw Failure(unknownRevocation: reason)
        }
        Progress.shared.setInterruptionState(
            "the CA has revoked the certificate",
            hints: ["to see its state: tokencert certificates --all"])
        try report(
            "The CA has revoked the certificate: \(target.title)",
            RevokedCertificate(target, .revoked), others, login, issuers)
        guard !output.isJSON else { return }
        if let names = target.tokenNames {
            let text = "It stays on token \(names), where its key can still decrypt old mail."
            printFolded([printable(text)], at: 0)
        }
        try output.printNext(.issue(options: ca.selection))
    }

    /// Prints and records that a certificate is revoked, and then prints whether others can learn that,
    /// because the answers may take long. The JSON has both.
    private func report(
        _ text: String, _ certificate: RevokedCertificate, _ others: [Certificate],
        _ login: WebLogin, _ issuers: [Certificate]
    ) throws {
        if !output.isJSON {
            printFolded([printable(text)], at: 0)
            printNotes(RevocationReport.notes(others: others))
        }
        let revoked = [certificate].compactMap(\.revokedContent)
        ledgerOptions.recordRevocations(of: revoked, by: login.site)
        var certificate = certificate
        certificate.add(publications(of: revoked, login.anchors, issuers: issuers))
        guard !output.isJSON else {
            return try printJSON(
                RevocationReport(
                    revocations: [certificate],
                    otherCertificates: others.map {
                        CertificateReport(CertificateEntry.Content($0), uri: nil, now())
                    }))
        }
        guard let publication = certificate.publication else { return }
        printNotes([publication])
        printFolded([printable(publication.line(at: now()))], at: 0)
    }

    /// The certificate of the account that is wanted, and its row. Serial numbers are unique for one
    /// issuer only, so it is downloaded and compared.
    private func find(
        _ wanted: WantedCertificate, _ rows: [ListedCertificate], _ login: WebLogin
    ) throws -> (RevocationTarget, ListedCertificate) {
        guard !rows.isEmpty else {
            throw Failure(
                .noSuchObject, code: "noSuchCertificate",
                "the account \(login.username) at \(login.site) has no certificate with the serial "
                    + "number \(wanted.serialNumber)",
                hints: [
                    "to see what it has: tokencert certificates --all",
                    "if another account has it: --username ADDRESS",
                ])
        }
        var found: [(RevocationTarget, ListedCertificate)] = []
        for row in rows {
            guard let download = try login.download(row),
                download.serialNumber == wanted.serialNumber
            else { continue }
            if let certificate = wanted.certificate, certificate != download { continue }
            found.append((RevocationTarget(row.number, download, wanted.known), row))
        }
        guard found.count < 2 else {
            throw Failure(
                severalObjects: "the account has \(found.count) certificates with the serial "
                    + "number \(wanted.serialNumber)",
                hints: ["name the file with the certificate instead"])
        }
        guard let only = found.first else {
            throw Failure(
                .certificateWrong, code: "certificateWrong",
                "the account has another certificate with the serial number "
                    + "\(wanted.serialNumber); nothing was revoked",
                hints: [
                    "to compare them, log in with a browser: \(login.site)/account.php?id=5",
                    "if another account has it: --username ADDRESS",
                ])
        }
        return only
    }

    static func description(
        _ target: RevocationTarget, others: [String], width: Int?
    ) -> [String] {
        let content = target.content
        let lines = [
            ("subject", content.subject), ("issuer", content.issuer),
            ("addresses", content.emailAddresses.joined(separator: ", ")),
            ("serial", content.serialNumber), ("valid to", timestamp(content.notAfter)),
            ("token", target.tokenNames ?? "none, according to the ledger"),
        ]
        let text =
            lines.filter { !$0.1.isEmpty }.map { "  " + padded($0.0, 11) + printable($0.1) }
            .flatMap { folded($0, at: 13, width: width) }
        var consequences = [
            "  ! You can still read mail encrypted to it, as long as you have its key.",
            "  ! Signatures with it, also earlier ones, may be reported as invalid.",
            "  ! A revocation cannot be undone.",
        ]
        if !others.isEmpty {
            let numbers = others.joined(separator: ", ")
            consequences.insert(
                "  ! Other certificates for its key are not revoked: serial \(numbers)", at: 0)
        }
        return ["This certificate will be revoked:"] + text
            + consequences.flatMap { folded($0, at: 4, width: width) }
    }
}

extension WebLogin {
    /// The certificate of a row; nil if the site does not give it.
    func download(_ row: ListedCertificate) throws -> Certificate? {
        do throws(WebAccountError) {
            return try account.certificate(row.number)
        } catch {
            guard error.code == .noSuchCertificate else { throw error }
            return nil
        }
    }
}

extension Failure {
    init(unknownRevocation reason: String) {
        self.init(
            .pending, code: "revocationUnknown",
            "it is unknown whether the CA revokes the certificate: \(reason)",
            hints: [
                "to see its state: tokencert certificates --all",
                "if it is still valid there, run the same command again",
            ])
    }
}
