internal import Cryptoki
internal import OpenSSLX509
internal import TokencertIssuance
internal import TokencertLedger
internal import TokencertTokens

struct TokenRenewal {
    /// Which certificates are renewed, besides the copies of others.
    enum Selection {
        /// The one that the user has named.
        case named(ObjectName)
        /// Those that expire within this number of days; nil for all.
        case due(days: Int?)
        case noOther
    }

    let command: RenewCommand
    let wishes: RenewalWishes
    let anchors: TrustAnchors
    let token: TokenCapabilities
    let selection: Selection
    /// Certificates that are renewed because others with the same content are.
    var copies: Set<Certificate> = []
    var place: RenewalTally.Place
    /// What was found without a login, if that is all there is to report; otherwise nil.
    var seen: Renewals?

    private var tokenOptions: TokenOptions { command.tokenOptions }

    private var uri: PKCS11URI? {
        if case .named(let name) = selection { name.uri } else { nil }
    }

    private func isNamed(_ candidate: RenewalCandidate) -> Bool {
        if case .named = selection { !copies.contains(candidate.certificate) } else { false }
    }

    /// Whether one of the copies is on the token, as far as can be seen without a login. This
    /// avoids a needless request for the PIN.
    var hasCopies: Bool {
        guard let found = try? find(seeingPrivateKeys: false) else { return true }
        return found.inventory.entries.compactMap(\.certificate).contains(where: copies.contains)
    }

    /// The certificates that are due according to the ledger: some may be visible only after a login.
    static func expiring(
        _ selection: Selection, _ options: LedgerOptions
    ) throws -> [ExpiringCertificate] {
        guard case .due(let days) = selection, let ledger = try options.openIfThere() else {
            return []
        }
        // Without a number of days, all certificates are due.
        return try ExpiringCertificates(in: ledger, at: now(), within: days ?? 36500).certificates
    }

    /// The PINs that the renewal needs. Throws ``Failure`` or ``IssuanceError`` if they cannot be sent.
    func pins() throws -> PINPlan {
        try PINPlan(
            token, for: .certify(newKey: wishes.makesKeys),
            allowingLastTry: tokenOptions.allowsLastTry)
    }

    // MARK: Search

    func find(seeingPrivateKeys seesPrivateKeys: Bool) throws -> Renewals {
        let ledger = try command.ledgerOptions.openIfThere()
        var candidates = RenewalCandidates(
            anchors: anchors, now: now(),
            orders: { inventory in try ledger?.orders(concerning: inventory) ?? [] },
            profile: token.profile, removesOld: removesOld,
            // A copy on another token always has a new key.
            makesKeys: wishes.makesKeys || command.copyTo != nil)
        candidates.ca = try command.ca.address()
        var found: Renewals
        switch selection {
        case .named(let name): found = try find(name, candidates, seesPrivateKeys)
        case .due(let days):
            found = try candidates.find(
                on: token.token, named: nil, expiringWithin: days,
                seeingPrivateKeys: seesPrivateKeys)
        case .noOther: found = Renewals()
        }
        guard !copies.isEmpty else { return found }
        let all = try candidates.find(
            on: token.token, named: nil, expiringWithin: nil, seeingPrivateKeys: seesPrivateKeys)
        found.addCopies(copies, among: all)
        return found
    }

    private func find(
        _ name: ObjectName, _ candidates: RenewalCandidates, _ seesPrivateKeys: Bool
    ) throws -> Renewals {
        // Errors name what was found among these objects.
        var seen = Renewals().inventory
        var wanted: ObjectTarget?
        do {
            return try candidates.find(
                on: token.token,
                named: { inventory in
                    seen = inventory
                    try name.requireWhole(in: inventory)
                    let target = try name.target(
                        in: inventory, on: token.token, serialNumber: command.serialOption.digits)
                    wanted = target
                    return (target.uri, target.serialNumber)
                }, expiringWithin: nil, seeingPrivateKeys: seesPrivateKeys)
        } catch let error as RenewalError {
            throw Failure(
                renewal: error, TitlesByURI(seen, selection: place.selection), named: wanted)
        }
    }

    /// Whether old certificates are removed, rather than replaced in their slot.
    private var removesOld: Bool {
        wishes.isRetired && !(token.replacesCertificates && !wishes.makesKeys)
    }

    // MARK: Dry run

    /// The same search, with a login only if `--pin-source` is given. The runner checks what the account
    /// may order; nil if it is not asked.
    func check(_ runner: Runner?) throws -> RenewalTally {
        let ledger = try command.ledgerOptions.openIfThere()
        notePINs(try pins(), tokenOptions, uri)
        try requireCertificatesWritable(token, removing: wishes.isRetired)
        var found = try findLoggingIn()
        if runner == nil {
            found.notChecked.append(
                "what the account may order, since --password-source is not given")
        }
        found.notChecked += Hooks.notChecked
        let tokenURI = try PKCS11URI(token: token.token)
        var tally = RenewalTally(of: found, makesKeys: wishes.makesKeys, on: place)
        for candidate in found.candidates {
            let orders = try ledger?.orders(concerning: candidate.certificate) ?? []
            if !isNamed(candidate), tally.passesOver(candidate, orders) { continue }
            try takeObjection(to: candidate, tally)
            do {
                let replacement = wishes.replacement(for: candidate, isNamed: isNamed(candidate))
                try requireRemovable(replacement)
                try requireNoOtherOrder(
                    replacing: replacement, keyID: wishes.makesKeys ? nil : candidate.entry.id,
                    on: tokenURI, in: ledger)
                if let runner {
                    let plan = try runner.plan(
                        wishes.request(for: candidate, isNamed: isNamed(candidate)), on: token)
                    try runner.check(
                        plan, for: wishes.makesKeys ? nil : candidate.entry, in: ledger)
                }
                tally.addPlanned(candidate)
            } catch {
                guard tally.take(error, candidate, isBatch: !isNamed(candidate)) else { break }
            }
        }
        return tally
    }

