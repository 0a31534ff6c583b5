package import TokencertLedger

/// Where an order stands when a job has failed, and what it leaves behind: what hints are made from.
package struct OrderStanding: Sendable, Hashable {
    /// The order's number in the ledger.
    package let number: Int64
    /// Whether a certificate was or may be issued for it: ``Order/mayHaveOrdered``, and true if the
    /// ledger cannot be read.
    package var mayHaveOrdered = true
    /// What ``Order/arrivedState`` says of it.
    package var arrivedState: OrderState?
    /// What it still needs, or nil if the ledger cannot be read.
    package var nextAction: NextAction?
    /// Whether the ledger says that nothing was ever sent for the key, by this or any other order.
    package var isKeyUnsent = false
    /// Whether the certificate that is wrong came from elsewhere, so that the ledger has it not.
    package var isFromElsewhere = false
    /// What the CA answered, where the ledger could not take it; else nil.
    package var unrecordedAnswer: [UInt8]?
    /// The URI of the certificate that was written and stays on the token, or nil.
    package var writtenCertificate: String?
    /// The subjects of the certificates of a chain that were written and stay.
    package var writtenChain: [String] = []

    /// Says where an order stands.
    ///
    /// - Parameters:
    ///   - number: Its number.
    ///   - order: The order, or nil if the ledger cannot be read.
    ///   - isOver: Whether nothing more comes of it.
    package init(_ number: Int64, _ order: Order?, isOver: Bool = false) {
        self.number = number
        if isOver { nextAction = .nothing }
        guard let order else { return }
        mayHaveOrdered = order.mayHaveOrdered
        arrivedState = order.arrivedState
        if !isOver { nextAction = order.nextAction }
    }
}
