internal import TokencertLedger

/// An order in the ledger while a process works on it.
///
/// `recordIntent` writes an event before it happens and throws if that fails, so the step is not
/// taken. `recordFact` writes an event that has happened; if that fails, the job continues and the
/// event is written with the next one. `recordIntent` throws while a fact cannot be written.
final class Journal {
    let openOrder: OpenOrder
    /// The order with all its events, including those not written yet.
    private(set) var order: Order
    private var unwritten: [OrderEvent] = []
    /// The error that kept a fact out of the ledger, or nil if the last fact was written.
    private(set) var failure: LedgerError?

    /// Whether this process began the order.
    let isFresh: Bool
    /// Whether this process generated the key of the order.
    var hasMadeKey = false

    /// Continues an order. Reads it again, because another process may have changed it before this
    /// one locked it.
    init(_ openOrder: OpenOrder) throws(IssuanceError) {
        self.openOrder = openOrder
        isFresh = false
        do throws(LedgerError) {
            order = try openOrder.order()
        } catch {
            throw IssuanceError(ledger: error, at: .plan)
        }
    }

    /// Begins an order. If this fails, no step of it may be taken.
    init(
        _ beginning: OrderEvent.Beginning, in ledger: Ledger, replacingAgain: Bool = true
    ) throws(IssuanceError) {
        do throws(LedgerError) {
            openOrder = try ledger.begin(beginning, replacingAgain: replacingAgain)
        } catch {
            throw IssuanceError(ledger: error, at: .generate, in: ledger)
        }
        isFresh = true
        do throws(LedgerError) {
            order = try openOrder.order()
        } catch {
            // The order is new, so nothing was sent.
            var standing = OrderStanding(openOrder.number, nil)
            standing.mayHaveOrdered = false
            throw IssuanceError(ledger: error, at: .generate).with(order: standing)
        }
    }

    /// Records an event before it happens. If this fails, it must not happen.
    @discardableResult
    func recordIntent(_ event: OrderEvent, at step: Step) throws(IssuanceError) -> RecordedIntent {
        do throws(LedgerError) {
            try writeFacts()
            try openOrder.record(event)
        } catch {
            throw IssuanceError(ledger: error, at: step)
        }
        order = order.adding(event)
        return RecordedIntent()
    }

    /// Records an event that has happened.
    func recordFact(_ event: OrderEvent) {
        order = order.adding(event)
        unwritten.append(event)
        do throws(LedgerError) {
            try writeFacts()
            failure = nil
        } catch {
            failure = error
        }
    }

    private func writeFacts() throws(LedgerError) {
        while let next = unwritten.first {
            try openOrder.record(next)
            unwritten.removeFirst()
        }
    }

    /// The CA's answer, if it could not be written to the ledger.
    var unwrittenAnswer: [UInt8]? {
        for case .answered(let answer) in unwritten { return answer.body.bytes }
        return nil
    }
}

/// Permits one step that cannot be undone. Only a ``Journal`` creates it, after recording the intent.
struct RecordedIntent: ~Copyable {
    fileprivate init() {}
}

/// Checks that an order can be begun, without changing the ledger.
func check(
    _ reservation: Reservation, in ledger: Ledger, replacingAgain: Bool = true
) throws(IssuanceError) {
    do throws(LedgerError) {
        try ledger.requireMayBegin(reservation, replacingAgain: replacingAgain)
    } catch {
        throw IssuanceError(ledger: error, at: .plan, in: ledger)
    }
}

extension IssuanceError {
    /// Also reads the state of the order that the error names.
    init(ledger error: LedgerError, at step: Step, in ledger: Ledger) {
        self.init(ledger: error, at: step, error.order.flatMap { try? ledger.order($0) })
    }

    /// Translates an error of the ledger. `order` is the order that the error names, if it is known.
    init(ledger error: LedgerError, at step: Step, _ order: Order? = nil) {
        let code: Code =
            switch error.code {
            case .unfinished: .otherOrderUnfinished
            case .inUse: .orderInUse
            case .alreadyReplaced: .alreadyReplaced
            case .alreadySent: .orderPending
            default: .ledgerFailed
            }
        let failure = IssuanceError(code, at: step, error.reason)
        self = failure.with(order: error.order.map { OrderStanding($0, order) })
    }
}
