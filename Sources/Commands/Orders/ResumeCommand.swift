internal import ArgumentParser
internal import Cryptoki
internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertIssuance
internal import TokencertLedger
internal import TokencertPlatform
internal import TokencertTokens

struct ResumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "List unfinished orders, or finish one.",
        discussion: """
            Without a number, all unfinished orders are listed. With a number, that order \
            continues from its last step: if it was never sent, the request is created and sent; \
            if its certificate has arrived, it is written. An order that the CA may have accepted \
            is sent again only with --order-again. With --fetch, a certificate that the CA issued \
            late is fetched from your account on its web site.

            For example:

              tokencert resume
              tokencert resume 7 --fetch
              tokencert resume 7 --from certificate.pem
            """)

    @Argument(
        help: ArgumentHelp("Number of the order in the ledger.", valueName: "order"),
        completion: .live(.unfinishedOrders))
    var order: Int64?

    @Option(
        help: ArgumentHelp(
            "Use the certificate in this file, such as one from the CA's web site.",
            valueName: "file"),
        completion: .file())
    var from: String?

    @Flag(help: "Send the order again, although the CA may issue a second certificate.")
    var orderAgain = false

    @Flag(help: "Write the certificate even if the CA changed what you asked for.")
    var acceptChanges = false

    @Flag(help: "Give up the order. Objects on the token are not removed.")
    var abandon = false

    @OptionGroup(title: "Token and PINs") var tokenOptions: TokenOptions
    @OptionGroup(title: "CA") var ca: CAOptions
    @OptionGroup(title: "CA") var fetchOptions: FetchOptions
    @OptionGroup(title: "General") var ledgerOptions: LedgerOptions
    @OptionGroup(title: "General") var output: CommonOptions

    func validate() throws {
        if [orderAgain, abandon, from != nil].filter({ $0 }).count > 1 {
            throw ValidationError("--from, --order-again and --abandon cannot be combined")
        }
        if fetchOptions.fetch, abandon || from != nil {
            throw ValidationError("--fetch cannot be combined with --from or --abandon")
        }
        if order == nil, orderAgain || abandon || acceptChanges || from != nil || fetchOptions.fetch
        {
            throw ValidationError("the order number is missing")
        }
    }

    func run() throws {
        try prepareProcess(output)
        guard let number = order else {
            let unfinished = try ledgerOptions.openIfThere()?.orders(unfinishedOnly: true)
            try showUnfinished(unfinished ?? [], ledgerOptions, output)
            return
        }
        let openOrder = try ledgerOptions.openToResume().open(number)
        let order = try openOrder.order()
        guard order.nextAction != .nothing else {
            try requireNothingToDo(order)
            return tell(number, "Order \(number) is finished: \(OrderLine(order).stateText).")
        }
        tellOrder(number)
        try goOn(openOrder, order)
    }

    /// Throws if the user requested an action that an order that ended without a proved certificate
    /// does not accept.
    private func requireNothingToDo(_ order: Order) throws {
        guard from != nil || orderAgain || acceptChanges || fetchOptions.fetch, !order.isProved
        else { return }
        let isOfRequest = order.beginning.issue == nil && order.beginning.imported == nil
        throw Failure(
            .usage, code: "orderFinished",
            isOfRequest
                ? "order \(order.number) is a request, which is finished, so nothing was done"
                : "order \(order.number) was given up or has failed for good, so nothing was done",
            hints: [
                "to write a certificate that the CA issued for it: tokencert import --cert FILE",
                "to see what happened: tokencert history \(order.number)",
            ])
    }

    private func goOn(_ openOrder: OpenOrder, _ order: Order) throws {
        if abandon {
            try openOrder.record(.closed(reason: "given up"))
            let certificate = Failure.whatCame(
                order.arrivedState, mayHaveOrdered: order.mayHaveOrdered)
            let warning =
                certificate.map { " \($0.prefix(1).uppercased())\($0.dropFirst())." } ?? ""
            tell(
                order.number,
                "Order \(order.number) is given up. Nothing was removed from the token." + warning)
            tellKey(of: order, openOrder.ledger)
            return
        }
        if orderAgain, !order.userActions.contains(.orderAgain) {
            throw Failure(
                .usage,
                "--order-again is only for orders with an unknown outcome; "
                    + "order \(order.number) is \"\(order.state.name)\"",
                hints: ["to continue: tokencert resume \(order.number)"])
        }
        let foundToken = Result { try findToken(of: order) }
        let mayFetch = from == nil && !orderAgain && order.userActions.contains(.fetch)
        // Options that do not fit the order are reported if the CA is needed.
        let adopted = try? ca.adopting(order)
        let waitingTime =
            mayFetch
            ? try fetchOptions.agreedWaitingTime(fetchOptions.isWanted ? ca.adopting(order) : ca)
            : nil
        // A certificate can be fetched without the token.
        if waitingTime == nil { _ = try foundToken.get() }
        try useSources(
            tokenOptions, order.tokenURI(), of: try? foundToken.get().token, adopted ?? ca)
        if order.nextAction == .key, from == nil {
            try settleKey(openOrder, order, foundToken.get())
            return
        }
        let anchors = try trustStore.anchors(file: setting(ca.caFile, .caFile))
        var order = order
        if let waitingTime {
            try fetch(openOrder, order, try? foundToken.get(), anchors, waitingTime)
            order = try openOrder.order()
        }
        // The hints of a failure depend on what was fetched.
        let token = waitingTime == nil ? try foundToken.get() : try findToken(of: order)
        var brought = BroughtByUser()
        brought.acceptsChanges = setting(acceptChanges, .acceptChanges)
        brought.ordersAgain = orderAgain
        let isOrdering = from == nil && (orderAgain || order.nextAction == .order)
        // An interrupted run may have left an answer without a certificate, which it has not used.
        let isSearching = from == nil && fetchOptions.isWanted && order.lacksCertificateInAnswer
        if from == nil, fetchOptions.isWanted, order.state == .answered, !isSearching {
            printNotes(["the CA's answer is in the ledger, so the CA is not asked again"])
        }
        var ca = ca
        if isOrdering || isSearching { ca = try ca.adopting(order) }
        let settings = try issuanceSettings(anchors, ca, tokenOptions, continuing: order)
        let runner =
            isOrdering || isSearching
            ? Runner(
                settings,
                try openAuthority(
                    ca, anchorsPEM: anchors.pem, waitingTime: fetchOptions.agreedWaitingTime(ca)))
            : Runner(settings)
        let pins: PINPlan
        if isOrdering {
            let plan = try runner.plan(order, on: token)
            pins = plan.pins
            try openOrder.ledger.requireWriting()
            try Hooks.beforeOrder(HookFacts(plan, order: order.number), resuming: order)
        } else {
            brought.certificates = try certificates(openOrder, order, token, runner)
            pins = try runner.pins(writing: true, on: token)
        }
        let issued = try withPINs(pins, tokenOptions, order.tokenURI()) { pins in
            var connection = try Connection(token, pins)
            return try runner.resume(openOrder, bringing: brought, over: &connection)
        }
        Hooks.after(order.beginning.replaced == nil ? .afterIssue : .afterRenew, issued)
        try showIssued(issued, output)
        try output.printNext(.list)
    }

    /// Fetches the certificate of an order whose outcome is unknown from the web account, unless it is
    /// on the token. `token` is nil if the token is not present.
    private func fetch(
        _ openOrder: OpenOrder, _ order: Order, _ token: TokenCapabilities?,
        _ anchors: TrustAnchors, _ waitingTime: Int
    ) throws {
        let ca = try ca.adopting(order)
        let settings = try issuanceSettings(anchors, ca, tokenOptions, continuing: order)
        if let token {
            let onToken = try Runner(settings).certificates(
                for: order, in: openOrder.ledger, on: token)
            guard onToken.isEmpty else { return }
        }
        let account = try openAuthority(ca, anchorsPEM: anchors.pem, waitingTime: waitingTime)
        try openOrder.ledger.requireWriting()
        try Runner(settings, account).fetch(openOrder)
        Progress.shared.finish()
        guard !Progress.shared.isQuiet else { return }
        let source = order.commandOfCA == nil ? "account" : "CA command"
        printError("note: the certificate of order \(order.number) was fetched from the \(source)")
    }

    /// The certificates in the file of `--from`; otherwise, if the outcome of the order is unknown,
    /// those on the token that may be its outcome.
    private func certificates(
        _ openOrder: OpenOrder, _ order: Order, _ token: TokenCapabilities, _ runner: Runner
    ) throws -> [Certificate] {
        if let from {
            let certificates = try TokencertCommands.certificates(inFile: from, option: "--from")
            try runner.check(certificates, for: order, in: openOrder.ledger)
            return certificates
        }
        guard case .decision(let reason) = order.nextAction else { return [] }
        let found = try runner.certificates(for: order, in: openOrder.ledger, on: token)
        guard !found.isEmpty else { throw Failure(undecided: order, reason) }
        return found
    }

    private func settleKey(_ openOrder: OpenOrder, _ order: Order, _ token: TokenCapabilities)
        throws
    {
        let runner = Runner(
            try issuanceSettings(TrustAnchors([]), nil, tokenOptions, continuing: order))
        let plan = try runner.pins(writing: false, on: token)
        let uri = try withPINs(plan, tokenOptions, order.tokenURI()) { pins in
            var connection = try Connection(token, pins)
            return try runner.settleKey(openOrder, over: &connection)
        }
        let key = uri.map {
            output.isJSON ? $0 : output.isVerbose ? quoted($0) : objectTitle(ofURI: $0)
        }
        let text = key.map { "its key is on the token: \($0)" } ?? "it left nothing on the token"
        tell(order.number, "Order \(order.number) was not sent to a CA; \(text)")
    }

    /// Finds the token of an order by its serial number, since its label may have changed, or the
    /// token of `--token`, which must hold the order's key. A token set in the environment or the
    /// configuration file is ignored.
    private func findToken(of order: Order) throws -> TokenCapabilities {
        var options = tokenOptions
        if setting(options.module, .module) == nil { options.useModule(order.beginning.module) }
        if setting(options.tokenProfile, .tokenProfile) == nil {
            options.tokenProfile = order.beginning.tokenProfile
        }
        do {
            if options.token != nil { return try TokencertCommands.findToken(options) }
            return try TokencertCommands.findToken(ofLedger: order.beginning.token, options)
        } catch let failure as Failure where failure.isTokenAbsent && options.token == nil {
            throw failure.with(
                message: "the token of order \(order.number) is not present: "
                    + NamedToken(uri: order.beginning.tokenURI).title,
                hints: [
                    "insert it; to list the tokens that are found: tokencert tokens",
                    "if the key is on a token whose serial number has changed: "
                        + "tokencert resume \(order.number) --token NAME",
                    "if the token was reinitialised, the key is lost and the order cannot be finished",
                    Failure.abandoning(
                        order.number, order.arrivedState, mayHaveOrdered: order.mayHaveOrdered),
                ])
        }
    }

    /// Prints how to use or remove the key of an order that is given up.
    private func tellKey(of order: Order, _ ledger: Ledger) {
        guard order.beginning.newKeyKind != nil else { return }
        let keyID = order.beginning.keyID
        let selection = NamedToken.option(ofObject: order.beginning.tokenURI)
        let title = printable(
            keyTitle(
                label: text(ofLabel: order.beginning.keyLabelBytes),
                id: bytes(hexadecimal: keyID) ?? []))
        if order.arrivedState?.isOnToken ?? false {
            printError("hint: keep its key, since a certificate on the token is for it: \(title)")
            return
        }
        let isNeeded = try? ledger.mayHaveCertificate(forKey: order.publicKeyHash, id: keyID)
        guard isNeeded == false, !order.mayHaveOrdered else {
            printError("hint: keep its key, since the CA may still issue a certificate: \(title)")
            printError("hint: to write a certificate that arrives: tokencert import --cert FILE")
            return
        }
        printError(
            "hint: to use its key, if it was generated: tokencert issue --key \(keyID)\(selection)")
        if order.hasMadeKey {
            printError("hint: to remove it: tokencert delete \(keyID) --key\(selection)")
        }
    }

    private func tell(_ number: Int64, _ text: String) {
        if output.isJSON {
            try? printJSON(Outcome(order: number, message: text))
        } else {
            print(printable(text))
        }
    }

    /// The JSON of an order that ends without a certificate.
    private struct Outcome: Encodable {
        let order: Int64
        let message: String
    }
}

