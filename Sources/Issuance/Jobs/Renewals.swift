package import Cryptoki
package import OpenSSLX509
package import TokencertTokens

/// A certificate that can be renewed, with its key.
package struct RenewalCandidate {
    package let certificate: Certificate
    package let label: [UInt8]
    /// The URI of its private key.
    package let key: PKCS11URI
    package let entry: KeyEntry
    /// The URI of the certificate.
    package let uri: String
    /// SHA-256, in hexadecimal, of the certificates that replaced it according to the ledger but
    /// are not on the token.
    package let lostReplacements: Set<String>
    /// Whether the certificate can be removed; only determined if it is to be removed.
    package let isDestroyable: Bool
    /// Why it is renewed only if the user names it, or nil.
    package let objection: String?
}

/// The result of a search for certificates to renew.
package struct Renewals {
    /// The certificates to renew.
    package var candidates: [RenewalCandidate] = []
    /// The certificates that are not renewed, and keys without one.
    package var passedOver: [PassedOver] = []
    /// The objects among which they were found.
    package var inventory = TokenInventory(keys: [], certificates: [], otherObjects: 0)
    /// The facts that cannot be checked without a login.
    package var notChecked: [String] = []

    /// Creates an empty result.
    package init() {}
}

extension RenewalCandidates {
    /// Why a certificate does not chain to a trust anchor, or nil. If it has expired, only the
    /// signatures count. A certificate to renew may have a weak signature itself.
    func chainProblem(
        _ certificate: Certificate, _ authorities: [Certificate], toRenew isOld: Bool = false
    ) -> String? {
        switch anchors.status(of: certificate, intermediates: authorities, at: now) {
        case .valid:
            return nil
        case .outsideValidity(let outside, _):
            let issuer = outside.first { $0 != certificate }
            guard certificate.notAfter >= now, let issuer else { return nil }
            return "a certificate in its chain is not valid now: \(issuer.subject.text)"
        case .untrusted(let error):
            if isOld, isOnlyWeaklySigned(certificate, authorities) { return nil }
            return error.isChainRejected
                ? "its chain is rejected: \(error.context)"
                : "it does not chain to a trust anchor: \(certificate.issuer.text)"
        }
    }

    /// Whether only the hash function in a certificate's own signature is rejected: the new one has another.
    private func isOnlyWeaklySigned(
        _ certificate: Certificate, _ authorities: [Certificate]
    ) -> Bool {
        guard certificate.weakSignatureHash != nil else { return false }
        return (anchors.certificates + authorities).contains { issuer in
            guard issuer.isAuthority, issuer.hasIssued(certificate) else { return false }
            if anchors.certificates.contains(issuer) { return true }
            let status = anchors.status(of: issuer, intermediates: authorities, at: now)
            if case .valid = status { return true } else { return false }
        }
    }
}
