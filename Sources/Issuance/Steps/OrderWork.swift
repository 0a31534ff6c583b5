package import OpenSSLX509
internal import TokencertLedger
internal import TokencertTokens

/// An order in progress: its record in the ledger, the user's input, and cached readings.
///
/// The cache may be cleared between any two steps; its contents are then read again.
struct OrderWork {
    let journal: Journal
    let settings: IssuanceSettings
    /// The account that orders are sent to, or nil if nothing is sent.
    let authority: (any CertificateAuthority)?
    var brought = BroughtByUser()
    /// The content of a request that is given to the user instead of a CA, or nil.
    var requested: RequestContent?
    /// Remarks for the user if a new key does not have the default label.
    var labelRemarks: [String] = []
    /// Whether this process has sent the order.
    var hasSent = false
    var notes = OrderNotes()

    private var foundKey: TokenKey?
    private var knownOutcomes: OrderOutcomes?

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

    /// The key, if it was found already.
    var keyIfFound: TokenKey? { foundKey }

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

    /// Sets the key of the order and reports it to the user.
    mutating func take(_ key: TokenKey) {
        foundKey = key
        tellKey()
    }

    /// Sets the key of the order. It is reported later, when it is in the ledger.
    mutating func update(_ key: TokenKey) {
        foundKey = key
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

    /// Clears the cache.
    mutating func forget() {
        foundKey = nil
        knownOutcomes = nil
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

    /// Creates an empty input.
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
