package import Cryptoki
internal import Synchronization
internal import TokencertPlatform

/// Prevents a wrong PIN from being sent twice, even by concurrent runs. A run locks the device from
/// the check for an earlier refusal until it has recorded the result. It records the attempt before
/// it sends the PIN, so a run that ends in between counts as a refusal.
package final class PINTries: Sendable {
    private let memory: RefusedPINs
    private let plan: PINPlan
    private let sources: [UserType: RefusedPINs.Source]
    /// The roles whose PINs the user types. These are sent even if nothing can be recorded.
    private let typed: Set<UserType>
    private let retries: Bool
    private let state = Mutex(State())

    private struct State: ~Copyable {
        var lock: FileLock?
        var isHeld = false
        /// The previous record of the source whose PIN is being sent.
        var before: RefusedPINs.Source?
        var failure: (any Error)?
        /// How often the user was asked for another PIN.
        var requests = 0
        /// The roles for which the user typed another PIN.
        var retyped: Set<UserType> = []

        mutating func release() {
            lock = nil
            isHeld = false
            before = nil
        }
    }

    /// `sources` must have been determined before the PINs were read. `retries` means that PINs are
    /// sent even if they were refused before.
    package init(
        _ memory: RefusedPINs, _ plan: PINPlan, _ sources: [UserType: RefusedPINs.Source],
        typed: Set<UserType>, retries: Bool
    ) {
        self.memory = memory
        self.plan = plan
        self.sources = sources
        self.typed = typed
        self.retries = retries
    }

    /// The reason why a PIN was not sent or not typed, or nil.
    package var failure: (any Error)? { state.withLock { $0.failure } }

    /// Connects these checks to the login code.
    package var watch: PINWatch {
        PINWatch(willSend: { self.begin($0) }, didSend: { self.end($0, $1) })
    }

    /// Whether the user may type another PIN after the token refused one.
    package func mayAskAgain(_ role: UserType) -> Bool {
        guard typed.contains(role) else { return false }
        let requests = state.withLock { state in
            state.requests += 1
            state.retyped.insert(role)
            return state.requests
        }
        return mayTryAgain(role, requests)
    }

    private func mayTryAgain(_ role: UserType, _ requests: Int) -> Bool {
        guard let info = try? plan.token.refreshed().info,
            let recorded = try? memory.refusals(of: role, together: true)
        else { return false }
        // The refusals of this run count even if they cannot be recorded.
        return plan.mayAskAgain(for: role, info, afterRefusals: max(recorded, requests))
    }

    /// Records why the user typed no other PIN.
    package func stop(_ error: any Error) { state.withLock { $0.failure = error } }

    private func begin(_ role: UserType) -> String? {
        state.withLock { (state) -> String? in
            guard !state.isHeld else { return nil }
            do {
                state.lock = try memory.lock()
                state.isHeld = true
                let source = sources[role]
                if let source, !retries {
                    try memory.requireNotRefused(source, plan.name(of: role), hasLock: true)
                }
                let refusals = try memory.refusals(of: role, together: plan.countsTogether)
                try plan.requireTriesLeft(of: role, afterRefusals: refusals)
                // Other programs may have sent wrong PINs while the user typed.
                guard !state.retyped.contains(role) || mayTryAgain(role, state.requests) else {
                    throw IssuanceError(
                        .pinLastTry, at: .plan,
                        "another wrong PIN was sent to the token meanwhile; this PIN was not sent")
                }
                state.before = try source.flatMap { try memory.begin($0) }
                return nil
            } catch {
                // A user who types a PIN sees that it was refused.
                if typed.contains(role), !(error is IssuanceError) { return nil }
                state.release()
                state.failure = error
                return (error as? IssuanceError)?.text ?? "\(error)"
            }
        }
    }

    private func end(_ role: UserType, _ outcome: PINOutcome) {
        state.withLock { state in
            let isShown =
                outcome == .refused
                && (try? plan.token.refreshed().info).map { plan.showsWrongPIN(of: role, $0) }
                    ?? false
            memory.record(
                outcome, for: role, isShown: isShown, of: sources[role], before: state.before)
            state.release()
        }
    }
}
