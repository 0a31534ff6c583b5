internal import OpenSSLX509
package import TokencertLedger

/// What an order still needs.
package enum Remainder: Sendable, Hashable {
    /// Nothing.
    case nothing
    /// It was never placed: key and account are needed, and the CA.
    case order
    /// What came has to be checked, written and proved, as far as that was not done: token only.
    case certificate
    /// Nothing was made but, perhaps, a key that nobody waits for: what is there has to be looked
    /// at.
    case key
    /// It went out, and nobody here can know what the CA did. Why, for a person to read.
    case decision(String)

    /// Whether it is ``decision(_:)``.
    package var isDecision: Bool {
        if case .decision = self { true } else { false }
    }
}

extension Order {
    /// What it still needs.
    package var remainder: Remainder {
        if isFinished { return .nothing }
        switch state {
        case .done, .closed: return .nothing
        case .begun, .notSent, .refused:
            return beginning.name == nil ? .key : .order
        case .answered, .certified, .written, .proved, .retiring: return .certificate
        case .sending: return .decision("it was about to be sent, and nothing is known since")
        case .unclear: return .decision(reason ?? "its answer was not understood")
        }
    }
}

extension IssuanceRequest {
    /// What an order asked for.
    ///
    /// - Parameter order: The order.
    package init(_ order: Order) {
        self.init()
        let beginning = order.beginning
        name = beginning.name
        emailAddresses = beginning.emailAddresses
        codeSigning = beginning.codeSigning
        acceptsChanges = beginning.acceptsChanges
        labelBytes = beginning.certificateLabelBytes
        replacement = order.replacement
    }
}

extension Order {
    /// What its certificate replaces, or nil.
    var replacement: Replacement? {
        guard let pem = beginning.replacedCertificate,
            let old = Certificate.all(inPEM: Array(pem.utf8)).certificates.first
        else { return nil }
        return Replacement(old, isRetired: beginning.retiresReplaced, isForced: true)
    }
}
