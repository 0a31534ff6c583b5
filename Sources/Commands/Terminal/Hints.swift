internal import Cryptoki
internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertInventory
internal import TokencertIssuance
internal import TokencertLedger

// Facts come from the libraries; here they become commands to type.

/// A word as a shell takes it.
func quoted(_ text: String) -> String {
    "'"
        + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
        + "'"
}

extension Failure {
    init(issuance error: IssuanceError) {
        var hints = Self.hints(error)
        var answer: [String] = []
        if let uri = error.writtenCertificate {
            hints.append("the certificate was written: \(quoted(uri))")
        }
        if let uri = error.seenCertificate {
            hints.append("the token refused it but shows it: \(quoted(uri))")
        }
        hints += error.writtenChain.map { "a certificate of its chain was written: \($0)" }
        if let key = error.key, key.isNew {
            hints.append("the key pair that was made stays on the token: \(quoted(key.uri))")
            // A key may be removed only if no certificate can be issued for it any more.
            if error.isKeyUnsent { hints.append(Self.removal(of: key)) }
        }
        if let bytes = error.unrecordedAnswer {
            hints.append("the ledger could not take what the CA answered; keep what follows:")
            // Line by line, as it has to be to be read again.
            answer = String(decoding: bytes, as: UTF8.self).split(
                omittingEmptySubsequences: false, whereSeparator: \.isNewline
            ).map(String.init)
        }
        if let order = error.order { hints += Self.hints(order: order, error) }
        self.init(
            Self.status(error), code: "\(error.code)", error.text, hints: hints,
            attachment: answer)
    }

    /// How a key pair is removed that nobody needs.
    private static func removal(of key: IssuanceError.KeyOnToken) -> String {
        "to remove it: tokencert delete \(quoted(key.uri)) "
            + moduleOptions(
                key.modulePath, name: key.moduleName, arguments: key.moduleArguments)
    }

    private static func abandoning(_ order: Int64, _ error: IssuanceError) -> String {
        abandoning(order, error.arrivedState, mayHaveOrdered: error.mayHaveOrdered)
    }

    /// How an order goes on that did not come to its end.
    private static func hints(order: Int64, _ error: IssuanceError) -> [String] {
        let resume = "tokencert resume \(order)"
        switch error.code {
        case .alreadyReplaced: return ["tokencert history \(order) shows it"]
        case .orderInUse: return ["wait until it is done; \(resume) shows how it ended"]
        case .certificateDiffers where error.isFromElsewhere:
            return ["to write it all the same: \(resume) --from FILE --accept-changes"]
        case .certificateDiffers:
            return ["it is in the ledger; to write it all the same: \(resume) --accept-changes"]
        case .issuerNotTrusted where !error.isFromElsewhere:
            return [
                "what came is in the ledger; then: \(resume)",
                abandoning(order, error),
            ]
        case .keyGone:
            return [
                "if the key is on another token: \(resume) --token URI",
                abandoning(order, error),
            ]
        case .issuedBeforeOrder:
            return [
                "if it belongs to the order, since this machine's clock was wrong, give the order up, although "
                    + "the CA may still issue another one: \(resume) --abandon",
                "then write it: tokencert import --cert FILE",
            ]
        case .certificateWrong where !error.isFromElsewhere && error.nextAction?.isDecision != true:
            return [
                "what came is in the ledger; to check it again: \(resume)",
                abandoning(order, error),
            ]
        default:
            break
        }
        switch error.nextAction {
        case .nothing:
            return []
        case .decision:
            return [
                "to take the certificate from the web site: \(resume) --from FILE",
                "\(resume) without an option shows what else can be done",
            ]
        default:
            return ["to go on: \(resume)", abandoning(order, error)]
        }
    }

    /// How an order is given up, and what its certificate comes to then.
    static func abandoning(
        _ order: Int64, _ arrived: OrderState?, mayHaveOrdered: Bool?
    ) -> String {
        let certificate = whatCame(arrived, mayHaveOrdered: mayHaveOrdered)
        let reason =
            switch (certificate, arrived) {
            case (let certificate?, nil): ", although \(certificate)"
            case (let certificate?, _): " (\(certificate))"
            case (nil, _): ""
            }
        return "to give it up\(reason): tokencert resume \(order) --abandon"
    }

