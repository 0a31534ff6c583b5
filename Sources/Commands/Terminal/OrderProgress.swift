internal import Synchronization
internal import TokencertIssuance
internal import TokencertPlatform

/// The current order, and whether this process has sent it.
private let current = Mutex<(order: Int64, isSent: Bool)?>(nil)

/// The number of the order that this process began or continued last, or nil.
var currentOrder: Int64? { current.withLock { $0?.order } }

struct OrderProgress: OrderObserver {
    /// Whether the CA is a command, which has no account that could be checked.
    let isOfCommand: Bool

    func stepBegins(_ step: Step) { tellProgress(step, isOfCommand: isOfCommand) }

    func orderBegan(_ order: Int64) { tellOrder(order) }

    /// Shows the number of the order and its key, so that the user can find both if the program fails.
    func keyIsReady(_ key: TokenKey, of order: Int64) {
        tellOrder(order)
        guard !Progress.shared.isQuiet else { return }
        printError("  order \(order), key: \(printable(key.title))")
    }

    /// Does not return after an interruption, since its message does not mention the order.
    func orderIsSent(_ order: Int64) {
        Progress.shared.setInterruptionState(
            "order \(order) was sent; the CA may still issue a certificate",
            hints: hintsAfterSending(order, isOfCommand))
        current.withLock { $0 = (order, true) }
        Progress.shared.addNews("the order was sent")
    }
}

func tellProgress(_ step: Step, isOfCommand: Bool = false) {
    Interruption.stopIfPending()
    switch (step, current.withLock { $0 }) {
    case (.order, let current?):
        // In this step the order is recorded as sent, and then sent.
        Progress.shared.setInterruptionState(
            "order \(current.order) may have been sent, and the CA may issue a certificate",
            hints: hintsAfterSending(current.order, isOfCommand))
    case (.fetch, let current?):
        Progress.shared.setInterruptionState(
            "order \(current.order) was sent; the CA may still issue a certificate",
            hints: [
                "to continue: tokencert resume \(current.order) --fetch",
                beforeOrderingAgain(isOfCommand),
            ])
    case (.verify, let current?):
        Progress.shared.setInterruptionState(
            current.isSent
                ? "the CA has answered order \(current.order)"
                : "everything done for order \(current.order) is in the ledger",
            hints: hints(current.order))
    default: break
    }
    Progress.shared.begin(
        text(step, isOfCommand), onToken: ![.plan, .order, .fetch].contains(step))
}

private func text(_ step: Step, _ isOfCommand: Bool) -> String {
    switch step {
    case .plan: "checking the token and the account"
    case .generate: "preparing the key on the token"
    case .request: "signing the request on the token"
    case .order: "waiting for the CA" + (isOfCommand ? "" : " (usually 10 s)")
    case .fetch: "looking for the certificate at the CA"
    case .verify: "checking the certificate"
    case .write: "writing the certificate to the token"
    case .readBack: "reading the certificate back and testing the key"
    case .retire: "removing the replaced certificate"
    case .evidence: "signing the evidence on the token"
    case .remove: "removing the objects"
    case .setUp: "setting up the token"
    }
}

/// Stores the number of the current order for the message after an interruption.
func tellOrder(_ order: Int64) {
    current.withLock { $0 = (order, false) }
    Progress.shared.setInterruptionState(
        "everything done for order \(order) is in the ledger", hints: hints(order))
}

private func hints(_ order: Int64) -> [String] {
    [
        "to continue: tokencert resume \(order)",
        "no order is sent twice automatically; to see what was done: tokencert history \(order)",
    ]
}

private func hintsAfterSending(_ order: Int64, _ isOfCommand: Bool) -> [String] {
    ["to continue: tokencert resume \(order)", beforeOrderingAgain(isOfCommand)]
}

private func beforeOrderingAgain(_ isOfCommand: Bool) -> String {
    isOfCommand
        ? "ask the CA before you order again"
        : "check the account on the CA's web site before you order again"
}

extension TokenKey {
    /// Its label and its id: `mail, id bf0f576e781c4bc7`.
    var title: String { keyTitle(label: label, id: id) }
}
