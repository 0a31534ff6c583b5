internal import Cryptoki
internal import TokencertIssuance
internal import TokencertPlatform

/// Reads the PINs that a job needs, and runs the job with them. The URI may name the source of the
/// user's PIN. If the token refuses a PIN, its source is recorded, so later runs do not send it again.
func withPINs<Result>(
    _ plan: PINPlan, _ options: TokenOptions, _ uri: PKCS11URI? = nil,
    _ body: (TokenPINs) throws -> Result
) throws -> Result {
    Progress.shared.finish()
    guard plan.needsPINs else { return try body(TokenPINs(of: plan.roles, user: Secret())) }
    let label = printable(plan.token.info.label)
    if plan.hasReaderKeys {
        printError("enter the PIN on the reader of \"\(label)\" whenever it asks for it")
        return try body(TokenPINs(of: plan.roles, user: Secret()))
    }
    let memory = try RefusedPINs(plan.token)
    let ofPINs = try options.sourcesOfPINs(uri)
    try SecretReader.shared.useIfUnset(ofPINs)
    let sources: [UserType: SecretSource] = [
        .user: ofPINs[.pin] ?? .prompt,
        .securityOfficer: ofPINs[.securityOfficerPIN] ?? .prompt,
    ]
    // Identified before they are read: a PIN that replaces one in the meantime is a new PIN.
    let remembered = sources.reduce(into: [UserType: RefusedPINs.Source]()) { result, entry in
        guard plan.roles.contains(entry.key) else { return }
        result[entry.key] = memory.source(entry.value, of: entry.key)
    }
    let retries = options.sendsRefusedPINs
    @Sendable func read(_ role: UserType, again isAgain: Bool = false) throws -> Secret {
        guard plan.roles.contains(role), let source = sources[role] else { return Secret() }
        if let entry = remembered[role], !retries {
            try memory.requireNotRefused(entry, plan.name(of: role), hasLock: false)
        }
        let info = plan.token.info
        // A typed PIN is accepted even if the record cannot be read.
        let refusals = source.asksPerson ? (try? memory.refusals()) ?? 0 : try memory.refusals()
        try plan.requireTriesLeft(afterRefusals: refusals)
        let left = isAgain ? nil : plan.triesLeft(of: role, afterRefusals: refusals)
        let tries = left.map { "; \($0)" } ?? ""
        return try SecretReader.shared.read(
            role == .securityOfficer ? .securityOfficerPIN : .pin, from: source,
            promptText: "\(plan.name(of: role)) for \"\(label)\" "
                + "(\(printable(info.model)), serial \(printable(info.serialNumber))\(tries))",
            checking: { pin in try plan.requirePossible(pin, of: role) })
    }
    let typed = Set(sources.filter { $0.value.asksPerson }.keys)
    let tries = PINTries(
        memory, plan, remembered, typed: typed, retries: retries)
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
    let pins = TokenPINs(
        of: plan.roles, user: try read(.user), securityOfficer: try read(.securityOfficer),
        watch: watch)
    do {
        return try body(pins)
    } catch {
        throw tries.failure.map { Failure($0) } ?? error
    }
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
