internal import Cryptoki
internal import TokencertIssuance
internal import TokencertLedger

/// The exit status and the hints for each failure of a job, by the state of its order.
///
/// In a hint, `{choice}` makes a line for each choice of the failure, `{order}` is the number of the
/// order, `{resume}` the command that lets it go on, and `{abandon}` the line on giving it up.
private struct FailureRow {
    /// Which orders hints are for. The first that fits holds.
    enum Standing {
        /// No certificate was or may be issued.
        case notOrdered
        /// There is no order.
        case noOrder
        /// The certificate is in the ledger, and has to be written.
        case certified
        /// The ledger has what came, and the user need not decide anything.
        case arrived
        /// The certificate came from elsewhere.
        case fromElsewhere
        /// The certificate, if there is one, did not come from elsewhere.
        case fromLedger
        /// Any other one.
        case any

        func fits(_ order: OrderStanding?) -> Bool {
            switch self {
            case .notOrdered: !(order?.mayHaveOrdered ?? false)
            case .noOrder: order == nil
            case .certified: order?.nextAction == .certificate
            case .arrived:
                order.map { !$0.isFromElsewhere && $0.nextAction?.isDecision != true } ?? false
            case .fromElsewhere: order?.isFromElsewhere ?? false
            case .fromLedger: order.map { !$0.isFromElsewhere } ?? false
            case .any: true
            }
        }
    }

    typealias Hints = [(standing: Standing, lines: [String])]

    let status: ExitStatus
    /// What to do about the failure.
    private(set) var hints: Hints = []
    /// How the order goes on. Where nothing fits its state says it: see ``goingOn(_:)``.
    private(set) var order: Hints = []

    init(_ status: ExitStatus, _ lines: String...) {
        self.status = status
        if !lines.isEmpty { hints = [(.any, lines)] }
    }

    /// Adds hints for some standings, after those that are there.
    func hinting(_ standing: Standing, _ lines: String...) -> FailureRow {
        var row = self
        row.hints.append((standing, lines))
        return row
    }

    /// Adds how an order goes on, for some standings.
    func going(_ standing: Standing, _ lines: String...) -> FailureRow {
        var row = self
        row.order.append((standing, lines))
        return row
    }

    private static let keysOfToken = "tokencert list --pin-source prompt shows the keys"
    private static let account = "tokencert account shows what the account may have"
    private static let webSite = "look into the account on the CA's web site"
    private static let earlierOrder = "the CA may still issue for an earlier order: \(webSite)"
    private static let stateOfToken =
        "tokencert tokens shows whether the token is still seen, and in what state"

