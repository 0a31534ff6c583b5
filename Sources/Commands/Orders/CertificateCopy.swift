internal import Cryptoki
internal import OpenSSLX509
internal import TokencertIssuance
internal import TokencertLedger
internal import TokencertTokens

/// `renew --copy-to`: a certificate with the content of another one, for a new key on a second token.
///
/// The first token is only read, without a login.
struct CertificateCopy {
    let command: RenewCommand
    let wishes: RenewalWishes
    let anchors: TrustAnchors

    /// Orders the certificate, or shows what would be ordered. The name is that of the key or certificate
    /// on the first token; `target` is the label, serial number or URI of the second token.
    func run(_ name: ObjectName, to target: String) throws {
        let (candidate, original) = try find(name)
        let options: TokenOptions
        let token: TokenCapabilities
        do {
            options = try command.tokenOptions.naming(otherToken: target)
            token = try findToken(options)
        } catch let failure as Failure {
            throw failure.namingCopyTo
        }
        try requireOtherToken(original, token, target)
        try requireNoCopy(of: candidate.certificate, on: token, options)
        try useSources(options, nil, of: token.token, command.ca)
        let isDryRun = setting(command.dryRun, .dryRun)
        let waitingTime = try command.fetchOptions.agreedWaitingTime(command.ca, isDryRun: isDryRun)
        let runner = Runner(
            try issuanceSettings(anchors, command.ca, options),
            try openAuthority(command.ca, anchorsPEM: anchors.pem, waitingTime: waitingTime))
        let plan = try runner.plan(wishes.copy(of: candidate, on: original), on: token)
        try command.ledgerOptions.requireWritable()
        try runner.check(plan, for: nil, in: command.ledgerOptions.openIfThere())
        if isDryRun {
            notePINs(plan.pins, options)
            printNotes(plan.labelRemarks)
            return try showPlan(plan, on: token, ca: command.ca.address(), command.output)
        }
        try Hooks.beforeOrder(HookFacts(plan))
        let ledger = try command.ledgerOptions.openForWriting()
        let issued = try withPINs(plan.pins, options, nil) { pins in
            var connection = try Connection(token, pins)
            return try runner.issue(plan, in: ledger, over: &connection)
        }
        Hooks.after(.afterIssue, issued)
        try showIssued(issued, command.output)
        if !command.output.isJSON, !command.output.isQuiet {
            printFolded(
                [
                    "The certificate has the same content as \(printable(command.name ?? "")) on token \(NamedToken(uri: original.description).title). "
                        + "From now on, tokencert renew renews both if both tokens are present and you type their PINs."
                ], at: 0)
        }
        try command.output.printNext(.list)
    }

    /// The certificate to copy, and the URI of its token.
    private func find(_ name: ObjectName) throws -> (RenewalCandidate, token: PKCS11URI) {
        let options = command.tokenOptions
        let token = try findToken(options, name.uri, onlyReading: true)
        let renewal = TokenRenewal(
            command: command, wishes: wishes, anchors: anchors, token: token,
            selection: .named(name),
            place: .init(selection: options.selection(name.uri, token.token)))
        let found = try renewal.find(seeingPrivateKeys: false)
        return (found.candidates[0], try PKCS11URI(token: token.token))
    }

    private func requireOtherToken(
        _ original: PKCS11URI, _ token: TokenCapabilities, _ target: String
    ) throws {
        let uri = try PKCS11URI(token: token.token)
        guard mayBeSameToken(original.description, uri.description) else { return }
        throw Failure(
            .usage, "--copy-to \(target) is the token that already has the certificate",
            hints: [
                "name another token; to list all tokens: tokencert tokens",
                "for a new key on the same token: --new-key instead of --copy-to",
            ])
    }

    /// Throws if the token has a copy of the certificate, or if an unfinished order may bring one.
    private func requireNoCopy(
        of certificate: Certificate, on token: TokenCapabilities, _ options: TokenOptions
    ) throws {
        let copies = CopiedCertificates(try command.ledgerOptions.ordersIfCopied())
        let uri = try PKCS11URI(token: token.token).description
        guard let order = copies.orderOfCopy(of: certificate, to: uri) else { return }
        guard order.isProved else {
            throw Failure(
                .pending, code: "otherOrderUnfinished",
                "order \(order.number) for a copy on this token is unfinished",
                hints: ["to finish it: tokencert resume \(order.number)"])
        }
        let inventory = try token.inventory(keepingCertificates: { _ in true })
        // A copy that was deleted may be made again.
        guard let fingerprint = order.provedFingerprint,
            let copy = inventory.entries.lazy.compactMap(\.certificate).first(where: {
                hexadecimal($0.sha256Fingerprint) == fingerprint
            })
        else { return }
        throw Failure(
            .cannotCreate, code: "alreadyCopied",
            "token \"\(token.token.info.label)\" already has a copy of the certificate: "
                + "serial number \(copy.serialNumber)",
            hints: [
                "to renew it: tokencert renew \(copy.serialNumber)"
                    + options.selection(nil, token.token)
            ])
    }
}

extension Failure {
    /// The failure of a token that `--copy-to` names. `--token` names the first token: a hint with it
    /// would select another certificate.
    fileprivate var namingCopyTo: Failure {
        func renamed(_ text: String) -> String {
            text.replacing("--token", with: "--copy-to")
                .replacing("--copy-to-profile", with: "--token-profile")
        }
        return with(message: renamed(message), hints: hints.map(renamed))
    }
}
