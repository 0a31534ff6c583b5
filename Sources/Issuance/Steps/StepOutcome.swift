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