    /// The table.
    static let rows: [IssuanceError.Code: FailureRow] = [
        // The token and what is on it
        .tokenUnsuitable: .init(
            .cannotCreate, "{choice}", "tokencert tokens --verbose shows what the token can do"),
        .tokenNotWritable: .init(.cannotCreate, "tokencert tokens shows the state of the token"),
        .tokenFailed: .init(.tokenFailed, stateOfToken),
        .idTaken: .init(
            .cannotCreate, "leave --id out, and a free one is taken",
            "tokencert list shows what has it"),
        .labelTaken: .init(.cannotCreate, "for one more key: another --label"),
        .noSuchPlace: .init(.cannotCreate, "--id takes one of {choices}"),
        .noRoom: .init(.cannotCreate)
            .hinting(
                .certified,
                "the certificate that was issued is in the ledger; make room for it on the token"
            )
            .hinting(
                .notOrdered, "{choice}",
                "a new key is made in a place that is free: tokencert issue"
            )
            .hinting(.any, "make room for a certificate on the token first"),
        .notDestroyable: .init(
            .cannotCreate, "{choice}", "the token's own tool may be able to remove it"),
        .noSuchObject: .init(.noSuchObject, "\(keysOfToken) with their URIs"),
        .severalObjects: .init(.noSuchObject, "one of them: --key {choice}"),
        .keyUnusable: .init(.cannotCreate, "{choice}"),
        .keyUnsafe: .init(.tokenFailed, stateOfToken),
        .keyGone: .init(.noSuchObject, "\(keysOfToken) on the token")
            .going(.any, "if the key is on another token: {resume} --token URI", "{abandon}"),
        .notProved: .init(.tokenFailed, stateOfToken),
        // PINs
        .pinRefused: .init(.noPermission, "tokencert tokens shows the state of the PIN"),
        .pinExpired: .init(
            .noPermission,
            "tokencert token change-pin changes it; with --so the security officer's"),
        .pinLastTry: .init(.noPermission, "--allow-last-try sends it anyway"),
        // What is asked for
        .keyNotAccepted: .init(
            .dataRefused, "--key-type names the kind; CAcert signs RSA keys only",
            "--ca-accepts says what another CA signs"),
        .accountLacks: .init(.dataRefused, account),
        .nameNotIssuable: .init(
            .dataRefused, "possible instead, with tokencert issue: --name {choice}", account),
        .addressNotIssuable: .init(
            .dataRefused, "possible instead, with tokencert issue: --email {choice}",
            "the CA's web site adds another address to the account"),
        .badSubject: .init(
            .dataRefused, "--name takes 64 characters at most, --email plain ASCII addresses"),
        // The CA
        .credentialsRefused: .init(.noPermission)
            .hinting(
                .notOrdered,
                "the CA does not report which of the two is wrong: --username, --password-source",
                "it answers the same while its database is down: if both are right, try again later"
            )
            .hinting(.any, earlierOrder),
        .caUnreachable: .init(.unreachable)
            .hinting(.notOrdered, "nothing was ordered; try again, or see --ca-url and --ca-file")
            .hinting(.any, earlierOrder),
        .orderRefused: .init(.dataRefused)
            .hinting(.notOrdered, account).hinting(.any, earlierOrder),
        .orderPending: .init(
            .pending, "\(webSite) before you order again: every order may issue a certificate"),
        .needsDecision: .init(.pending, webSite),
        // The certificate that came
        .certificateWrong: .init(
            .certificateWrong, "nothing was written; do not use that certificate"
        )
        .going(.arrived, "what came is in the ledger; to check it again: {resume}", "{abandon}"),
        .issuerNotTrusted: .init(
            .certificateWrong, "tokencert trust fetch gets CAcert's root and class 3 certificates",
            "tokencert trust add FILE trusts the issuer of another CA; compare its fingerprint "
                + "with the one that the CA publishes",
            "if --ca-file or ca-file is set, add the issuer's certificate to that file instead"
        )
        .going(.fromLedger, "what came is in the ledger; then: {resume}", "{abandon}"),
        .certificateDiffers: .init(.certificateWrong)
            .hinting(.noOrder, "--accept-changes writes it anyway")
            .going(
                .fromElsewhere, "to write it anyway: {resume} --from FILE --accept-changes"
            )
            .going(
                .any, "it is in the ledger; to write it anyway: {resume} --accept-changes"),
        .notTheOutcome: .init(
            .certificateWrong,
            "nothing was written; tokencert history shows the outcome of each order"),
        .issuedBeforeOrder: .init(
            .certificateWrong, "nothing was written; tokencert history shows when it was sent"
        )
        .going(
            .any,
            "if it belongs to the order, since this machine's clock was wrong, give the order up, "
                + "although the CA may still issue another one: {resume} --abandon",
            "then write it: tokencert import --cert FILE"),
        // The ledger and its orders
        .ledgerFailed: .init(.configuration)
            .hinting(
                .notOrdered, "--ledger PATH names another ledger; without one nothing is done"
            )
            .hinting(.any, "make the ledger usable again first: it knows what was ordered"),
        .otherOrderUnfinished: .init(.pending),
        .alreadyReplaced: .init(.pending).going(.any, "tokencert history {order} shows it"),
        .orderInUse: .init(.pending)
            .going(.any, "wait until it is done; {resume} shows how it ended"),
    ]

    /// The lines of the first standing that fits, or nil.
    static func lines(_ hints: Hints, for error: IssuanceError) -> [String]? {
        hints.first { $0.standing.fits(error.order) }?.lines.flatMap { fill($0, error) }
    }

