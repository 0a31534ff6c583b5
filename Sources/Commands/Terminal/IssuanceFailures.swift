internal import Cryptoki
internal import OpenSSLX509
internal import TokencertIssuance
internal import TokencertLedger
internal import TokencertPlatform

/// The exit status and the hints for each failure of a job, by the state of its order.
/// A hint with `{choice}` is repeated for each choice of the failure. `{order}` is the number of
/// the order, `{resume}` the command that continues it and `{abandon}` the hint on giving it up.
private struct FailureRow {
    /// The orders that a hint is for. The first match applies.
    enum Standing {
        /// No certificate was or may be issued.
        case notOrdered
        case noOrder
        /// The certificate is in the ledger and must still be written to the token.
        case certified
        /// The CA's answer is in the ledger, and the user has nothing to decide.
        case arrived
        case fromElsewhere
        case fromLedger
        /// It is for the CA behind a command, and no certificate was or may be issued.
        case commandNotOrdered
        case command
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
            case .commandNotOrdered:
                order.map { $0.isOfCommand && !$0.mayHaveOrdered } ?? false
            case .command: order?.isOfCommand ?? false
            case .any: true
            }
        }
    }

    typealias Hints = [(standing: Standing, lines: [String])]

    let status: ExitStatus
    /// What to do about the failure.
    private(set) var hints: Hints = []
    /// How to continue the order. If nothing matches, ``goingOn(_:)`` applies.
    private(set) var order: Hints = []

    init(_ status: ExitStatus, _ lines: String...) {
        self.status = status
        if !lines.isEmpty { hints = [(.any, lines)] }
    }

    func hinting(_ standing: Standing, _ lines: String...) -> FailureRow {
        var row = self
        row.hints.append((standing, lines))
        return row
    }

    /// Adds hints on how to continue the order, for a standing.
    func going(_ standing: Standing, _ lines: String...) -> FailureRow {
        var row = self
        row.order.append((standing, lines))
        return row
    }

    private static let keysOfToken =
        "to see the keys on the token: tokencert list --pin-source prompt"
    private static let account = "to see what your account may request: tokencert account"
    private static let webSite = "check the account on the CA's web site"
    private static let earlierOrder =
        "the CA may still issue a certificate for an earlier order: \(webSite)"
    private static let askCA = "ask the CA before you order again"
    private static let earlierOrderOfCommand =
        "the CA may still issue a certificate for an earlier order: \(askCA)"
    private static let stateOfToken =
        "to see whether the token is still present, and its state: tokencert tokens"

    static let rows: [IssuanceError.Code: FailureRow] = [
        // The token and what is on it
        .tokenUnsuitable: .init(
            .cannotCreate, "{choice}", "to see what the token can do: tokencert tokens --verbose"),
        .tokenNotWritable: .init(.cannotCreate, "to see the state of the token: tokencert tokens"),
        .tokenFailed: .init(.tokenFailed, stateOfToken),
        .idTaken: .init(
            .cannotCreate, "to use a free id, leave out --id",
            "to see which object has this id: tokencert list"),
        .labelTaken: .init(.cannotCreate, "to make another key, use another --label"),
        .noSuchPlace: .init(.cannotCreate, "set --id to one of: {choices}"),
        .noRoom: .init(.cannotCreate)
            .hinting(
                .certified,
                "make room on the token for the issued certificate, which is in the ledger"
            )
            .hinting(
                .notOrdered, "{choice}",
                "to make a new key in a free place: tokencert issue"
            )
            .hinting(.any, "make room for a certificate on the token first"),
        .notDestroyable: .init(.cannotCreate, "{choice}", "to remove it, try the token's own tool"),
        .noSuchObject: .init(.noSuchObject, keysOfToken),
        .severalObjects: .init(.noSuchObject, "one of them: --key {choice}"),
        .keyUnusable: .init(.cannotCreate, "{choice}"),
        .keyUnsafe: .init(.tokenFailed, stateOfToken),
        .keyTooWeak: .init(.cannotCreate, "to use a weaker key: --key-type {choice}"),
        .keyGone: .init(.noSuchObject, keysOfToken)
            .going(.any, "if the key is on another token: {resume} --token NAME", "{abandon}"),
        .notProved: .init(.tokenFailed, stateOfToken),
        // PINs
        .pinRefused: .init(.noPermission, "to see the state of the PIN: tokencert tokens"),
        .pinExpired: .init(
            .noPermission, "to change it: tokencert token change-pin; for the SO PIN, add --so"),
        .pinLastTry: .init(.noPermission, "to send it anyway: --allow-last-try"),
        // The request
        .keyNotAccepted: .init(
            .dataRefused, "choose another kind with --key-type; CAcert signs RSA keys only",
            "for another CA, list the kinds of keys that it signs: --ca-accepts"),
        .accountLacks: .init(.dataRefused, account),
        .nameNotIssuable: .init(
            .dataRefused, "with tokencert issue, use instead: --name {choice}", account),
        .addressNotIssuable: .init(
            .dataRefused, "with tokencert issue, use instead: --email {choice}",
            "add another address to the account on the CA's web site"),
        .badSubject: .init(
            .dataRefused, "use a --name of at most 64 characters, and --email addresses in ASCII"),
        // The CA
        .credentialsRefused: .init(.noPermission)
            .hinting(.commandNotOrdered, "check the credentials that the CA command uses")
            .hinting(.command, earlierOrderOfCommand)
            .hinting(
                .notOrdered,
                "check --username and --password-source: the CA does not say which is wrong",
                "if both are right, try again later: the CA's database may be down"
            )
            .hinting(.any, earlierOrder),
        .caUnreachable: .init(.unreachable)
            .hinting(
                .commandNotOrdered, "nothing was ordered; try again, or check --ca-command"
            )
            .hinting(.command, earlierOrderOfCommand)
            .hinting(
                .notOrdered,
                "nothing was ordered; try again, or check --ca-url and --ca-file, or --ca-command"
            )
            .hinting(.any, earlierOrder),
        .orderRefused: .init(.dataRefused)
            .hinting(.commandNotOrdered, "ask the CA which orders it accepts")
            .hinting(.command, earlierOrderOfCommand)
            .hinting(.notOrdered, account).hinting(.any, earlierOrder),
        .orderPending: .init(.pending)
            .hinting(.command, "{choice}", askCA + ": each order may result in a certificate")
            .hinting(
                .any, "{choice}", "{address}",
                "do not order again before the outcome is known: each order may result in a certificate"
            ),
        .needsDecision: .init(.pending).hinting(.command, askCA).hinting(.any, webSite),
        // The certificate
        .certificateWrong: .init(.certificateWrong)
            .hinting(.fromLedger, "nothing was written; do not use that certificate")
            .hinting(.any, "nothing was written; check that it is the right certificate")
            .going(
                .arrived, "the CA's answer is in the ledger; to check it again: {resume}",
                "to use another certificate from the CA: {resume} --from FILE", "{abandon}"),
        .certificateRevoked: .init(
            .certificateWrong, "nothing was written; do not use that certificate"
        )
        .going(.any, "to see what else you can do: {resume}"),
        .issuerNotTrusted: .init(
            .certificateWrong,
            "to get CAcert's root and class 3 certificates: tokencert trust fetch",
            "to trust another CA, compare the fingerprint of its certificate with the one that it "
                + "publishes, then: tokencert trust add FILE",
            "if --ca-file or ca-file is set, add the issuer's certificate to that file instead"
        )
        .going(.fromLedger, "then continue with the answer in the ledger: {resume}", "{abandon}"),
        .certificateDiffers: .init(.certificateWrong)
            .hinting(.noOrder, "to write it anyway: --accept-changes")
            .going(
                .fromElsewhere, "to write it anyway: {resume} --from FILE --accept-changes"
            )
            .going(
                .any,
                "the certificate is in the ledger; to write it anyway: {resume} --accept-changes"),
        .notTheOutcome: .init(
            .certificateWrong, "{choice}",
            "nothing was written; to see the outcome of each order: tokencert history"),
        .issuedBeforeOrder: .init(
            .certificateWrong,
            "nothing was written; to see when the order was sent: tokencert history"
        )
        .going(
            .any,
            "if it belongs to the order because this machine's clock was wrong, give up the order, "
                + "although the CA may still issue another certificate: {resume} --abandon",
            "then write the certificate: tokencert import --cert FILE"),
        // The ledger and its orders
        .ledgerFailed: .init(.configuration)
            .hinting(
                .notOrdered, "to use another ledger: --ledger PATH; nothing is done without one"
            )
            .hinting(.any, "make the ledger usable again first: it records what was ordered"),
        .otherOrderUnfinished: .init(.pending),
        .alreadyReplaced: .init(.pending).going(.any, "to see it: tokencert history {order}"),
        .orderInUse: .init(.pending)
            .going(.any, "wait for the other process, then see the result: {resume}"),
    ]

    /// The hints of the first standing that matches, or nil.
    static func lines(_ hints: Hints, for error: IssuanceError) -> [String]? {
        hints.first { $0.standing.fits(error.order) }?.lines.flatMap { fill($0, error) }
    }

    private static func fill(_ line: String, _ error: IssuanceError) -> [String] {
        if line == "{choice}" { return error.choices }
        if line == "{address}" { return Failure.address(error.order?.addressAtCA) }
        if line.contains("{choice}") {
            let choices =
                error.code == .severalObjects
                ? shortNames(ofURIs: error.choices) : error.choices.map(quoted)
            return choices.map { line.replacing("{choice}", with: $0) }
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

    /// How to continue an order, by what it needs.
    static func goingOn(_ needed: NextAction?) -> [String] {
        switch needed {
        case .nothing: []
        case .decision:
            [
                "to look for the certificate at the CA, without a new order: {resume} --fetch",
                "if you have it in a file: {resume} --from FILE",
                "to see what else you can do: {resume}",
            ]
        default: ["to continue: {resume}", "{abandon}"]
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
            hints.append("the certificate was written: \(objectTitle(ofURI: uri))")
        }
        if let uri = error.seenCertificate {
            hints.append(
                "the token refused the certificate but shows it: \(objectTitle(ofURI: uri))")
        }
        hints += (error.order?.writtenChain ?? []).map {
            "a certificate of its chain was written: \($0)"
        }
        if let key = error.key, key.isNew {
            hints.append("the new key pair stays on the token: \(objectTitle(ofURI: key.uri))")
            // A key may be removed only if no certificate can be issued for it any more.
            if error.order?.isKeyUnsent ?? false { hints.append(Self.removal(of: key)) }
        }
        if let bytes = error.order?.unrecordedAnswer {
            hints.append("the ledger could not store the CA's answer; keep the lines that follow:")
            // Keeps the line breaks, which are part of the answer.
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

    /// Suggestions, shown before the hints of the table.
    private static func hintsBefore(_ error: IssuanceError) -> [String] {
        switch error.code {
        case .accountLacks:
            if let missing = error.missing {
                let option = missing == .name ? "--name" : "--email"
                return error.choices.map { "one of them: \(option) \(shellWord($0))" }
            }
            let meant = error.wanted.map { suggestions(for: $0, among: error.choices) } ?? []
            return meant.map { "did you mean \($0)?" }
                + error.choices.filter { !meant.contains($0) }.map { "the account has: \($0)" }
        case .caUnreachable
        where error.reason.contains("certificate has expired")
            || error.reason.contains("certificate is not yet valid"):
            // The texts of OpenSSL's X509_verify_cert_error_string.
            return [
                "check this machine's clock: date",
                "to see whether a trust anchor has expired: tokencert doctor",
            ]
        case .noSuchObject:
            let wanted = error.wanted.flatMap { try? PKCS11URI(parsing: $0) }
            return wanted.map { objectHints($0, among: error.choices) } ?? []
        case .labelTaken:
            return shortNames(ofURIs: error.choices).flatMap {
                [
                    "to renew the certificate of that key: tokencert renew \($0)",
                    "to use that key: --key \($0) instead of --label",
                ]
            }
        default: return []
        }
    }

    /// Hints that replace those of the table, by what the token returned; nil for none.
    private static func special(_ error: IssuanceError) -> [String]? {
        switch (error.code, error.tokenError?.returnValue) {
        case (.severalObjects, _) where Set(error.choices).count < 2:
            [
                "to see them: tokencert list --pin-source prompt",
                "give each key pair a CKA_ID of its own, for example with pkcs11-tool --set-id",
            ]
        case (.tokenFailed, .deviceRemoved?):
            ["insert the token again"]
        case (.tokenFailed, .userNotLoggedIn?):
            [
                "some tokens need the SO PIN for this; to see the known ones: "
                    + "tokencert tokens --profiles",
                "for another such token, use a profile: --token-profile FILE",
            ]
        default: nil
        }
    }

    /// The command that removes a key pair for which no certificate can be issued any more.
    private static func removal(of key: IssuanceError.KeyOnToken) -> String {
        let name = key.id.isEmpty ? quoted(key.uri) : "\(hexadecimal(key.id)) --key"
        let token = key.id.isEmpty ? "" : NamedToken.option(ofObject: key.uri)
        return "to remove it: tokencert delete \(name)\(token) "
            + moduleOptions(key.modulePath, name: key.moduleName, arguments: key.moduleArguments)
    }
}
