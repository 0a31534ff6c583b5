package import TokencertLedger

/// The state of an order after a job has failed, and what the job has left. Hints are based on it.
package struct OrderStanding: Sendable, Hashable {
    package let number: Int64
    /// ``Order/mayHaveOrdered``, or true if the ledger cannot be read.
    package var mayHaveOrdered = true
    package var arrivedState: OrderState?
    /// nil if the ledger cannot be read.
    package var nextAction: NextAction?
    /// Whether, according to the ledger, no order was ever sent for the key.
    package var isKeyUnsent = false
    /// Whether the rejected certificate is not an answer of the CA, so it is not in the ledger.
    package var isFromElsewhere = false
    /// The address at which the member finds the certificate once the CA has issued it, or nil.
    package var addressAtCA: String?
    /// The address of the CA, or nil if it is not known.
    package var caURL: String?
    /// The CA's answer, if it could not be written to the ledger.
    package var unrecordedAnswer: [UInt8]?
    /// The URI of the certificate that was written and remains on the token, or nil.
    package var writtenCertificate: String?
    /// The subjects of the CA certificates that were written and remain on the token.
    package var writtenChain: [String] = []

    /// `order` is nil if the ledger cannot be read; `isOver` means that the order cannot continue.
    package init(_ number: Int64, _ order: Order?, isOver: Bool = false) {
        self.number = number
        if isOver { nextAction = .nothing }
        guard let order else { return }
        mayHaveOrdered = order.mayHaveOrdered
        arrivedState = order.arrivedState
        caURL = order.beginning.issue?.ca
        if !isOver { nextAction = order.nextAction }
    }
}
