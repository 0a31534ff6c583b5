internal import TokencertPlatform

/// An order that only this process works on.
package final class OpenOrder: Sendable {
    package let number: Int64
    package let ledger: Ledger
    private let lock: FileLock

    init(ledger: Ledger, number: Int64, lock: consuming FileLock) {
        self.ledger = ledger
        self.number = number
        self.lock = lock
    }

    /// Adds an event durably: once this returns, the event survives power loss. Throws
    /// ``LedgerError/Code/alreadySent`` for a second sending that the user did not request.
    package func record(_ event: OrderEvent) throws(LedgerError) {
        try ledger.record(event, for: number)
    }

    /// Reads the order. Throws ``LedgerError/Code/newer`` if it has an event that cannot be read,
    /// since it may have been sent.
    package func order() throws(LedgerError) -> Order {
        let order = try ledger.order(number)
        try order.requireKnown()
        return order
    }
}