extension Order {
    fileprivate func tokenURI() throws -> PKCS11URI {
        try PKCS11URI(parsing: beginning.tokenURI)
    }

    /// Whether the CA has answered without a certificate, and the answer was not used yet.
    fileprivate var lacksCertificateInAnswer: Bool {
        guard state == .answered, fetched == nil, let answer else { return false }
        return switch authority.meaning(of: answer) {
        case .pending, .unclear: true
        case .issued, .refused: false
        }
    }
}

extension CAOptions {
    /// These options with the CA and account of an order. Throws if the options name others.
    func adopting(_ order: Order) throws -> CAOptions {
        var options = self
        let asked = order.beginning.issue
        if let command = order.commandOfCA { return try adopting(command, of: order.number) }
        if let caCommand {
            throw Failure(
                .usage,
                "order \(order.number) belongs to \(asked?.account ?? "?") at \(asked?.ca ?? "?"), "
                    + "not to the command \(caCommand)",
                hints: ["omit --ca-command"])
        }
        options.caURL = asked?.ca
        options.username = asked?.account
        let (site, account) = (asked?.ca ?? "", asked?.account ?? "")
        let named = withoutSlash(setting(caURL, .caURL) ?? site)
        // The host is the same in capital letters.
        guard named.lowercased() == withoutSlash(site).lowercased(),
            setting(username, .username) ?? account == account
        else {
            throw Failure(
                .usage, "order \(order.number) belongs to \(account) at \(site)",
                hints: [
                    "to use its account: tokencert resume \(order.number) --ca-url \(quoted(site)) "
                        + "--username \(quoted(account))"
                ])
        }
        return options
    }

    /// These options, if they or the settings have the command of an order. It is never run only
    /// because the ledger contains it.
    private func adopting(_ command: String, of order: Int64) throws -> CAOptions {
        let given = try self.command()
        guard given == command else {
            throw Failure(
                .usage, code: "caCommandMissing",
                "order \(order) belongs to the CA command \(quoted(command)), "
                    + (given.map { "not to \(quoted($0))" } ?? "which is not set"),
                hints: [
                    "if you trust this command: "
                        + "tokencert resume \(order) --ca-command \(quoted(command))",
                    "or set ca-command in the configuration file, or TOKENCERT_CA_COMMAND, to it",
                ])
        }
        var options = self
        options.caCommand = command
        return options
    }
}
