internal import OpenSSLX509

/// Whether another certificate of the same key has taken the place of one.
enum Replacement: Sendable, Hashable {
    /// None has.
    case none
    /// One of the same issuer has; its chain was not looked at.
    case seen
    /// One has that leads to a trust anchor.
    case proved
}

/// The certificates of a key that may take the place of others: those that are valid.
struct Replacements {
    /// What certificates are good for that can replace each other.
    private struct Purpose: Hashable {
        let subject: String
        let issuer: String
        let emailAddresses: Set<String>?
        let extendedKeyUsages: Set<ExtendedKeyUsage>
        let keyUsages: Set<KeyUsage>?

        init(_ content: CertificateEntry.Content, _ certificate: Certificate?) {
            subject = content.subject
            // Renewing may change the issuer of the same CA: with both certificates at hand the
            // anchors decide.
            issuer = certificate == nil ? content.issuer : ""
            emailAddresses = certificate.map { Set($0.emailAddresses) }
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
            guard let emailAddresses, let wanted = other.emailAddresses else {
                return emailAddresses == nil && other.emailAddresses == nil
                    && issuer == other.issuer
            }
            // No extended key usage, or no key usage, stands for every use.
            let coversUses =
                extendedKeyUsages.isEmpty
                || (!other.extendedKeyUsages.isEmpty
                    && other.extendedKeyUsages.isSubset(of: extendedKeyUsages))
            let coversKeyUses =
                keyUsages.map { mine in other.keyUsages.map { $0.isSubset(of: mine) } ?? false }
                ?? true
            return wanted.isSubset(of: emailAddresses) && coversUses && coversKeyUses
        }
    }

    private let health: Health
    /// The certificate of each purpose that is valid longest, by subject.
    private var bySubject: [String: [Purpose: Int64]] = [:]

    init(_ entries: [CertificateEntry], _ health: Health, _ authorities: [Certificate]) {
        self.health = health
        for entry in entries {
            guard let content = entry.content, content.notBefore <= health.now,
                content.notAfter >= health.now
            else { continue }
            let purpose = Purpose(content, entry.certificate)
            let known = bySubject[content.subject]?[purpose] ?? .min
            guard content.notAfter > known,
                entry.certificate.map({ health.knowsIssuer(of: $0, authorities) }) ?? true
            else { continue }
            bySubject[content.subject, default: [:]][purpose] = content.notAfter
        }
    }

    /// What has taken the place of a certificate.
    func replacement(of entry: CertificateEntry) -> Replacement {
        guard let content = entry.content, let newer = bySubject[content.subject] else {
            return .none
        }
        let purpose = Purpose(content, entry.certificate)
        guard newer.contains(where: { $0.value > content.notAfter && $0.key.covers(purpose) })
        else { return .none }
        return entry.certificate != nil && health.anchors != nil ? .proved : .seen
    }
}
