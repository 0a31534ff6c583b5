internal import TokencertIssuance
internal import TokencertLedger

/// An order that before-order did not allow, and what its earlier sending may still lead to.
enum RefusedOrder: Equatable {
    case unsent
    /// The CA has refused it, or it did not reach the CA.
    case withoutResult
    /// The CA may have it. If `isFetchable`, a certificate can be looked for at the CA.
    case mayBeIssued(order: Int64, isFetchable: Bool)

    /// An order that is resumed, or a new one.
    init(_ order: Order?) {
        guard let order, order.wasSent || order.mayHaveOrdered else {
            self = .unsent
            return
        }
        self =
            order.mayHaveOrdered
            ? RefusedOrder.mayBeIssued(
                order: order.number, isFetchable: order.userActions.contains(.fetch))
            : RefusedOrder.withoutResult
    }

    func failure(_ problem: HookProblem) -> Failure {
        let advice: [String] = problem.advice.map { [$0] } ?? []
        let general = [
            "to see the command of the hook: tokencert config",
            "to change or remove it, edit \(ConfigurationFile.current.path)",
        ]
        return Failure(
            .noPermission, code: "hookFailed",
            "the hook before-order \(problem.orderText)\(remark)",
            hints: [hint] + advice + general)
    }

    /// The end of the message, so that on-failure gets it, too.
    private var remark: String {
        switch self {
        case .unsent, .withoutResult: ""
        case .mayBeIssued(let order, _):
            "; order \(order) was not sent again, and the CA may still issue a certificate for the "
                + "first request"
        }
    }

    private var hint: String {
        switch self {
        case .unsent: "the order was not sent, and nothing was changed for it"
        case .withoutResult: "the order was not sent again, and nothing was changed for it"
        case .mayBeIssued(let order, true):
            "to look for its certificate without a new order: tokencert resume \(order) --fetch"
        case .mayBeIssued(let order, false):
            "if you have its certificate in a file: tokencert resume \(order) --from FILE"
        }
    }
}
