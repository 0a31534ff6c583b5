internal import Synchronization
internal import TokencertIssuance
internal import TokencertPlatform

/// The order that is being worked on, and whether this process has sent it.
private let current = Mutex<(order: Int64, isSent: Bool)?>(nil)

/// Tells the user how an order goes on.
struct OrderProgress: OrderObserver {
    func stepBegins(_ step: Step) { tellProgress(step) }
    func orderBegan(_ order: Int64) { tellOrder(order) }
    func keyIsReady(_ key: TokenKey, of order: Int64) { tellKey(order, key) }
    func orderIsSent(_ order: Int64) { tellSending(order) }
}

/// Tells what is being done.
func tellProgress(_ step: Step) {
    Interruption.stopIfPending()
    switch (step, current.withLock { $0 }) {
    case (.order, let current?):
        // The order is recorded as sent next, and then sent.
        Progress.shared.setInterruptionState(
            "order \(current.order) may have been sent, and the CA may issue it",
            hints: hintsAfterSending(current.order))
    case (.verify, let current?) where current.isSent:
        Progress.shared.setInterruptionState(
            "the CA has answered order \(current.order)", hints: hints(current.order))
    default: break
    }
    Progress.shared.begin(text(step), onToken: ![.plan, .order].contains(step))
}

private func text(_ step: Step) -> String {
    switch step {
    case .plan: "looking at the token and the account"
    case .generate: "preparing the key on the token"
    case .request: "having the token sign the request"
    case .order: "ordering the certificate; the CA takes its time"
    case .verify: "checking the certificate"
    case .write: "writing the certificate onto the token"
    case .readBack: "reading it back; the token proves that it holds the key"
    case .retire: "removing the certificate that was replaced"
    case .evidence: "having the token sign the evidence"
    case .remove: "removing what was named"
    case .setUp: "setting up the token"
    }
}

/// Stores the number of the current order for the report of an interruption.
func tellOrder(_ order: Int64) {
    current.withLock { $0 = (order, false) }
    Progress.shared.setInterruptionState(
        "all that was done for order \(order) is in the ledger", hints: hints(order))
}

/// Stores that an order is recorded as sent and goes out next. Does not return after an
/// interruption, whose report did not include this order.
private func tellSending(_ order: Int64) {
    Progress.shared.setInterruptionState(
        "order \(order) was sent; the CA may still issue it", hints: hintsAfterSending(order))
    current.withLock { $0 = (order, true) }
}

private func hints(_ order: Int64) -> [String] {
    [
        "to go on: tokencert resume \(order)",
        "no order is sent twice automatically; tokencert history \(order) shows what was done",
    ]
}

private func hintsAfterSending(_ order: Int64) -> [String] {
    [
        "to go on: tokencert resume \(order)",
        "do not order again before you have looked into the account on the CA's web site",
    ]
}

/// Tells which order it is and which key is used, so that both are found again whatever happens
/// next.
private func tellKey(_ order: Int64, _ key: TokenKey) {
    tellOrder(order)
    guard !Progress.shared.isQuiet else { return }
    printError("  order \(order), key: \(quoted(key.uri))")
}