    private static func fill(_ line: String, _ error: IssuanceError) -> [String] {
        if line == "{choice}" { return error.choices }
        if line.contains("{choice}") {
            return error.choices.map { line.replacing("{choice}", with: quoted($0)) }
        }
        var line = line
        if let order = error.order {
            let abandoning = Failure.abandoning(
                order.number, order.arrivedState, mayHaveOrdered: order.mayHaveOrdered)
            line = line.replacing("{abandon}", with: abandoning)
                .replacing("{resume}", with: "tokencert resume \(order.number)")
                .replacing("{order}", with: "\(order.number)")
        }
        return [line.replacing("{choices}", with: error.choices.joined(separator: ", "))]
    }

    /// How an order goes on, by what it needs.
    static func goingOn(_ needed: NextAction?) -> [String] {
        switch needed {
        case .nothing: []
        case .decision:
            [
                "to take the certificate from the web site: {resume} --from FILE",
                "{resume} without an option shows what else can be done",
            ]
        default: ["to go on: {resume}", "{abandon}"]
        }
    }
}

extension Failure {
    init(issuance error: IssuanceError) {
        let row = FailureRow.rows[error.code]
        var hints = Self.hintsBefore(error)
        hints += Self.special(error) ?? FailureRow.lines(row?.hints ?? [], for: error) ?? []
        var answer: [String] = []
        if let uri = error.order?.writtenCertificate {
            hints.append("the certificate was written: \(quoted(uri))")
        }
        if let uri = error.seenCertificate {
            hints.append("the token refused it but shows it: \(quoted(uri))")
        }
        hints += (error.order?.writtenChain ?? []).map {
            "a certificate of its chain was written: \($0)"
        }
        if let key = error.key, key.isNew {
            hints.append("the key pair that was made stays on the token: \(quoted(key.uri))")
            // A key may be removed only if no certificate can be issued for it any more.
            if error.order?.isKeyUnsent ?? false { hints.append(Self.removal(of: key)) }
        }
        if let bytes = error.order?.unrecordedAnswer {
            hints.append("the ledger could not take what the CA answered; keep what follows:")
            // Line by line, as it has to be to be read again.
            answer = String(decoding: bytes, as: UTF8.self).split(
                omittingEmptySubsequences: false, whereSeparator: \.isNewline
            ).map(String.init)
        }
        if let order = error.order {
            let general = FailureRow.goingOn(order.nextAction)
            hints +=
                FailureRow.lines(row?.order ?? [], for: error)
                ?? FailureRow.lines([(.any, general)], for: error) ?? []
        }
        self.init(
            row?.status ?? .bug, code: "\(error.code)", error.text, hints: hints,
            attachment: answer)
    }

    /// What may have been meant, before the hints of the table.
    private static func hintsBefore(_ error: IssuanceError) -> [String] {
        switch error.code {
        case .accountLacks:
            let meant = error.wanted.map { suggestions(for: $0, among: error.choices) } ?? []
            return meant.map { "did you mean \($0)?" }
                + error.choices.filter { !meant.contains($0) }.map { "the account has: \($0)" }
        case .noSuchObject:
            let wanted = error.wanted.flatMap { try? PKCS11URI(parsing: $0) }
            return wanted.map { objectHints($0, among: error.choices) } ?? []
        case .labelTaken:
            return error.choices.flatMap {
                [
                    "to renew the certificate of that key: tokencert renew \(quoted($0))",
                    "to use that key: --key \(quoted($0)) instead of --label",
                ]
            }
        default: return []
        }
    }

    /// Hints that depend on what the token returned or has, in place of those of the table; nil for
    /// none.
    private static func special(_ error: IssuanceError) -> [String]? {
        switch (error.code, error.tokenError?.returnValue) {
        case (.severalObjects, _) where Set(error.choices).count < 2:
            [
                "tokencert list --pin-source prompt shows them",
                "give each key pair a CKA_ID of its own, for example with pkcs11-tool --set-id",
            ]
        case (.tokenFailed, .deviceRemoved?):
            ["put the token back in"]
        case (.tokenFailed, .userNotLoggedIn?):
            [
                "some tokens want the security officer for this: tokencert tokens --profiles shows "
                    + "those that are known, --token-profile FILE says it of another"
            ]
        default: nil
        }
    }

    /// The command that removes a key pair for which no certificate can be issued any more.
    private static func removal(of key: IssuanceError.KeyOnToken) -> String {
        "to remove it: tokencert delete \(quoted(key.uri)) "
            + moduleOptions(key.modulePath, name: key.moduleName, arguments: key.moduleArguments)
    }
}
