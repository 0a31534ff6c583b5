internal import TokencertLedger

/// The outcome of a step: the facts in order of time, and the failure if the order cannot continue.
///
/// A step throws only if a second run would find everything that it changed outside this process.
struct StepOutcome {
    var facts: [OrderEvent]
    var failure: IssuanceError?
    /// Whether the order continues only if the ledger has the facts, because they are recorded
    /// nowhere else.
    var mustBeRecorded = false
    /// The intent to record before an irrevocable action, or nil.
    var intent: OrderEvent?

    init(_ facts: [OrderEvent], failure: IssuanceError? = nil, mustBeRecorded: Bool = false) {
        self.facts = facts
        self.failure = failure
        self.mustBeRecorded = mustBeRecorded
    }

    /// The step is about to do something irrevocable.
    static func intent(_ event: OrderEvent) -> StepOutcome {
        var outcome = StepOutcome([])
        outcome.intent = event
        return outcome
    }

    /// The order was sent and its outcome is unknown. The next step may find it.
    static func unclear(_ reason: String) -> StepOutcome {
        StepOutcome([.unclear(reason: reason)])
    }
}

/// A step whose effect is ``StepEffect/pure`` or ``StepEffect/repeatable``.
///
/// It may run again after any interruption: it changes nothing, or first checks what was done.
protocol RepeatableStep {
    static func run(
        _ work: inout OrderWork, _ token: inout some OrderToken & ~Copyable
    ) throws(IssuanceError) -> StepOutcome
}

/// A step whose effect is ``StepEffect/once`` or ``StepEffect/destructive``. It runs only after
/// its intent is in the ledger.
protocol IrrevocableStep {
    /// Determines what the step will do, without changing anything. If the outcome has no intent,
    /// the step is not needed and the outcome's facts say why.
    static func prepare(
        _ work: inout OrderWork, _ token: inout some OrderToken & ~Copyable
    ) throws(IssuanceError) -> StepOutcome

    static func run(
        _ intent: consuming RecordedIntent, _ work: inout OrderWork,
        _ token: inout some OrderToken & ~Copyable
    ) throws(IssuanceError) -> StepOutcome
}
