internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertCommandCA
internal import TokencertIssuance
internal import TokencertLedger
internal import TokencertPlatform

extension Order {
    /// The command of its CA, or nil if its CA is a server or if it has none.
    var commandOfCA: String? {
        guard let ca = beginning.issue?.ca else { return nil }
        return CommandCA.command(ofURL: ca)
    }

    /// Interprets the answers of its CA.
    var authority: any CertificateAuthority.Type { authorityType(isCommand: commandOfCA != nil) }
}

extension OrderStanding {
    /// Whether its CA is a command, which has no account and no web site that is known.
    var isOfCommand: Bool { caURL.flatMap { CommandCA.command(ofURL: $0) } != nil }
}

/// Interprets the answers of a CA: of a command, or of a server with the API of CAcert.
func authorityType(isCommand: Bool) -> any CertificateAuthority.Type {
    if isCommand { return CommandCA.self }
    return CAcertAccount<NoTransport>.self
}

/// A transport for interpreting answers, for which nothing is sent.
private struct NoTransport: Transport {
    func post(to url: String, form: borrowing Secret) throws(TransportError) -> TransportAnswer {
        throw TransportError(reason: "nothing is sent", mayHaveBeenSent: false)
    }
}

extension RecentRefusal {
    /// Finds the refusal that prevents the automatic renewal of a certificate, by any CA; nil if there
    /// is none.
    static func ofAnyCA(_ certificate: Certificate, in orders: [Order]) -> RecentRefusal? {
        // What was found counts only if the answer was interpreted as that of the order's own CA.
        for isCommand in [false, true] {
            let found = RecentRefusal(
                of: certificate, in: orders, from: authorityType(isCommand: isCommand), at: now())
            if let found, let order = orders.first(where: { $0.number == found.order }),
                (order.commandOfCA != nil) == isCommand
            {
                return found
            }
        }
        return nil
    }
}
