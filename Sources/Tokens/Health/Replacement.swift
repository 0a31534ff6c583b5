internal import OpenSSLX509

/// Whether another certificate for the same key has replaced one.
enum Replacement: Sendable, Hashable {
    case none
    /// One has, but its issuer has another name, or its chain was not checked.
    case seen
    /// One has, it chains to a trust anchor, and its issuer has the same name.
    case proved
}

/// The certificates of a key that may replace others: the valid ones.
struct Replacements {
    /// The purpose of a certificate; only certificates with the same purpose can replace each
    /// other.
    private struct Purpose: Hashable {
        let subject: String
        let issuer: String
        /// The complete subjectAltName, or nil if the certificate itself is not available.
        let names: Set<[UInt8]>?
        let extendedKeyUsages: Set<ExtendedKeyUsage>
        let keyUsages: Set<KeyUsage>?

        init(_ content: CertificateEntry.Content, _ certificate: Certificate?) {
            subject = content.subject
            issuer = content.issuer
            names = certificate?.subjectAlternativeNames
            extendedKeyUsages = Set(certificate?.extendedKeyUsages ?? [])
            let usages: [KeyUsage] = [
                .digitalSignature, .contentCommitment, .keyEncipherment, .keyAgreement,
            ]
            keyUsages = certificate.flatMap { certificate in
                certificate.allows(.digitalSignature) == nil
                    ? nil : Set(usages.filter { certificate.allows($0) == true })
            }
        }

        func covers(_ other: Purpose) -> Bool {
            // A renewed certificate may have another issuer of the same CA: if both certificates
            // are available, the trust anchors decide.
            guard let names, let wanted = other.names else {
                return names == nil && other.names == nil && issuer == other.issuer
            }
            // An absent key usage or extended key usage permits every use.
            let coversUses =
                extendedKeyUsages.isEmpty
                || (!other.extendedKeyUsages.isEmpty
                    && other.extendedKeyUsages.isSubset(of: extendedKeyUsages))
            let coversKeyUses =
                keyUsages.map { mine in other.keyUsages.map { $0.isSubset(of: mine) } ?? false }
                ?? true
            return wanted.isSubset(of: names) && coversUses && coversKeyUses
        }
    }

    private let health: Health
    /// For each subject and purpose, the latest end of validity.
    private var bySubject: [String: [Purpose: Int64]] = [:]

    init(_ entries: [CertificateEntry], _ health: Health, _ authorities: [Certificate]) {
        self.health = health
        for entry in entries {
            guard let content = entry.content, content.notBefore <= health.now,
                content.notAfter >= health.now, health.revocationDay(of: content) == nil
            else { continue }
            let purpose = Purpose(content, entry.certificate)
            let known = bySubject[content.subject]?[purpose] ?? .min
            guard content.notAfter > known,
                entry.certificate.map({ health.knowsIssuer(of: $0, authorities) }) ?? true
            else { continue }
            bySubject[content.subject, default: [:]][purpose] = content.notAfter
        }
    }

    func replacement(of entry: CertificateEntry) -> Replacement {
        guard let content = entry.content, let newer = bySubject[content.subject] else {
            return .none
        }
        let purpose = Purpose(content, entry.certificate)
        let successors = newer.filter { $0.value > content.notAfter && $0.key.covers(purpose) }
        if successors.isEmpty { return .none }
        let isProved =
            entry.certificate != nil && health.anchors != nil
            && successors.keys.contains { $0.issuer == purpose.issuer }
        return isProved ? .proved : .seen
    }
}