    /// Where the certificate of an order is that is given up, or nil if none can come of it.
    static func whatCame(_ arrived: OrderState?, mayHaveOrdered: Bool?) -> String? {
        guard mayHaveOrdered != false else { return nil }
        return switch arrived {
        case .answered: "the CA's answer is in the ledger"
        case .certified: "the certificate is in the ledger"
        case .written: "the certificate was written to the token"
        case .proved: "the new certificate was written to the token; the old one stays"
        case .retiring:
            "the new certificate was written to the token; the old one may already be removed"
        default: "the CA may still issue a certificate for it"
        }
    }

    /// An order whose outcome nobody here can know.
    init(undecided order: Order, _ reason: String) {
        let resume = "tokencert resume \(order.number)"
        self.init(
            .pending,
            "nobody here can know whether the CA issued for order \(order.number): \(reason)",
            hints: [
                "look into the account on the CA's web site",
                "if the certificate is there: \(resume) --from FILE",
                "if it is not there after a quarter of an hour, order again, although the CA may then "
                    + "issue two: \(resume) --order-again",
                Self.abandoning(order.number, nil, mayHaveOrdered: true),
            ])
    }

    init(ledger error: LedgerError) {
        let number = error.order.map { "\($0)" } ?? "ORDER"
        let code = "\(error.code)"
        switch error.code {
        case .absent:
            self.init(
                .noSuchObject, code: code, error.reason,
                hints: [
                    "--ledger PATH names another; the first order makes one",
                    "tokencert config shows which ledger is used, and why",
                ])
        case .noSuchOrder:
            self.init(
                .noSuchObject, code: code, error.reason,
                hints: ["tokencert history shows all orders"])
        case .inUse:
            self.init(
                .pending, code: code, error.reason,
                hints: ["wait until it is done; tokencert history \(number) shows how it went"])
        case .locked:
            self.init(
                .configuration, code: code, error.reason,
                hints: ["see who has it open; --ledger PATH names another"])
        case .full:
            self.init(
                .configuration, code: code, error.reason,
                hints: ["make room, and do the same again"])
        case .damaged:
            self.init(
                .configuration, code: code, error.reason,
                hints: [
                    "keep the file: sqlite3 FILE .recover may bring its orders back",
                    "to begin a new one, move it and the files beside it away",
                    "--ledger PATH names another",
                ])
        case .newer:
            self.init(
                .configuration, code: code, error.reason,
                hints: ["use that version, or --ledger PATH"])
        default:
            self.init(
                .configuration, code: code, error.reason,
                hints: ["--ledger PATH names another place, XDG_STATE_HOME another folder"])
        }
    }

    private static func status(_ error: IssuanceError) -> ExitStatus {
        switch error.code {
        case .noSuchObject, .severalObjects, .keyGone: .noSuchObject
        case .tokenUnsuitable, .tokenNotWritable, .idTaken, .noSuchPlace, .noRoom, .labelTaken,
            .keyUnusable, .notDestroyable:
            .cannotCreate
        case .pinRefused, .pinExpired, .pinLastTry, .credentialsRefused: .noPermission
        case .tokenFailed, .keyUnsafe, .notProved: .tokenFailed
        case .keyNotAccepted, .accountLacks, .nameNotIssuable, .addressNotIssuable, .badSubject,
            .orderRefused:
            .dataRefused
        case .caUnreachable: .unreachable
        case .orderPending, .needsDecision, .otherOrderUnfinished, .orderInUse,
            .alreadyReplaced:
            .pending
        case .ledgerFailed: .configuration
        case .certificateWrong, .certificateDiffers, .issuerNotTrusted, .notTheOutcome,
            .issuedBeforeOrder:
            .certificateWrong
        default: .bug
        }
    }

