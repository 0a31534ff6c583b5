internal import TokencertLedger

/// What happened in a step: facts, in the order in which they happened, and why the order does not go
/// on, if it does not.
///
/// A step throws only if nothing has happened outside of this process that another run of the step
/// would not find.
struct StepOutcome {
    var facts: [OrderEvent]
    var failure: IssuanceError?
    /// Whether the order goes on only if the facts are in the ledger, as an intent is, since nothing
    /// else tells them.
    var mustBeRecorded = false
    /// What has to be recorded before something that cannot be undone is done, or nil.
    var intent: OrderEvent?

    init(_ facts: [OrderEvent], failure: IssuanceError? = nil, mustBeRecorded: Bool = false) {
        self.facts = facts
        self.failure = failure
        self.mustBeRecorded = mustBeRecorded
    }

    /// Something that cannot be undone will be done.
    static func intent(_ event: OrderEvent) -> StepOutcome {
        var outcome = StepOutcome([])
        outcome.intent = event
        return outcome
    }

    /// The order was sent, and it is not known what the CA did.
    static func unclear(_ reason: String) -> StepOutcome {
        StepOutcome(
            [.unclear(reason: reason)],
            failure: IssuanceError(.orderPending, at: .order, reason))
    }
}

/// A step whose effect is ``StepEffect/pure`` or ``StepEffect/repeatable``: it may be
/// taken again after any interruption, as it looks first whether it was done or changes nothing.
protocol RepeatableStep {
    /// Takes the step.
    static func run(
        _ work: inout OrderWork, _ token: inout some OrderToken & ~Copyable
    ) throws(IssuanceError) -> StepOutcome
}

/// A step whose effect is ``StepEffect/once`` or ``StepEffect/destructive``: it is taken only after
/// the ledger has recorded that it will be.
protocol IrrevocableStep {
    /// Finds out what will be done. Nothing is changed.
    ///
    /// - Returns: What the ledger has to record before the step is taken. If that is nil it need not
    ///   be taken, and the outcome says why.
    static func prepare(
        _ work: inout OrderWork, _ token: inout some OrderToken & ~Copyable
    ) throws(IssuanceError) -> StepOutcome

    /// Takes the step.
    static func run(
        _ intent: consuming RecordedIntent, _ work: inout OrderWork,
        _ token: inout some OrderToken & ~Copyable
    ) throws(IssuanceError) -> StepOutcome
}
