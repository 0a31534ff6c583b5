internal import Cryptoki
internal import TokencertIssuance
internal import TokencertPlatform

/// The sources of the PINs that a plan needs, with the record of PINs that the token refused.
struct PINSources: Sendable {
    let plan: PINPlan
    let memory: RefusedPINs
    private let sources: [UserType: SecretSource]
    /// Identified before the PINs are read: a PIN that replaces one in the meantime is a new PIN.
    let remembered: [UserType: RefusedPINs.Source]
    private let sendsRefusedPINs: Bool

    /// The URI may name the source of the user's PIN.
    init(of plan: PINPlan, _ options: TokenOptions, _ uri: PKCS11URI?) throws {
        let memory = try RefusedPINs(plan.token)
        let ofPINs = try options.sourcesOfPINs(uri)
        try SecretReader.shared.useIfUnset(ofPINs)
        self.plan = plan
        self.memory = memory
        sources = [
            .user: ofPINs[.pin] ?? .prompt,
            .securityOfficer: ofPINs[.securityOfficerPIN] ?? .prompt,
        ]
        remembered = sources.reduce(into: [:]) { result, entry in
            guard plan.roles.contains(entry.key) else { return }
            result[entry.key] = memory.source(entry.value, of: entry.key)
        }
        sendsRefusedPINs = options.sendsRefusedPINs
    }

    /// The PINs, and what happens to them if the token refuses one.
    func pins(of tries: PINTries) throws -> TokenPINs {
        var watch = tries.watch
        watch.nextPIN = { role in
            guard sources[role] == .prompt, tries.mayAskAgain(role) else { return nil }
            Progress.shared.finish()
            printError("the \(plan.name(of: role)) is wrong; you can type another one once")
            do {
                return try read(role, again: true)
            } catch {
                tries.stop(Failure(noOtherPIN: error))
                return nil
            }
        }
        return TokenPINs(
            of: plan.roles, user: try read(.user), securityOfficer: try read(.securityOfficer),
            watch: watch)
    }

    var tries: PINTries {
        let typed = Set(sources.filter { $0.value.asksPerson }.keys)
        return PINTries(memory, plan, remembered, typed: typed, retries: sendsRefusedPINs)
    }

    /// Checks the PINs as before a login, without sending one. A PIN is read only if that can be
    /// repeated: from a file or from a variable.
    func check() throws {
        for role in plan.roles {
            guard let source = sources[role] else { continue }
            if source.isRepeatable {
                _ = try read(role)
            } else {
                _ = try requireUsable(role, source)
            }
        }
    }

    /// Checks that the PIN of a role was not refused before, and that a wrong one would not lock the
    /// token. Returns the number of PINs that the token refused.
    private func requireUsable(_ role: UserType, _ source: SecretSource) throws -> Int {
        if let entry = remembered[role], !sendsRefusedPINs {
            try memory.requireNotRefused(entry, plan.name(of: role), hasLock: false)
        }
        // A typed PIN is accepted even if the record cannot be read.
        let recorded = Result { try memory.refusals(of: role, together: plan.countsTogether) }
        let refusals = source.asksPerson ? (try? recorded.get()) ?? 0 : try recorded.get()
        try plan.requireTriesLeft(of: role, afterRefusals: refusals)
        return refusals
    }

    private func read(_ role: UserType, again isAgain: Bool = false) throws -> Secret {
        guard plan.roles.contains(role), let source = sources[role] else { return Secret() }
        let refusals = try requireUsable(role, source)
        let info = plan.token.info
        let left = isAgain ? nil : plan.triesLeft(of: role, afterRefusals: refusals)
        let tries = left.map { "; \($0)" } ?? ""
        return try SecretReader.shared.read(
            role == .securityOfficer ? .securityOfficerPIN : .pin, from: source,
            promptText: "\(plan.name(of: role)) for \"\(printable(info.label))\" "
                + "(\(printable(info.model)), serial \(printable(info.serialNumber))\(tries))",
            checking: { pin in try plan.requirePossible(pin, of: role) })
    }
}

/// Reads the PINs that a job needs, and runs the job with them. The URI may name the source of the
/// user's PIN. If the token refuses a PIN, its source is recorded, so later runs do not send it again.
func withPINs<Result>(
    _ plan: PINPlan, _ options: TokenOptions, _ uri: PKCS11URI? = nil,
    _ body: (TokenPINs) throws -> Result
) throws -> Result {
    Progress.shared.finish()
    guard plan.needsPINs else { return try body(TokenPINs(of: plan.roles, user: Secret())) }
    if plan.hasReaderKeys {
        let label = printable(plan.token.info.label)
        printError("enter the PIN on the reader of \"\(label)\" whenever it asks for it")
        return try body(TokenPINs(of: plan.roles, user: Secret()))
    }
    let sources = try PINSources(of: plan, options, uri)
    let tries = sources.tries
    let pins = try sources.pins(of: tries)
    do {
        return try body(pins)
    } catch {
        throw tries.failure.map { Failure($0) } ?? error
    }
}

/// Makes the refusals of ``withPINs(_:_:_:_:)`` that need no login, for a dry run. No PIN is sent.
func checkPINs(_ plan: PINPlan, _ options: TokenOptions, _ uri: PKCS11URI? = nil) throws {
    guard plan.needsPINs, !plan.hasReaderKeys else { return }
    try PINSources(of: plan, options, uri).check()
}

extension Failure {
    /// The failure if the user types no other PIN after a refused one.
    fileprivate init(noOtherPIN error: any Error) {
        let failure = Failure(error)
        let (interruptionState, _) = Progress.shared.interruptionState
        let rest =
            interruptionState.hints.isEmpty
            ? ["to try again, run the same command"] : interruptionState.hints
        self.init(
            failure.status, code: failure.code, failure.message,
            hints: [
                "the token refused a PIN; no other one was sent, and \(interruptionState.state)"
            ] + rest)
    }
}

extension RefusedPINs {
    /// The path of this user's record of refused PINs.
    static var file: String { path(inFolder: stateFolder) }

    /// This user's record of the PINs that a token refused.
    init(_ token: Token) throws {
        try self.init(token, folder: stateFolder, clock: now) { event in
            switch event {
            case .waitsForOtherRun:
                printError(
                    "note: another run is sending a PIN to this token; waiting for it to finish")
            case .refusalNotRecorded(let error):
                var reason = Failure(error).message
                if case .notWritten(let text, _) = error {
                    reason = text
                }
                printError("warning: cannot record that the PIN was refused: \(reason)")
            }
        }
    }
}
