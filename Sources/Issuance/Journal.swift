internal import Cryptoki
internal import OpenSSLX509
internal import TokencertLedger

/// An order's page in the ledger while the job goes on.
///
/// What must stand there before the next step is insisted on. What has happened is noted: where the
/// ledger fails at that moment the job goes on, since stopping would lose more, and the note is
/// tried again with the next one.
final class Journal {
    let openOrder: OpenOrder
    private var unwritten: [OrderEvent] = []
    /// Why the ledger does not have everything, or nil.
    private(set) var failure: LedgerError?

    /// Whether the order was begun by this process, a moment ago.
    let isFresh: Bool

    /// Whether this process has made the key of the order.
    private(set) var hasMadeKey = false

    /// Goes on with an order.
    init(_ openOrder: OpenOrder) {
        self.openOrder = openOrder
        isFresh = false
    }

    /// Begins an order; where that fails nothing may be done for it.
    init(
        _ beginning: OrderEvent.Beginning, in ledger: Ledger, replacingAgain: Bool = true
    ) throws(IssuanceError) {
        do throws(LedgerError) {
            openOrder = try ledger.begin(beginning, replacingAgain: replacingAgain)
            isFresh = true
        } catch {
            throw IssuanceError(ledger: error, at: .generate, in: ledger)
        }
    }

    /// What the ledger says of the order.
    func order(at step: Step) throws(IssuanceError) -> Order {
        do throws(LedgerError) {
            return try openOrder.order()
        } catch {
            throw IssuanceError(ledger: error, at: step)
        }
    }

    /// Does a part of the job. Where it fails the ledger is told, and the error tells the order and
    /// its key.
    func recordingFailure<Result>(
        _ key: TokenKey?, on token: Token, isFromElsewhere: Bool = false,
        _ body: () throws(IssuanceError) -> Result
    ) throws(IssuanceError) -> Result {
        do throws(IssuanceError) {
            return try body()
        } catch {
            var error = error
            error.order = error.order ?? openOrder.number
            error.key = error.key ?? key?.named(on: token)
            error.unrecordedAnswer = unwrittenAnswer
            error.isFromElsewhere = isFromElsewhere
            recordFact(
                error.isClosed
                    ? .closed(reason: error.reason)
                    : .stopped(.init(step: error.step.rawValue, reason: error.text)))
            if error.order == openOrder.number {
                let id = error.key.map { hexadecimal($0.id) }
                let wasSent = id.flatMap {
                    try? openOrder.ledger.wasSent(forKey: key?.publicKeyHash, id: $0)
                }
                let order = try? openOrder.order()
                error.adopt(
                    order, isKeyUnsent: wasSent == false && isOwn(key?.publicKeyHash, order))
            }
            throw error
        }
    }

    /// Whether the key of the order was certainly made for it. One that was found by its id and its
    /// label may belong to another program.
    private func isOwn(_ publicKeyHash: String?, _ order: Order?) -> Bool {
        guard !hasMadeKey else { return true }
        guard let publicKeyHash, let order else { return false }
        return order.events.contains { $0.event == .made(publicKeyHash: publicKeyHash) }
    }

    /// Remembers that this process has made the key of the order, before the key is read.
    func keyWasMade() {
        hasMadeKey = true
    }

    /// Records what is about to happen; where that fails it must not happen.
    func recordIntent(_ event: OrderEvent, at step: Step) throws(IssuanceError) {
        do throws(LedgerError) {
            try writeNotes()
            try openOrder.record(event)
        } catch {
            throw IssuanceError(ledger: error, at: step)
        }
    }

    private func writeNotes() throws(LedgerError) {
        while let next = unwritten.first {
            try openOrder.record(next)
            unwritten.removeFirst()
        }
    }

    /// Records what has happened.
    func recordFact(_ event: OrderEvent) {
        unwritten.append(event)
        do throws(LedgerError) {
            try writeNotes()
            failure = nil
        } catch {
            failure = error
        }
    }

    /// The answer that the ledger could not take, or nil.
    var unwrittenAnswer: [UInt8]? {
        for case .answered(let answer) in unwritten { return answer.body.bytes }
        return nil
    }
}

/// Checks that an order could be begun. Nothing is changed.
func check(
    _ beginning: OrderEvent.Beginning, in ledger: Ledger, replacingAgain: Bool = true
) throws(IssuanceError) {
    do throws(LedgerError) {
        try ledger.requireMayBegin(beginning, replacingAgain: replacingAgain)
    } catch {
        throw IssuanceError(ledger: error, at: .plan, in: ledger)
    }
}

extension IssuanceError {
    /// The same; the error has the ledger's state of the order that prevents it.
    init(ledger error: LedgerError, at step: Step, in ledger: Ledger) {
        self.init(ledger: error, at: step)
        if let order { adopt(try? ledger.order(order), isKeyUnsent: false) }
    }

    /// What a failure of the ledger means for a job.
    init(ledger error: LedgerError, at step: Step) {
        let code: Code =
            switch error.code {
            case .unfinished: .otherOrderUnfinished
            case .inUse: .orderInUse
            case .alreadyReplaced: .alreadyReplaced
            case .alreadySent: .orderPending
            default: .ledgerFailed
            }
        self.init(code, at: step, error.reason)
        order = error.order
    }
}

extension OrderEvent.Beginning {
    /// Records how the module was loaded, so that it can be loaded in the same way again.
    mutating func setModule(_ module: Module) {
        moduleName = module.name
        moduleArguments = module.arguments
    }
}
