internal import Synchronization
internal import TokencertIssuance
internal import TokencertLedger
internal import TokencertPlatform

/// The hooks of this run. before-order runs at once, since it can stop the order. All others run when the
/// command has printed its result, and change neither that nor its exit status.
enum Hooks {
    private struct State {
        var command = ""
        var reportsFailures = false
        /// What is known about the certificate that the command works on.
        var facts = HookFacts()
        var completed: Int64?
        var waiting: [HookRun] = []
        var failure: Failure?
    }

    private static let state = Mutex(State())

    /// Whether this process was started by a hook, which could otherwise start itself forever.
    private static var startedBy: String? { environmentVariable("TOKENCERT_HOOK") }

    /// Sets the command that runs, and whether on-failure gets its failure.
    static func begin(_ command: String, reportsFailures: Bool) {
        state.withLock { state in
            state.command = command
            state.reportsFailures = reportsFailures
        }
    }

    static func isSet(_ hook: Hook) -> Bool { words(of: hook) != nil }

    /// What a dry run does not check.
    static var notChecked: [String] {
        isSet(.beforeOrder) ? ["whether the hook before-order allows the order"] : []
    }

    /// Runs before-order. Call it after all checks, before the ledger has an order, or with the order
    /// that is resumed. Throws ``Failure`` if the program does not allow the order or cannot be run.
    static func beforeOrder(_ facts: HookFacts, resuming order: Order? = nil) throws {
        let command = state.withLock { state in
            state.facts = facts
            return state.command
        }
        guard let words = words(of: .beforeOrder) else { return }
        Interruption.stopIfPending()
        let problem: HookProblem?
        if startedBy == Hook.beforeOrder.rawValue {
            problem = HookProblem(reason: "it places an order itself")
        } else {
            let input = HookInput(.beforeOrder, of: command, facts)
            problem = try HookRun(input, words: words).problem()
        }
        Interruption.stopIfPending()
        guard let problem else { return }
        throw RefusedOrder(order).failure(problem)
    }

    /// Forgets what is known about the token and the certificate. Call it when the work on another
    /// token begins: a failure there is not about them.
    static func beginToken() {
        let order = currentOrder
        state.withLock { state in
            state.facts = HookFacts()
            // A later failure is not about this order, whether it was completed or not.
            state.completed = order
        }
    }

    /// Schedules after-issue or after-renew, to run when the command ends, for a certificate that
    /// was written and proved. Call it once for each certificate.
    static func after(_ hook: Hook, _ issued: IssuedCertificate) {
        let facts = HookFacts(issued)
        let command = state.withLock { state in
            // A later failure is about something else.
            state.facts = facts.ofToken
            state.completed = issued.order
            return state.command
        }
        guard isSet(hook) else { return }
        var input = HookInput(hook, of: command, facts)
        input.issued = IssueReport(issued)
        add(input)
    }

    /// Has on-expiring run, when the command has ended, for a certificate that it lists.
    static func expiring(_ certificate: ExpiringCertificate, at time: Int64) {
        guard isSet(.onExpiring) else { return }
        var input = HookInput(
            .onExpiring, of: state.withLock { $0.command }, HookFacts(certificate))
        input.expiring = ExpiringLine(certificate, at: time, isInFull: true)
        add(input)
    }

    static func failed(_ failure: Failure) { state.withLock { $0.failure = failure } }

    /// Runs all hooks that wait for the end of the command, and on-failure if it failed.
    static func finish() {
        let ended = state.withLock { state in
            defer { state = State() }
            return state
        }
        for run in ended.waiting { runAtEnd(run) }
        let unreported: [ExitStatus] = [.usage, .hungUp, .interrupted, .terminated]
        guard ended.reportsFailures, let failure = ended.failure,
            !unreported.contains(failure.status), isSet(.onFailure)
        else { return }
        let order = currentOrder == ended.completed ? nil : currentOrder
        var input = HookInput(
            .onFailure, of: ended.command, facts(of: failure, ended.facts, order: order))
        // Without the attachment: it may be larger than the input of a program.
        input.error = FailureReport(
            Failure(
                failure.status, code: failure.code, String(failure.message.prefix(4000)),
                hints: failure.hints))
        if let run = prepared(input) { runAtEnd(run) }
    }

    /// What on-failure gets about a failure. `order` is the last order, unless it was completed.
    static func facts(of failure: Failure, _ known: HookFacts, order: Int64?) -> HookFacts {
        guard !failure.isSummary else { return HookFacts() }
        var facts = known
        facts.order = facts.order ?? order
        return facts
    }

    /// The program and the arguments of a hook, or nil if it is not set.
    private static func words(of hook: Hook) -> [String]? {
        let words = ConfigurationFile.current.hooks[hook]?.words ?? []
        return words.isEmpty ? nil : words
    }

    private static func add(_ input: HookInput) {
        guard let run = prepared(input) else { return }
        state.withLock { $0.waiting.append(run) }
    }

    /// The run of a hook; nil if it is not set, or if a hook started this process.
    private static func prepared(_ input: HookInput) -> HookRun? {
        guard startedBy == nil, let words = words(of: input.hook) else { return nil }
        do {
            return try HookRun(input, words: words)
        } catch {
            warn(input.hook, HookProblem(reason: "\(error)"))
            return nil
        }
    }

    private static func runAtEnd(_ run: HookRun) {
        Progress.shared.setInterruptionState(
            "the command had ended, and the hook \(run.hook.rawValue) may be incomplete",
            hints: ["to see what was done: tokencert history"])
        if let problem = run.problem() { warn(run.hook, problem) }
    }

    private static func warn(_ hook: Hook, _ problem: HookProblem) {
        printError("warning: " + printable("the hook \(hook.rawValue) \(problem.failureText)"))
    }
}
