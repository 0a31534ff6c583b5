internal import Cryptoki
internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertIssuance
internal import TokencertLedger
internal import TokencertTokens

// Facts come from the libraries; here they become commands to type.

/// A word as a shell takes it.
func quoted(_ text: String) -> String {
    "'"
        + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
        + "'"
}

extension Failure {
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
        case .begun, .keyReady, .requestSigned, .sending, .notSent, .refused, .unclear, .done,
            .closed, nil:
            "the CA may still issue a certificate for it"
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