    private static func hints(_ error: IssuanceError) -> [String] {
        let mayHaveOrdered = error.mayHaveOrdered ?? false
        switch error.code {
        case .caUnreachable where mayHaveOrdered, .orderRefused where mayHaveOrdered,
            .credentialsRefused where mayHaveOrdered:
            return [
                "the CA may still issue for an earlier order: look into the account on its web site"
            ]
        case .ledgerFailed where mayHaveOrdered:
            return ["make the ledger usable again first: it knows what was ordered"]
        case .accountLacks:
            let meant = error.wanted.map { suggestions(for: $0, among: error.choices) } ?? []
            let choices =
                meant.map { "did you mean \($0)?" }
                + error.choices.filter { !meant.contains($0) }.map { "the account has: \($0)" }
            return choices + ["tokencert account shows what the account may have"]
        case .nameNotIssuable:
            return error.choices.map {
                "possible instead, with tokencert issue: --name \(quoted($0))"
            }
                + ["tokencert account shows what the account may have"]
        case .addressNotIssuable:
            return error.choices.map {
                "possible instead, with tokencert issue: --email \(quoted($0))"
            }
                + ["the CA's web site adds another address to the account"]
        case .issuerNotTrusted:
            return [
                "tokencert trust fetch gets CAcert's root and class 3 certificates",
                "tokencert trust add FILE trusts the issuer of another CA; compare its fingerprint "
                    + "with the one that the CA publishes",
                "if --ca-file or ca-file is set, add the issuer's certificate to that file instead",
            ]
        case .noSuchObject:
            let wanted = error.wanted.flatMap { try? PKCS11URI(parsing: $0) }
            return (wanted.map { objectHints($0, among: error.choices) } ?? [])
                + ["tokencert list --pin-source prompt shows the keys with their URIs"]
        case .severalObjects where Set(error.choices).count < 2:
            return [
                "tokencert list --pin-source prompt shows them",
                "give each key pair a CKA_ID of its own, for example with pkcs11-tool --set-id",
            ]
        case .severalObjects:
            return error.choices.map { "one of them: --key \(quoted($0))" }
        case .idTaken:
            return ["leave --id out, and a free one is taken", "tokencert list shows what has it"]
        case .labelTaken:
            return error.choices.flatMap {
                [
                    "to renew the certificate of that key: tokencert renew \(quoted($0))",
                    "to use that key: --key \(quoted($0)) instead of --label",
                ]
            } + ["for one more key: another --label"]
        case .keyUnusable:
            return error.choices
        case .notDestroyable:
            return error.choices + ["the token's own tool may be able to remove it"]
        case .keyNotAccepted:
            return [
                "--key-type names the kind; CAcert signs RSA keys only",
                "--ca-accepts says what another CA signs",
            ]
        case .tokenUnsuitable:
            return error.choices + ["tokencert tokens --verbose shows what the token can do"]
        case .noSuchPlace:
            return ["--id takes one of " + error.choices.joined(separator: ", ")]
        case .noRoom where error.nextAction == .certificate:
            return [
                "the certificate that was issued is in the ledger; make room for it on the token"
            ]
        case .noRoom where mayHaveOrdered:
            return ["make room for a certificate on the token first"]
        case .noRoom:
            return error.choices + ["a new key is made in a place that is free: tokencert issue"]
        case .keyGone:
            return ["tokencert list --pin-source prompt shows the keys on the token"]
        case .tokenNotWritable:
            return ["tokencert tokens shows the state of the token"]
        case .pinRefused:
            return ["tokencert tokens shows the state of the PIN"]
        case .pinExpired:
            return [
                "tokencert token change-pin changes it; with --so the security officer's"
            ]
        case .pinLastTry:
            return ["--allow-last-try sends it all the same"]
        case .credentialsRefused:
            return [
                "the CA does not report which of the two is wrong: --username, --password-source",
                "it answers the same while its database is down: if both are right, try again later",
            ]
        case .caUnreachable:
            return ["nothing was ordered; try again, or see --ca-url and --ca-file"]
        case .orderPending:
            return [
                "look into the account on the CA's web site before you order again: every order "
                    + "may issue a certificate"
            ]
        case .certificateDiffers:
            return error.order == nil ? ["--accept-changes writes it all the same"] : []
        case .certificateWrong:
            return ["nothing was written; do not use that certificate"]
        case .notTheOutcome:
            return ["nothing was written; tokencert history shows the outcome of each order"]
        case .issuedBeforeOrder:
            return ["nothing was written; tokencert history shows when it was sent"]
        case .needsDecision:
            return ["look into the account on the CA's web site"]
        case .ledgerFailed:
            return ["--ledger PATH names another ledger; without one nothing is done"]
        case .otherOrderUnfinished, .orderInUse, .alreadyReplaced:
            return []
        case .orderRefused:
            return ["tokencert account shows what the account may have"]
        case .badSubject:
            return ["--name takes 64 characters at most, --email plain ASCII addresses"]
        case .tokenFailed where error.tokenError?.returnValue == .deviceRemoved:
            return ["put the token back in"]
        case .tokenFailed where error.tokenError?.returnValue == .userNotLoggedIn:
            return [
                "some tokens want the security officer for this: tokencert tokens --profiles shows "
                    + "those that are known, --token-profile FILE says it of another"
            ]
        default:
            return ["tokencert tokens shows whether the token is still seen, and in what state"]
        }
    }

