internal import Issuance
internal import Terminal

/// Tells what is being done.
func tellProgress(_ step: Step) {
    Interruption.stopIfPending()
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

/// Remembers which order is being worked on, for whoever interrupts.
func tellOrder(_ order: Int64) {
    Progress.shared.leaves(
        "all that was done for order \(order) is in the ledger",
        hints: [
            "to go on: tokencert resume \(order)",
            "it never sends an order twice by itself; tokencert history \(order) shows what was done",
        ])
}

/// Tells which order it is and which key is used, so that both are found again whatever happens
/// next.
func tellKey(_ order: Int64, _ key: TokenKey) {
    tellOrder(order)
    guard !Progress.shared.isQuiet else { return }
    printError("  order \(order), key: \(key.uri)")
}
