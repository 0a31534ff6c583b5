package import OpenSSLX509
package import TokencertLedger

/// A certificate to replace.
package struct Replacement: Sendable {
    package let certificate: Certificate
    /// Whether it is removed from the token after the new certificate is proved.
    package let isRetired: Bool
    /// Whether it is replaced even if another certificate has already replaced it.
    package let isForced: Bool
    /// Whether the token permits its removal; true if that is unknown.
    package let isDestroyable: Bool

    package init(
        _ certificate: Certificate, isRetired: Bool, isForced: Bool, isDestroyable: Bool = true
    ) {
        self.certificate = certificate
        self.isRetired = isRetired
        self.isForced = isForced
        self.isDestroyable = isDestroyable
    }

    /// A one-line description of the certificate.
    var name: String {
        let subject = certificate.subject.text
        let title = subject.isEmpty ? certificate.displayName : subject
        return "\(title), serial number \(certificate.serialNumber)"
    }
}

extension Order {
    /// The certificate that the order replaces, or nil.
    var replacement: Replacement? {
        guard let replaced = beginning.replaced,
            let old = Certificate.all(inPEM: Array(replaced.certificate.utf8)).certificates.first
        else { return nil }
        return Replacement(old, isRetired: replaced.isRetired, isForced: true)
    }
}

extension [Order] {
    /// The CA certificates that came with certificates or that orders have written to tokens, each once.
    var authorities: [Certificate] {
        var texts: Set<String> = []
        var found: [Certificate] = []
        for recorded in flatMap(\.events) {
            let pem: String
            switch recorded.event {
            case .chainWritten(let written)?: pem = written
            case .certified(let certified)?: pem = certified.others
            default: continue
            }
            // Most orders have the same ones.
            guard texts.insert(pem).inserted else { continue }
            for certificate in Certificate.all(inPEM: [UInt8](pem.utf8)).certificates
            where certificate.isAuthority && !found.contains(certificate) {
                found.append(certificate)
            }
        }
        return found
    }
}

/// The replacements of certificates, according to the ledger.
package struct Replacements {
    /// SHA-256 of each direct replacement, in hexadecimal, keyed by the PEM of the old certificate.
    private var direct: [String: Set<String>] = [:]
    /// The PEM of the proved certificates, keyed by their SHA-256 in hexadecimal.
    private var certificates: [String: String] = [:]
    /// SHA-256 of the revoked certificates, in hexadecimal.
    private var revoked: Set<String> = []

    /// Only orders with a proved certificate count. A certificate that is revoked replaces nothing.
    package init(_ orders: [Order]) {
        for case .revoked(let revocation)? in orders.flatMap(\.events).map(\.event) {
            revoked.insert(revocation.sha256Fingerprint)
        }
        for order in orders {
            guard let new = order.provedFingerprint else { continue }
            certificates[new] = order.certified?.certificate
            if let old = order.beginning.replaced?.certificate {
                direct[old, default: []].insert(new)
            }
        }
    }

    /// The outcomes for all certificates that were replaced, by the SHA-256 of these.
    package var all: [String: Set<String>] {
        var found: [String: Set<String>] = [:]
        for old in direct.keys.flatMap({ Certificate.all(inPEM: Array($0.utf8)).certificates }) {
            found[hexadecimal(old.sha256Fingerprint)] = outcomes(for: old)
        }
        return found
    }

    /// SHA-256 of each certificate that has replaced this one, in hexadecimal, including indirectly
    /// through others that may be gone or revoked.
    package func outcomes(for certificate: Certificate) -> Set<String> {
        var found: Set<String> = []
        var next = [certificate.pem]
        while let old = next.popLast() {
            for new in direct[old] ?? [] where found.insert(new).inserted {
                if let pem = certificates[new] { next.append(pem) }
            }
        }
        return found.subtracting(revoked)
    }
}