    init(cryptoki error: CryptokiError) {
        let code = error.returnValue?.description ?? "\(error.code)"
        switch error.code {
        case .invalidURI:
            self.init(
                .usage, code: code, "not a PKCS#11 URI: \(error.context)",
                hints: [
                    "a URI looks like 'pkcs11:token=work;object=mail', in single quotes for the shell",
                    "tokencert tokens and tokencert list print the URIs of tokens and objects",
                ])
        case .otherToken:
            self.init(
                .noSuchObject, code: code, error.context,
                hints: ["insert the token that was chosen, and run the command again"])
        case .moduleUnusable:
            self.init(
                .configuration, code: code, error.description,
                hints: [
                    "--module takes the path of a PKCS#11 module, as "
                        + "/usr/lib/softhsm/libsofthsm2.so",
                    "SoftHSM2 needs a readable configuration: see SOFTHSM2_CONF",
                ]
                    + (error.returnValue == .argumentsBad
                        ? [
                            NSSArguments.hint("FOLDER"),
                            "most other modules take no --module-arguments",
                        ] : []))
        default:
            let ofPINs: [ReturnValue] = [
                .pinIncorrect, .pinLocked, .pinInvalid, .pinLenRange, .pinExpired,
            ]
            let isPIN = error.returnValue.map { ofPINs.contains($0) } ?? false
            self.init(
                isPIN ? .noPermission : .tokenFailed, code: code,
                isPIN
                    ? "the token refuses the PIN [\(error.returnValue?.description ?? "")]"
                    : error.plainText,
                hints: isPIN
                    ? ["it was sent once; tokencert tokens shows the state of the PIN"]
                    : ["tokencert tokens shows whether the token is still seen"])
        }
    }

    /// Tokens to be pasted; with their modules where one is seen through several.
    private static func choices(_ tokens: [Token]) -> [String] {
        let isAmbiguous = Set(tokens.map(\.module.path)).count > 1
        return tokens.compactMap { token in
            guard let uri = try? PKCS11URI(token: token) else { return nil }
            let module = isAmbiguous ? "\(token.module.options) " : ""
            return "one of them: \(module)--token \(quoted(uri.description))"
        }
    }

    /// Whether no token is there that fits and is set up.
    var isTokenAbsent: Bool { [Self.noToken, Self.tokenUninitialized].contains(code) }

    /// The code if several tokens match.
    static let severalTokens = "severalTokens"
    private static let noToken = "noToken"
    private static let tokenUninitialized = "tokenUninitialized"

    /// - Parameters:
    ///   - error: Why no token was found.
    ///   - wanted: The label that was asked for, or nil.
    init(selection error: TokenSelectionError, wanted: String? = nil) {
        let uris = error.candidates.compactMap { try? PKCS11URI(token: $0).description }
        switch error.code {
        case .several:
            self.init(
                .noSuchObject, code: Self.severalTokens, "more than one token fits",
                hints: Self.choices(error.candidates))
        case .uninitialized:
            self.init(
                .noSuchObject, code: Self.tokenUninitialized, "the token is not set up yet",
                hints: [
                    "tokencert token init --label NAME sets it up: gives it a name and a PIN",
                    "tokencert tokens shows it",
                ])
        default:
            let labels = error.candidates.map(\.info.label)
            // A token of that name that does not fit is another one than was meant.
            let wanted = wanted.flatMap { labels.contains($0) ? nil : $0 }
            let meant = wanted.map { suggestions(for: $0, among: labels) } ?? []
            self.init(
                .noSuchObject, code: Self.noToken,
                uris.isEmpty
                    ? "there is no token"
                    : wanted.map { "no token is called “\($0)”" } ?? "no token fits",
                hints: uris.isEmpty
                    ? [
                        "put the token in; tokencert tokens shows what is seen",
                        "tokencert doctor looks for what keeps it from being seen",
                    ]
                    : meant.map { "did you mean --token \(quoted($0))?" }
                        + uris.map { "there is: --token \(quoted($0))" })
        }
    }
}
