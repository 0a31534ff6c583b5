package import OpenSSLX509
package import TokencertLedger

/// A certificate that is to be replaced.
package struct Replacement: Sendable {
    /// The certificate.
    package let certificate: Certificate
    /// Whether it is removed from the token once the new one is there and proved.
    package let isRetired: Bool
    /// Whether it is replaced even if another one has replaced it before.
    package let isForced: Bool
    /// Whether the token lets it be removed, as far as that is known.
    package let isDestroyable: Bool

    /// Names what is to be replaced.
    ///
    /// - Parameters:
    ///   - certificate: The certificate.
    ///   - isRetired: Whether it is removed in the end.
    ///   - isForced: Whether it is replaced even if another one has replaced it before.
    ///   - isDestroyable: Whether the token lets it be removed, as far as that is known.
    package init(
        _ certificate: Certificate, isRetired: Bool, isForced: Bool, isDestroyable: Bool = true
    ) {
        self.certificate = certificate
        self.isRetired = isRetired
        self.isForced = isForced
        self.isDestroyable = isDestroyable
    }

    /// The certificate in a line.
    var name: String { "\(certificate.subject), serial number \(certificate.serialNumber)" }
}

extension Order {
    /// What its certificate replaces, or nil.
    var replacement: Replacement? {
        guard let replaced = beginning.replaced,
            let old = Certificate.all(inPEM: Array(replaced.certificate.utf8)).certificates.first
        else { return nil }
        return Replacement(old, isRetired: replaced.isRetired, isForced: true)
    }
}

/// Which certificates have replaced others, according to the ledger.
package struct Replacements {
    /// SHA-256 of each replacement certificate, in hexadecimal, keyed by the PEM of the old one.
    private var outcomes: [String: Set<String>] = [:]

    /// Reads what is proved from the orders of a ledger.
    package init(_ orders: [Order]) {
        for order in orders {
            if let old = order.beginning.replaced?.certificate, let new = order.provedFingerprint {
                outcomes[old, default: []].insert(new)
            }
        }
    }

    /// SHA-256 of the certificates that have replaced a certificate, in hexadecimal.
    package func outcomes(for certificate: Certificate) -> Set<String> {
        outcomes[certificate.pem] ?? []
    }
}
