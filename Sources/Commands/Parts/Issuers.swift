internal import OpenSSLX509

extension Certificate {
    /// Whether it has signed another certificate.
    func hasIssued(_ other: Certificate) -> Bool {
        guard subject == other.issuer else { return false }
        do throws(X509Error) {
            try other.verifySignature(publicKey)
            return true
        } catch {
            return false
        }
    }

    /// Who issued it, who issued that one, and so on, as far as it is known.
    ///
    /// - Parameters:
    ///   - known: Where issuers are looked for.
    ///   - anchors: Where the way ends.
    func issuers(among known: [Certificate], upTo anchors: TrustAnchors?) -> [Certificate] {
        var issuers: [Certificate] = []
        var current = self
        // A chain longer than this is a circle.
        while issuers.count < 8, current.issuer != current.subject,
            let issuer = known.first(where: { $0.hasIssued(current) })
        {
            issuers.append(issuer)
            if anchors?.certificates.contains(issuer) ?? false { break }
            current = issuer
        }
        return issuers
    }
}
