internal import OpenSSLX509

extension CertificateEntry {
    /// Whether this certificate stands for its key rather than another one: the one that is not
    /// revoked, that is valid now, in seconds since 1970-01-01 00:00 UTC, and that expires last.
    /// `revocations` has the days of revocations, by the SHA-256 of the certificate in hexadecimal.
    package func isPreferred(
        to other: CertificateEntry, at now: Int64, _ revocations: [String: String]
    ) -> Bool {
        func rank(_ entry: CertificateEntry) -> [Int64] {
            guard let content = entry.content else { return [] }
            let isRevoked = revocations[hexadecimal(content.sha256Fingerprint)] != nil
            let isValid = content.notBefore <= now + clockTolerance && content.notAfter > now
            return [
                isRevoked ? 0 : 1, isValid ? 1 : 0, content.notAfter, content.notBefore,
            ]
        }
        return rank(other).lexicographicallyPrecedes(rank(self))
    }
}
