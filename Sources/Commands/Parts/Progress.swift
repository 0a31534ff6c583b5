internal import Issuance

/// Tells on standard error what is being done.
func tellProgress(_ step: Step) {
    let text =
        switch step {
        case .plan: "looking at the token and the account"
        case .generate: "preparing the key on the token"
        case .request: "having the token sign the request"
        case .order: "ordering the certificate; the CA takes its time"
        case .verify: "checking the certificate"
        case .write: "writing the certificate onto the token"
        case .readBack: "reading it back; the token proves that it holds the key"
        case .retire: "removing the certificate that was replaced"
        }
    printError("… \(text)")
}

/// Tells which order it is and which key is used, so that both are found again whatever happens
/// next.
func tellKey(_ order: Int64, _ key: TokenKey) {
    printError("  order \(order), key: \(key.uri)")
}
