internal import TokencertLedger

/// An order in the ledger while a process works on it.
///
/// An intent has to be in the ledger before the next step is taken. A fact has happened: if the
/// ledger fails then, the work goes on, since stopping would lose more, and the fact is written
/// together with the next one. No intent is accepted while a fact is not written.
final class Journal {
    let openOrder: OpenOrder
    /// The order with all that has happened to it, including what is not written yet.
    private(set) var order: Order
    private var unwritten: [OrderEvent] = []
    /// Why the ledger does not have everything, or nil.
    private(set) var failure: LedgerError?

    /// Whether this process has begun the order.
    let isFresh: Bool
    /// Whether this process has made the key of the order.
    var hasMadeKey = false

    /// Goes on with an order. It is read again, since another process may have worked on it until
    /// this one took it.
    init(_ openOrder: OpenOrder) throws(IssuanceError) {
        self.openOrder = openOrder
        isFresh = false
        do throws(LedgerError) {
            order = try openOrder.order()
        } catch {
            throw IssuanceError(ledger: error, at: .plan)
        }
    }

    /// Begins an order; if that fails nothing may be done for it.
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
            // It was begun a moment ago.
            var standing = OrderStanding(openOrder.number, nil)
            standing.mayHaveOrdered = false
            throw IssuanceError(ledger: error, at: .generate).with(order: standing)
        }
    }

    /// Records what is about to happen; if that fails it must not happen.
    ///
    /// - Returns: What permits the step to be taken, once.
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

    /// Records what has happened.
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

    /// The answer that the ledger could not take, or nil.
    var unwrittenAnswer: [UInt8]? {
        for case .answered(let answer) in unwritten { return answer.body.bytes }
        return nil
    }
}

/// Permits a step that cannot be undone: what it does is in the ledger. Only a ``Journal`` makes one.
struct RecordedIntent: ~Copyable {
    fileprivate init() {}
}

/// Checks that an order could be begun. Nothing is changed.
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
    /// The same; the error has the ledger's state of the order that prevents it.
    init(ledger error: LedgerError, at step: Step, in ledger: Ledger) {
        self.init(ledger: error, at: step, error.order.flatMap { try? ledger.order($0) })
    }

    /// What a failure of the ledger means for a job.
    ///
    /// - Parameter order: The order that the failure names, or nil if it is not known.
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