    private func findLoggingIn() throws -> Renewals {
        guard token.token.info.flags.contains(.loginRequired) else {
            return try find(seeingPrivateKeys: true)
        }
        guard try tokenOptions.source(uri, of: token.token) != nil else {
            var found = try find(seeingPrivateKeys: false)
            found.notChecked.append(
                "whether the private keys are on the token and can sign, since --pin-source is not "
                    + "given")
            return found
        }
        let plan = try PINPlan(token, for: .look, allowingLastTry: tokenOptions.allowsLastTry)
        return try withPINs(plan, tokenOptions, uri) { pins in
            var connection = try Connection(token, pins)
            return try connection.seeingPrivateObjects(at: .plan) {
                try find(seeingPrivateKeys: true)
            }
        }
    }

    /// Tells the user why a certificate is renewed only because of its name. Throws if writing the new one
    /// would remove it.
    private func takeObjection(to candidate: RenewalCandidate, _ tally: RenewalTally) throws {
        guard let objection = candidate.objection else { return }
        let title = tally.title(candidate)
        let isOverwritten =
            token.replacesCertificates || token.profile?.storesPublicKeysInCertificates ?? false
        if isOverwritten, !wishes.makesKeys, !wishes.acceptsChanges {
            throw Failure(
                .cannotCreate, code: "certificateWouldBeLost",
                "refusing to replace \(title): the token would overwrite it, and \(objection)",
                hints: [
                    "to keep it, get a certificate for a new key: add --new-key",
                    "to overwrite it anyway, add --accept-changes",
                ])
        }
        printNotes(["\(title): \(objection)"])
    }

    // MARK: Renewal

    /// Renews the certificates, one after the other.
    func renew(_ runner: Runner, in ledger: Ledger) throws -> RenewalTally {
        Hooks.beginToken()
        return try withPINs(try pins(), tokenOptions, uri) { pins in
            // A single login suffices if one role performs all operations.
            var connection = try Connection(token, pins)
            try connection.logInAll(at: .generate)
            let found = try connection.seeingPrivateObjects(at: .plan) {
                try find(seeingPrivateKeys: true)
            }
            return try renew(found, runner, ledger, &connection)
        }
    }

    private func renew(
        _ found: Renewals, _ runner: Runner, _ ledger: Ledger, _ connection: inout Connection
    ) throws -> RenewalTally {
        var tally = RenewalTally(of: found, makesKeys: wishes.makesKeys, on: place)
        for (index, candidate) in found.candidates.enumerated() {
            // Another process may have renewed it in the meantime, or tried to.
            let orders = try ledger.orders(concerning: candidate.certificate)
            let outcomes = Replacements(orders).outcomes(for: candidate.certificate)
            if !isNamed(candidate), !outcomes.isSubset(of: candidate.lostReplacements) {
                let title = printable(tally.title(candidate))
                printError("note: another process has renewed \(title)")
                continue
            }
            if !isNamed(candidate), tally.passesOver(candidate, orders) { continue }
            try takeObjection(to: candidate, tally)
            do {
                // The role that is logged in to write may not see what has to be read.
                try connection.logIn(for: .read, at: .plan)
                let plan = try runner.plan(
                    wishes.request(for: candidate, isNamed: isNamed(candidate)),
                    on: connection.capabilities)
                // A hook is asked only about an order that passes all checks.
                if Hooks.isSet(.beforeOrder) {
                    try runner.check(
                        plan, for: wishes.makesKeys ? nil : candidate.entry, in: ledger)
                }
                try Hooks.beforeOrder(HookFacts(plan))
                let issued = try runner.issue(plan, in: ledger, over: &connection)
                Hooks.after(.afterRenew, issued)
                tally.addRenewed(candidate, issued)
                if !command.output.isJSON {
                    if place.isOneOfSeveral { print(printable("token \"\(place.name)\":")) }
                    try showIssued(issued, command.output)
                }
            } catch let error as IssuanceError {
                guard tally.take(error, candidate, isBatch: !isNamed(candidate)) else {
                    tally.untried = found.candidates.dropFirst(index + 1).map(tally.title)
                    break
                }
            } catch let failure as Failure where failure.code == "hookFailed" {
                tally.take(failure, candidate)
            }
        }
        return tally
    }
}

extension Renewals {
    /// Adds the certificates that have the same content as others, among all that can be renewed.
    fileprivate mutating func addCopies(_ copies: Set<Certificate>, among all: Renewals) {
        let own = Set(candidates.map(\.certificate))
        candidates += all.candidates.filter {
            copies.contains($0.certificate) && !own.contains($0.certificate)
        }
        let numbers = Set(copies.map(\.serialNumber))
        passedOver += all.passedOver.filter { passed in
            guard let content = passed.content, numbers.contains(content.serialNumber) else {
                return false
            }
            return !passedOver.contains { $0.certificate == passed.certificate }
        }
        if inventory.isEmpty { inventory = all.inventory }
    }
}
