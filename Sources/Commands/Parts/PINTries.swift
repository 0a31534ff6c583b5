internal import Cryptoki
internal import Files
internal import Issuance
internal import Synchronization

/// Sees to it that no PIN is sent twice that is wrong, by several runs at once neither.
///
/// From looking whether a PIN was refused to noting what came of it, one run has the device for
/// itself. That a PIN is being tried is on the disk before it is sent, so that a run that is ended in
/// between counts as a refusal.
final class PINTries: Sendable {
    private let memory: RefusedPINs
    private let plan: PINPlan
    private let sources: [UserType: RefusedPINs.Source]
    /// Whose PINs somebody types: they go on if nothing can be remembered.
    private let typed: Set<UserType>
    private let retries: Bool
    private let state = Mutex(State())

    private struct State: ~Copyable {
        var lock: FileLock?
        var isHeld = false
        /// What was noted of the source whose PIN is being sent.
        var before: RefusedPINs.Source?
        var failure: Failure?

        mutating func release() {
            lock = nil
            isHeld = false
            before = nil
        }
    }

    /// - Parameters:
    ///   - memory: Which PINs were refused.
    ///   - plan: Which PINs are sent.
    ///   - sources: Where they come from, as it was before they were read.
    ///   - typed: Whose PINs somebody types.
    ///   - retries: Whether a PIN is sent that was refused before.
    init(
        _ memory: RefusedPINs, _ plan: PINPlan, _ sources: [UserType: RefusedPINs.Source],
        typed: Set<UserType>, retries: Bool
    ) {
        self.memory = memory
        self.plan = plan
        self.sources = sources
        self.typed = typed
        self.retries = retries
    }

    /// Why a PIN was not sent, or nil.
    var failure: Failure? { state.withLock { $0.failure } }

    /// Whoever sends the PINs asks here first, and says what came of it.
    var watch: PINWatch {
        PINWatch(willSend: { self.begin($0) }, didSend: { self.end($0, $1) })
    }

    private func begin(_ role: UserType) -> String? {
        state.withLock { (state) -> String? in
            guard !state.isHeld else { return nil }
            do {
                state.lock = try memory.lock()
                state.isHeld = true
                let source = sources[role]
                if let source, !retries {
                    try memory.requireNotRefused(source, plan.name(of: role))
                }
                try plan.requireTriesLeft(afterRefusals: try memory.refusals())
                state.before = try source.flatMap { try memory.begin($0) }
                return nil
            } catch {
                // A person who types a PIN can be trusted to remember it.
                if typed.contains(role), !(error is IssuanceError) { return nil }
                state.release()
                let failure = Failure(error)
                state.failure = failure
                return failure.message
            }
        }
    }

    private func end(_ role: UserType, _ outcome: PINOutcome) {
        state.withLock { state in
            memory.note(outcome, of: sources[role], before: state.before)
            state.release()
        }
    }
}
