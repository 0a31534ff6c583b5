package import TokencertLedger

/// What the user can do about an order that is not finished.
package enum UserAction: Sendable, Hashable, CaseIterable {
    /// Let it go on: `resume`.
    case resume
    /// Give it a certificate from elsewhere: `resume --from`.
    case bringCertificate
    /// Send it again, although the CA may issue a second certificate: `resume --order-again`.
    case orderAgain
    /// Accept what the CA changed: `resume --accept-changes`.
    case acceptChanges
    /// Give it up: `resume --abandon`.
    case abandon
}

/// How orders go on: a row for each state.
package struct OrderTable {
    /// How an order goes on from one state.
    package struct Row: Sendable {
        /// The state.
        package let state: OrderState
        /// The step that is taken next, or nil if none is.
        package let next: Step?
        /// The step that a new process takes first. It is an earlier one if only the token knows what
        /// became of what an earlier process did. nil if no process can go on by itself.
        package let restart: Step?
        /// What the user can do. Empty in a final state.
        package let userActions: Set<UserAction>
    }

    private static let beforeOrder: Set<UserAction> = [.resume, .bringCertificate, .abandon]
    private static let undecided: Set<UserAction> = [.bringCertificate, .orderAgain, .abandon]
    private static let arrived: Set<UserAction> = [
        .resume, .bringCertificate, .acceptChanges, .abandon,
    ]

    /// All rows, each state once.
    package static let rows = [
        Row(.begun, next: .generate, restart: .generate, beforeOrder),
        Row(.keyReady, next: .request, restart: .request, beforeOrder),
        Row(.requestSigned, next: .order, restart: .order, beforeOrder),
        Row(.sending, next: nil, restart: nil, undecided),
        Row(.notSent, next: nil, restart: .order, beforeOrder),
        Row(.refused, next: nil, restart: .order, beforeOrder),
        Row(.unclear, next: nil, restart: nil, undecided),
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
        // A test compares the states with the rows.
        return OrderTable.rows.first { $0.state == state }
            ?? OrderTable.rows[OrderTable.rows.count - 1]
    }

    /// The step that is taken next, or nil if the order has reached its goal or waits for the user.
    package var nextStep: Step? { isFinished ? nil : row.next }

    /// The step that a new process takes first, or nil if the order has reached its goal or waits for
    /// the user.
    package var firstStep: Step? { isFinished ? nil : row.restart }

    /// What the user can do about it.
    package var userActions: Set<UserAction> { isFinished ? [] : row.userActions }

    /// What it still needs.
    package var nextAction: NextAction {
        guard !isFinished, !userActions.isEmpty else { return .nothing }
        switch firstStep {
        case .verify: return .certificate
        case nil:
            return .decision(
                state == .sending
                    ? "it was about to be sent, and nothing is known since"
                    : reason ?? "its answer was not understood")
        default: return beginning.issue == nil ? .key : .order
        }
    }
}

/// What an order still needs.
package enum NextAction: Sendable, Hashable {
    /// Nothing.
    case nothing
    /// It was never sent: key and account are needed, and the CA.
    case order
    /// What came has to be verified, written and proved, as far as that was not done: token only.
    case certificate
    /// At most a key was made, and no certificate is expected for it: whether the key is on the token
    /// has to be looked up.
    case key
    /// It was sent, and it is not known what the CA did. The reason, in words.
    case decision(String)

    /// Whether it is ``decision(_:)``.
    package var isDecision: Bool {
        if case .decision = self { true } else { false }
    }
}
