internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertIssuance
internal import TokencertLedger
internal import TokencertTokens

/// A token that the user has lost, and the revocation of its certificates.
struct LostToken {
    private let token: LedgerToken
    private let certificates: [LedgerCertificate]
    private let orders: [Order]

    /// Finds the token with a complete label or serial number in the ledger.
    init(_ name: String, in ledger: LedgerCertificates, _ orders: [Order]) throws {
        let named = ledger.tokens(named: name)
        guard named.count < 2 else {
            let titles = NamedToken.titles(named.map { NamedToken(uri: $0.uri) })
            throw Failure(
                .noSuchObject, code: "severalTokens",
                "the ledger knows several tokens with the name \"\(name)\"",
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
        self.token = token
        self.orders = orders
        certificates = ledger.certificates(on: token)
    }

    private var title: String { NamedToken(uri: token.uri).title }

    /// The name that the user types: the label or, if there is none, the serial number.
    private var word: String {
        let token = NamedToken(uri: token.uri)
        return token.label.isEmpty ? token.serialNumber : text(ofLabel: token.label)
    }

    /// Revokes the certificates that are valid at the CA, after one confirmation.
    func revoke(_ ca: CAOptions, _ output: CommonOptions, isAsked: Bool) throws {
        guard !certificates.isEmpty else {
            throw Failure(
                .noSuchObject, code: "noSuchCertificate",
                "the ledger has no certificate that token \(title) has proved",
                hints: ["to see what the account has: tokencert certificates"])
        }
        let login = try WebLogin(ca)
        defer { login.account.logOut() }
        Progress.shared.begin("reading the list of certificates", onToken: false, isBrief: true)
        let (valid, others) = try compare(login)
        Progress.shared.abandon()
        var done = others
        if !valid.isEmpty {
            if isAsked {
                try requireConfirmation(
                    question(valid, others, width: Output.standardError.width), typing: word,
                    to: "revoke \(valid.count == 1 ? "it" : "them")",
                    hint: "to skip the question: --yes")
            }
            done = revoke(valid, login) + others
        }
        try report(done, count: valid.count, ca, output)
    }

    /// The certificates that are valid at the CA, and the others. Each is downloaded and compared with
    /// the one in the ledger.
    private func compare(
        _ login: WebLogin
    ) throws -> (valid: [RevocationTarget], others: [RevokedCertificate]) {
        let joined = AccountCertificate.join(
            try login.account.certificates(), orders, at: login.site,
            CAcertAccount<CurlTransport>.self, now: now())
        var valid: [RevocationTarget] = []
        var others: [RevokedCertificate] = []
        for known in certificates {
            let rows = joined.filter { $0.known?.certificate == known.certificate }
            var row: AccountCertificate?
            for candidate in rows {
                // Nothing is requested for a revoked one, so that it is not compared.
                if candidate.state == .revoked {
                    row = row ?? candidate
                } else if try login.account.certificate(candidate.listed.number)
                    == known.certificate
                {
                    row = candidate
                }
            }
            let target = RevocationTarget(row?.listed.number, known.certificate, known)
            switch row?.state {
            case .valid: valid.append(target)
            case .revoked: others.append(RevokedCertificate(target, .alreadyRevoked))
            case .expired:
                others.append(RevokedCertificate(target, .notRevoked, reason: Self.expired))
            case .pending, nil:
                others.append(RevokedCertificate(target, .notRevoked, reason: Self.absent))
            }
        }
        return (valid, others)
    }

    private static let expired = "it has expired"
    private static let absent = "this account does not have it"

    private func revoke(
        _ targets: [RevocationTarget], _ login: WebLogin
    ) -> [RevokedCertificate] {
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
            return RevokedCertificate(
                target, after: login.account.revoke(target.number ?? ""))
        }
    }

    // MARK: Texts

    private func question(
        _ valid: [RevocationTarget], _ others: [RevokedCertificate], width: Int?
    ) -> [String] {
        let lines =
            valid.map { "  " + printable($0.title) }
            + (others.isEmpty
                ? []
                : [
                    "  not among them, because revoked, expired or not in this account: \(others.count)"
                ])
            + [
                "  ! Mail encrypted to these keys can be read only with the token.",
                "  ! Signatures with these certificates will count as invalid.",
                "  ! A revocation cannot be undone.",
            ]
        return ["These certificates of token \(printable(title)) will be revoked:"]
            + lines.flatMap { folded($0, at: 4, width: width) }
    }

    /// Reports what was revoked. Throws if a certificate that was valid may be valid still.
    private func report(
        _ done: [RevokedCertificate], count: Int, _ ca: CAOptions, _ output: CommonOptions
    ) throws {
        let failed = done.prefix(count).filter { $0.outcome != .revoked }
        if output.isJSON {
            try printJSON(RevocationReport(lostToken: token.uri, revocations: done))
        } else {
            for certificate in done { printFolded([printable(certificate.line)], at: 0) }
            if count == 0 {
                printFolded(
                    [printable("No certificate of token \(title) is valid; nothing was revoked.")],
                    at: 0)
            }
            for order in token.orders where !order.isFinished && order.mayHaveOrdered {
                printFolded(
                    [
                        "Order \(order.number) for this token is unfinished: a certificate that the CA "
                            + "issues for it is not revoked."
                    ], at: 0)
            }
        }
        guard failed.isEmpty else { throw failure(failed, of: count) }
        guard !output.isJSON else { return }
        printFolded(
            ["Mail encrypted to these keys cannot be read any more without the token."], at: 0)
        printFolded(["Other users' programs reject the certificates from now on."], at: 0)
        try output.printNext(.issue(options: ca.selection))
    }

    private func failure(_ failed: [RevokedCertificate], of count: Int) -> Failure {
        let isUnknown = failed.contains { $0.outcome == .unknown }
        var failure = Failure(
            isUnknown ? .pending : .unreachable,
            code: isUnknown ? "revocationUnknown" : "notRevoked",
            "\(failed.count) of \(count) certificates "
                + (isUnknown ? "may not be revoked" : "were not revoked")
                + (failed[0].reason.map { ": \($0)" } ?? ""),
            hints: [
                "to see their states: tokencert certificates --all",
                "to revoke the rest, run the same command again",
            ])
        failure.isInJSON = true
        return failure
    }
}

extension RevokedCertificate {
    /// The outcome in one line.
    fileprivate var line: String {
        let title = "serial \(certificate.serialNumber ?? ""), \(certificate.subject ?? "")"
        let reason = reason.map { ": \($0)" } ?? ""
        return switch outcome {
        case .revoked: "revoked: \(title)"
        case .alreadyRevoked: "already revoked: \(title)"
        case .notRevoked: "not revoked: \(title)\(reason)"
        case .unknown: "unknown whether it is revoked: \(title)\(reason)"
        }
    }
}
