internal import Cryptoki
internal import OpenSSLX509
internal import TokencertIssuance
internal import TokencertLedger
internal import TokencertPlatform
internal import TokencertTokens

extension Failure {
    /// The hint on how to give up an order, which says what becomes of its certificate.
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
        return "to give up the order\(reason): tokencert resume \(order) --abandon"
    }

    /// Where the certificate of an order is, or nil if none can be issued.
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

    /// The hint on where the CA shows a late certificate; none if the address is not known.
    static func address(_ address: String?) -> [String] {
        let text =
            "once it is issued, the certificate is at this address, which the CA also mails to you: "
        return address.map { [text + $0] } ?? []
    }

    /// The failure if the outcome of an order is unknown.
    init(undecided order: Order, _ reason: String) {
        let resume = "tokencert resume \(order.number)"
        let fetching =
            order.commandOfCA == nil
            ? "to look for the certificate in your account on the CA's web site"
            : "to ask the CA command for the certificate, without a new order"
        self.init(
            .pending, "the outcome of order \(order.number) is unknown: \(reason)",
            hints: Self.address(order.address(at: order.authority)) + [
                "\(fetching): \(resume) --fetch",
                "if you have it in a file: \(resume) --from FILE",
                "if the CA has none after 15 minutes, order again, although the CA may then issue two: "
                    + "\(resume) --order-again",
                Self.abandoning(order.number, nil, mayHaveOrdered: true),
            ])
    }

    init(ledger error: LedgerError) {
        let elsewhere = "to use another ledger: --ledger PATH"
        let settings = "to see which ledger is used, and why: tokencert config"
        var status = ExitStatus.configuration
        let hints: [String]
        switch error.code {
        case .absent:
            status = .noSuchObject
            hints = ["\(elsewhere); the first order creates one", settings]
        case .noSuchOrder:
            status = .noSuchObject
            hints = ["to see all orders: tokencert history"]
        case .inUse:
            status = .pending
            let number = error.order.map { "\($0)" } ?? "ORDER"
            hints = ["wait for the other process, then see the result: tokencert history \(number)"]
        case .locked:
            hints = ["close the program that has the ledger open", elsewhere]
        case .full:
            hints = ["free some disk space, then run the command again"]
        case .damaged:
            hints = [
                "keep the file: sqlite3 FILE .recover may restore its orders",
                "to start a new ledger, move the file and its -wal and -shm files away", elsewhere,
            ]
        case .newer where error.order == nil:
            hints = ["use that version, or another ledger: --ledger PATH"]
        case .newer:
            hints = [
                "to see whether the ledger is damaged: tokencert history verify",
                "if a later version wrote it, use that version",
            ]
        default:
            hints = (error.file.map(Self.allowingWriting) ?? []) + [elsewhere, settings]
        }
        self.init(status, code: "\(error.code)", error.reason, hints: hints)
    }

    /// The hints for a file of the ledger, or its folder, that cannot be used.
    private static func allowingWriting(_ error: FileError) -> [String] {
        let isClosed = error.reason == .forbidden && exists(error.path)
        return (isClosed ? ["if it is yours, allow writing: chmod u+w \(quoted(error.path))"] : [])
            + advice(error)
    }

    init(cryptoki error: CryptokiError) {
        let code = error.returnValue?.description ?? "\(error.code)"
        switch error.code {
        case .invalidURI:
            self.init(
                .usage, code: code, "not a PKCS#11 URI: \(error.context)",
                hints: [
                    "write it like 'pkcs11:token=work;object=mail', in single quotes for the shell",
                    "to see the URIs of tokens: tokencert tokens --verbose",
                    "to see the URIs of objects: tokencert list --uris",
                ])
        case .otherToken:
            self.init(
                .noSuchObject, code: code, error.context,
                hints: ["insert the token that was chosen, and run the command again"])
        case .moduleUnusable:
            self.init(
                .configuration, code: code, error.description,
                hints: [
                    "give the path of a PKCS#11 module, such as: "
                        + "--module /usr/lib/softhsm/libsofthsm2.so",
                    "for SoftHSM2, check that its configuration is readable: SOFTHSM2_CONF",
                ]
                    + (error.returnValue == .argumentsBad
                        ? [
                            NSSArguments.hint("FOLDER"),
                            "for most other modules, leave out --module-arguments",
                        ] : []))
        default:
            let ofPINs: [ReturnValue] = [
                .pinIncorrect, .pinLocked, .pinInvalid, .pinLenRange, .pinExpired,
            ]
            if let reason = error.returnValue, ofPINs.contains(reason) {
                self.init(
                    .noPermission, code: code, "the token refuses the PIN [\(reason)]",
                    hints: ["it was sent once; to see the state of the PIN: tokencert tokens"])
            } else {
                self.init(
                    .tokenFailed, code: code, error.plainText,
                    hints: ["to see whether the token is still present: tokencert tokens"])
            }
        }
    }

    /// Whether no token that is set up matches.
    var isTokenAbsent: Bool { [Self.noToken, Self.tokenUninitialized].contains(code) }

    /// The code if several tokens match.
    static let severalTokens = "severalTokens"
    private static let noToken = "noToken"
    private static let tokenUninitialized = "tokenUninitialized"

    /// `wanted` is the label that the user asked for.
    init(selection error: TokenSelectionError, wanted: String? = nil) {
        switch error.code {
        case .several:
            self.init(
                .noSuchObject, code: Self.severalTokens, "more than one token matches",
                hints: several(error.candidates))
        case .uninitialized:
            self.init(
                .noSuchObject, code: Self.tokenUninitialized, "the token is not set up yet",
                hints: [
                    "to set it up with a label and a PIN: tokencert token init --label NAME",
                    "to see it: tokencert tokens",
                ])
        default:
            let labels = error.candidates.map(\.info.label)
            // A token with this label that does not match is not the one the user means.
            let wanted = wanted.flatMap { labels.contains($0) ? nil : $0 }
            let meant = wanted.map { suggestions(for: $0, among: labels) } ?? []
            self.init(
                .noSuchObject, code: Self.noToken,
                labels.isEmpty
                    ? "no token found"
                    : wanted.map { "no token has the label or serial number \"\($0)\"" }
                        ?? "no token matches",
                hints: labels.isEmpty
                    ? [
                        "insert the token; to see which tokens are present: tokencert tokens",
                        "to find out why a token is not found: tokencert doctor",
                    ]
                    : meant.map { "did you mean --token \(quoted($0))?" }
                        + several(error.candidates, as: "available"))
        }
    }
}
