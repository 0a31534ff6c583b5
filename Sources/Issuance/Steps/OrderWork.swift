package import OpenSSLX509
internal import TokencertLedger
internal import TokencertTokens

/// An order while a process works on it: its record, what the user has brought, and what was read
/// since.
///
/// What the steps need is in the record. What was read may be forgotten between any two steps, and is
/// then read again.
struct OrderWork {
    let journal: Journal
    let settings: IssuanceSettings
    /// The account that orders are sent to, or nil if none will be.
    let authority: (any CertificateAuthority)?
    /// What the user has brought.
    var brought = BroughtByUser()
    /// What a request says that is handed out and not sent to a CA, or nil.
    var requested: RequestContent?
    /// Why a new key has another label than the default, for the user.
    var labelRemarks: [String] = []
    /// Whether this process has sent the order.
    var hasSent = false
    /// What was found out on the way, for the user.
    var notes = OrderNotes()

    /// The key, once it was found.
    private var foundKey: TokenKey?
    /// Which certificates cannot be the outcome, once that was read.
    private var knownOutcomes: OrderOutcomes?

    init(
        _ journal: Journal, _ settings: IssuanceSettings,
        _ authority: (any CertificateAuthority)? = nil
    ) {
        self.journal = journal
        self.settings = settings
        self.authority = authority
    }

    /// The order with all that has happened to it.
    var order: Order { journal.order }

    /// The step that a new process takes first, or nil if only the user can decide that.
    var firstStep: Step? {
        if !brought.certificates.isEmpty { return .verify }
        return brought.ordersAgain ? .order : order.firstStep
    }

    /// Whether a certificate is written although it is not what was asked for.
    var acceptsChanges: Bool { brought.acceptsChanges || order.beginning.acceptsChanges }

    /// The key, if it was found.
    var keyIfFound: TokenKey? { foundKey }

    /// The key of the order on the token.
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

    /// Takes a key for that of the order, and tells the user.
    mutating func take(_ key: TokenKey) {
        foundKey = key
        tellKey()
    }

    /// Takes a key for that of the order. The user is not told before the ledger knows it.
    mutating func update(_ key: TokenKey) {
        foundKey = key
    }

    /// Tells the user which key the order has, unless nothing will be ordered or written for it.
    func tellKey() {
        guard let foundKey, requested == nil else { return }
        settings.observer.keyIsReady(foundKey, of: journal.openOrder.number)
    }

    /// Which certificates cannot be the outcome of the order.
    mutating func outcomes() throws(IssuanceError) -> OrderOutcomes {
        if let knownOutcomes { return knownOutcomes }
        let outcomes = try OrderOutcomes(besides: order, in: journal.openOrder.ledger)
        knownOutcomes = outcomes
        return outcomes
    }

    /// Forgets what was read.
    mutating func forget() {
        foundKey = nil
        knownOutcomes = nil
    }
}

/// What the user has brought to an order that goes on.
package struct BroughtByUser: Sendable {
    /// Certificates from elsewhere.
    package var certificates: [Certificate] = []
    /// Whether a certificate is written although it is not what was asked for.
    package var acceptsChanges = false
    /// Whether the order is sent again although the CA may issue a second certificate.
    package var ordersAgain = false
    /// Whether the certificates are for an order that the ledger has; false for an import.
    package var isForOrder = true

    /// Brings nothing.
    package init() {}
}

/// What was found out while an order went on. Only the user needs it.
struct OrderNotes {
    /// What the CA did otherwise, if that was accepted.
    var differences: [Difference] = []
    /// Remarks, one per line.
    var remarks: [String] = []
    /// Whether the certificate was on the token before.
    var wasThere = false
    /// The certificate that was written and stays on the token, by its URI, or nil.
    var written: String?
    /// The certificates of authorities that were written, each by its subject.
    var chain: [String] = []
    /// How the token has proved that it holds the key.
    var possession = Possession.none
    /// The certificate that was removed, in a line, or nil.
    var retired: String?
}
