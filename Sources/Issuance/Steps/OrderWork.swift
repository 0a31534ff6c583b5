package import OpenSSLX509
internal import TokencertLedger
internal import TokencertTokens

/// An order in progress: its record in the ledger, the user's input, and cached readings. Each step is
/// a method.
///
/// A step whose effect is ``StepEffect/pure`` or ``StepEffect/repeatable`` may run again after any
/// interruption: it changes nothing, or first checks what was done. A step whose effect is
/// ``StepEffect/once`` or ``StepEffect/destructive`` has two methods. The first determines what will
/// happen, without changing anything. The second requires that as a ``RecordedIntent``.
///
/// The cache may be cleared between any two steps; its contents are then read again.
struct OrderWork {
    let journal: Journal
    let settings: IssuanceSettings
    /// The account that orders are sent to, or nil if nothing is sent.
    let authority: (any CertificateAuthority)?
    var brought = BroughtByUser()
    /// The request that is given to the user instead of a CA, or nil.
    var requested: IssuanceRequest?
    /// Remarks for the user if a new key does not have the default label.
    var labelRemarks: [String] = []
    /// Whether this process has sent the order.
    var hasSent = false
    var notes = OrderNotes()

    /// The key of the order, if it was found already.
    var foundKey: TokenKey?
    /// The outcomes of the other orders, if they were read already.
    var knownOutcomes: OrderOutcomes?

    init(
        _ journal: Journal, _ settings: IssuanceSettings,
        _ authority: (any CertificateAuthority)? = nil
    ) {
        self.journal = journal
        self.settings = settings
        self.authority = authority
    }

    /// The order with all its events.
    var order: Order { journal.order }

    /// The step at which a new process starts, or nil if the user has to decide.
    var firstStep: Step? {
        if !brought.certificates.isEmpty { return .verify }
        return brought.ordersAgain ? .order : order.firstStep
    }

    /// Whether a certificate that differs from the request is written.
    var acceptsChanges: Bool { brought.acceptsChanges || order.beginning.acceptsChanges }

    /// Finds the key of the order on the token.
    mutating func key(
        _ token: inout some OrderToken & ~Copyable
    ) throws(IssuanceError) -> TokenKey {
        if let foundKey { return foundKey }
        guard let key = try token.key(of: order, in: journal.openOrder.ledger) else {
            throw IssuanceError(.keyGone, at: .generate, "no key was made for this order")
        }
        foundKey = key
        return key
    }

    /// Reports the key to the user, unless the order only makes a request.
    func tellKey() {
        guard let foundKey, requested == nil else { return }
        settings.observer.keyIsReady(foundKey, of: journal.openOrder.number)
    }

    /// The outcomes of the other orders, which cannot be that of this one.
    mutating func outcomes() throws(IssuanceError) -> OrderOutcomes {
        if let knownOutcomes { return knownOutcomes }
        let outcomes = try OrderOutcomes(besides: order, in: journal.openOrder.ledger)
        knownOutcomes = outcomes
        return outcomes
    }
}

/// The user's input when an order continues.
package struct BroughtByUser: Sendable {
    /// Certificates that did not come from the CA's answer.
    package var certificates: [Certificate] = []
    /// Whether a certificate that differs from the request is written.
    package var acceptsChanges = false
    /// Whether the order is sent again, although the CA may then issue a second certificate.
    package var ordersAgain = false
    /// Whether the certificates are for an order in the ledger; false for an import.
    package var isForOrder = true

    package init() {}
}

/// Information for the user that no step needs.
struct OrderNotes {
    /// Accepted differences from the request.
    var differences: [Difference] = []
    /// Remarks, one per line.
    var remarks: [String] = []
    /// Whether the certificate was on the token before.
    var wasThere = false
    /// The URI of the certificate that was written, or nil.
    var written: String?
    /// The subjects of the CA certificates that were written.
    var chain: [String] = []
    /// How the token proved possession of the key.
    var possession = Possession.none
    /// The removed certificate in one line, or nil.
    var retired: String?
}

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
        for case .answered(let answer) in unwritten { return Array(answer.body) }
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
