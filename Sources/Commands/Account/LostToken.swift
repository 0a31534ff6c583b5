internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertIssuance
internal import TokencertLedger
internal import TokencertTokens

/// A token that the user has lost, and the revocation of its certificates.
struct LostToken {
    private let name: String
    private let token: LedgerToken
    private let certificates: [LedgerCertificate]
    private let orders: [Order]
    /// The CA certificates of the ledger.
    private let authorities: [Certificate]

    /// Finds the token with a complete label or serial number in the ledger.
    init(_ name: String, in ledger: LedgerCertificates, _ orders: [Order]) throws {
        let named = ledger.tokens(named: name)
        guard named.count < 2 else {
            let titles = NamedToken.titles(named.map { NamedToken(uri: $0.uri) })
            throw Failure(
                .noSuchObject, code: "severalTokens",
                "the ledger contains several tokens with the name \"\(name)\"",
                hints: several(
                    titles.map { $0.replacing("--token ", with: "--lost-token ") },
                    all: "tokencert history"))
        }
        guard let token = named.first else {
            throw Failure(
                .noSuchObject, code: "noToken",
                "the ledger has no order for a token with the label or serial number \"\(name)\"",
                hints: [
                    "to see the tokens of your certificates: tokencert certificates",
                    "to revoke one certificate: tokencert revoke SERIAL",
                ])
        }
        self.name = name
        self.token = token
        self.orders = orders
        authorities = ledger.authorities
        certificates = ledger.certificates(on: token)
    }

    private var title: String { NamedToken(uri: token.uri).title }

    /// The name that the user types: the label or, if there is none, the serial number.
    private var word: String {
        let token = NamedToken(uri: token.uri)
        return token.label.isEmpty ? token.serialNumber : text(ofLabel: token.label)
    }

    /// Revokes the certificates that are valid at the CA, after one confirmation.
    func revoke(
        _ ca: CAOptions, _ ledger: LedgerOptions, _ output: CommonOptions, isAsked: Bool
    ) throws {
        let login = try WebLogin(ca)
        defer { login.account.logOut() }
        Progress.shared.begin("reading the list of certificates", onToken: false, isBrief: true)
        var found = try compare(login)
        Progress.shared.abandon()
        if !found.valid.isEmpty {
            if isAsked {
                try requireConfirmation(
                    found.question(title, width: Output.standardError.width), typing: word,
                    to: "revoke \(found.valid.count == 1 ? "it" : "them")",
                    hint: "to skip the question: --yes")
            }
            found.requested = revoke(found.valid, login)
        }
        // Recorded after all revocations, so that a locked ledger delays none.
        ledger.recordRevocations(of: found.revokedContents, by: login.site)
        // Asked last, so that no answer delays a revocation.
        found.add(publications(of: found.revokedContents, login.anchors, issuers: authorities))
        try report(found, login, ca, output)
    }

    /// What the account has of the token. Each certificate is downloaded and compared with the one in
    /// the ledger, also a revoked one: serial numbers are unique for one issuer only.
    private func compare(_ login: WebLogin) throws -> LostCertificates {
        let joined = AccountCertificate.join(
            try login.account.certificates(), orders, at: login.site,
            CAcertAccount<CurlTransport>.self, now: now())
        var found = LostCertificates()
        var claimed: Set<String> = []
        let time = now()
        let revocations = Revocations(orders)
        for known in certificates {
            if let other = known.otherCA(than: login.site) {
                let isRevoked = revocations.time(of: known.certificate) != nil
                found.addElsewhere(known, other, isRevoked: isRevoked, at: time)
                continue
            }
            var row: ListedCertificate?
            for candidate in joined
            where candidate.candidates.contains(where: { $0.certificate == known.certificate }) {
                guard try login.download(candidate.listed) == known.certificate else { continue }
                claimed.insert(candidate.listed.number)
                if row?.isRevoked ?? true { row = candidate.listed }
            }
            found.add(known, row, at: time)
        }
        let own = Set(certificates.map(\.certificate))
        let rows = joined.filter { row in
            !claimed.contains(row.listed.number)
                && row.candidates.allSatisfy { own.contains($0.certificate) }
        }
        let valid = rows.filter { $0.state == .valid }.map(\.listed)
        found.unread = try forUnknown(valid, login) { found.valid.append($0) }
        // An order may have led to a certificate that was revoked since.
        if !token.ordersThatMayBringCertificates(besides: certificates, found: found.unknown)
            .isEmpty
        {
            let revoked = rows.filter { $0.state == .revoked }.map(\.listed)
            _ = try forUnknown(revoked, login) { found.add(alreadyRevoked: $0) }
        }
        let pending = token.ordersThatMayBringCertificates(
            besides: certificates, found: found.unknown)
        found.mayStillBeIssued = pending.map(\.number)
        found.resumable = pending.first { !$0.isFinished }?.number
        return found
    }

