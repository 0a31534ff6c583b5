internal import TokencertPlatform

/// An order that this process works on, and no other.
package final class OpenOrder: Sendable {
    /// Its number in the ledger.
    package let number: Int64
    /// The ledger.
    package let ledger: Ledger
    private let lock: FileLock

    init(ledger: Ledger, number: Int64, lock: consuming FileLock) {
        self.ledger = ledger
        self.number = number
        self.lock = lock
    }

    /// Adds an event, durably: after this returns it survives a loss of power.
    ///
    /// - Throws: ``LedgerError``; with code ``LedgerError/Code/alreadySent`` for an order that goes
    ///   out a second time without a person's word.
    package func record(_ event: OrderEvent) throws(LedgerError) {
        try ledger.record(event, for: number)
    }

    /// Reads the order.
    ///
    /// - Throws: ``LedgerError``; with code ``LedgerError/Code/newer`` if it has an event of a later
    ///   version, since it may have been sent.
    package func order() throws(LedgerError) -> Order {
        let order = try ledger.order(number)
        try order.requireKnown()
        return order
    }
}
