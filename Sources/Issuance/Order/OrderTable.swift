package import TokencertLedger

/// An action that the user can take on an unfinished order.
package enum UserAction: Sendable, Hashable, CaseIterable {
    /// Continue the order: `resume`.
    case resume
    /// Supply a certificate obtained another way: `resume --from`.
    case bringCertificate
    /// Fetch the certificate from the account at the CA: `resume --fetch`.
    case fetch
    /// Send the order again, even though the CA may issue a second certificate:
    /// `resume --order-again`.
    case orderAgain
    /// Accept the changes that the CA made: `resume --accept-changes`.
    case acceptChanges
    /// Abandon the order: `resume --abandon`.
    case abandon
}

/// The state machine of orders, with one row for each state.
package struct OrderTable {
    /// How an order continues from one state.
    package struct Row: Sendable {
        package let state: OrderState
        /// The next step, or nil if there is none.
        package let next: Step?
        /// The first step of a new process, or nil if there is none. It may precede `next`, because
        /// only the token shows how far an earlier process came.
        package let restart: Step?
        /// Empty in a final state.
        package let userActions: Set<UserAction>
    }

    private static let beforeOrder: Set<UserAction> = [.resume, .bringCertificate, .abandon]
    private static let undecided: Set<UserAction> = [
        .fetch, .bringCertificate, .orderAgain, .abandon,
    ]
    private static let arrived: Set<UserAction> = [
        .resume, .bringCertificate, .acceptChanges, .abandon,
    ]

    package static let rows = [
        Row(.begun, next: .generate, restart: .generate, beforeOrder),
        Row(.keyReady, next: .request, restart: .request, beforeOrder),
        Row(.requestSigned, next: .order, restart: .order, beforeOrder),
        Row(.sending, next: .fetch, restart: .fetch, undecided),
        Row(.notSent, next: nil, restart: .order, beforeOrder),
        Row(.refused, next: nil, restart: .order, beforeOrder),
        Row(.unclear, next: .fetch, restart: .fetch, undecided),
        Row(.answered, next: .verify, restart: .verify, arrived),
        Row(.certified, next: .write, restart: .verify, arrived),
        Row(.written, next: .readBack, restart: .verify, arrived),
        Row(.proved, next: .retire, restart: .verify, arrived),
        Row(.retiring, next: nil, restart: .verify, arrived),
        Row(.done, next: nil, restart: nil, []),
        Row(.closed, next: nil, restart: nil, []),
    ]
}

extension OrderTable.Row {
    fileprivate init(
        _ state: OrderState, next: Step?, restart: Step?, _ userActions: Set<UserAction>
    ) {
        self.state = state
        self.next = next
        self.restart = restart
        self.userActions = userActions
    }
}

extension Order {
    private var row: OrderTable.Row {
        let state = state
        // A test checks that every state has a row.
        return OrderTable.rows.first { $0.state == state }
            ?? OrderTable.rows[OrderTable.rows.count - 1]
    }

    /// The next step, or nil if the order is finished or was not accepted.
    package var nextStep: Step? { isFinished ? nil : row.next }

    /// The first step of a new process, or nil if the order is finished.
    package var firstStep: Step? { isFinished ? nil : row.restart }

    /// The actions that the user can take; empty if the order is finished.
    package var userActions: Set<UserAction> { isFinished ? [] : row.userActions }

    /// Why the outcome is unknown.
    var doubt: String {
        state == .sending
            ? "it was about to be sent, and it is unknown whether that happened"
            : reason ?? "the CA's answer was not understood"
    }

    package var nextAction: NextAction {
        guard !isFinished, !userActions.isEmpty else { return .nothing }
        switch firstStep {
        case .verify: return .certificate
        case .fetch: return .decision(doubt)
        case nil: return .nothing
        default: return beginning.issue == nil ? .key : .order
        }
    }
}

/// The next need of an order.
package enum NextAction: Sendable, Hashable {
    case nothing
    /// It was never sent: the key, the account and the CA are needed.
    case order
    /// The certificate has to be verified, written and proved, as far as that was not done. Only the
    /// token is needed.
    case certificate
    /// No certificate is expected, but a key may have been generated: search the token for it.
    case key
    /// It may have been sent, and it is unknown, for this reason, what the CA did.
    case decision(String)

    package var isDecision: Bool {
        if case .decision = self { true } else { false }
    }
}