    /// Passes the certificates of some rows that are for keys of the token and not in the ledger. Returns
    /// the number of rows that were not read.
    private func forUnknown(
        _ rows: [ListedCertificate], _ login: WebLogin, _ body: (RevocationTarget) -> Void
    ) throws -> Int {
        let newest = rows.sorted { ($0.number.count, $0.number) > ($1.number.count, $1.number) }
        var unread = max(0, newest.count - Self.maximumDownloads)
        for row in newest.prefix(Self.maximumDownloads) {
            guard let download = try login.download(row) else {
                unread += 1
                continue
            }
            guard token.hasKey(of: download), download.serialNumber == row.plainSerialNumber else {
                continue
            }
            body(RevocationTarget(row.number, download, nil))
        }
        return unread
    }

    private static let maximumDownloads = 50

    private func revoke(_ targets: [RevocationTarget], _ login: WebLogin) -> [RevokedCertificate] {
        Progress.shared.setInterruptionState(
            "the CA may have revoked some of the certificates",
            hints: [
                "to see their states: tokencert certificates --all",
                "to revoke the rest, run the same command again",
            ])
        return targets.enumerated().map { index, target in
            Progress.shared.begin(
                "revoking certificate \(index + 1) of \(targets.count)", onToken: false,
                isBrief: true)
            defer { Progress.shared.abandon() }
            // Only certificates with a number are valid in the account.
            let done = RevokedCertificate(target, after: login.account.revoke(target.number ?? ""))
            if done.outcome == .revoked {
                RevocationListCache(folder: revocationListFolder).removeAll()
            }
            return done
        }
    }

    // MARK: Report

    /// Reports what was revoked. Throws if a certificate may be valid still.
    private func report(
        _ found: LostCertificates, _ login: WebLogin, _ ca: CAOptions, _ output: CommonOptions
    ) throws {
        let failure = found.failure(
            title, name: name, account: "the account \(login.username) at \(login.site)")
        // Nothing at all was found, so there is nothing to report.
        if let failure, !failure.isInJSON { throw failure }
        if output.isJSON {
            try printJSON(
                RevocationReport(
                    lostToken: token.uri, revocations: found.all,
                    mayStillBeIssued: found.mayStillBeIssued, notCompared: found.unread))
        } else {
            let done = found.requested + found.revoked + found.expired + found.absent
            printNotes(done.compactMap(\.publication))
            for certificate in done {
                printFolded([printable(certificate.line)], at: 0)
                if let publication = certificate.publication {
                    printFolded(["  " + printable(publication.line(at: now()))], at: 2)
                }
            }
            for remark in found.remarks { printFolded([printable(remark)], at: 0) }
            if found.isAllOver {
                printFolded(
                    [printable("No certificate of token \(title) is valid; nothing was revoked.")],
                    at: 0)
            }
            if found.hasRevoked {
                printFolded(
                    ["Mail encrypted to these keys can no longer be read without the token."],
                    at: 0)
                if let rejection = found.rejection { printFolded([rejection], at: 0) }
            }
        }
        if let failure { throw failure }
        guard !output.isJSON else { return }
        try output.printNext(.issue(options: ca.selection))
    }
}
