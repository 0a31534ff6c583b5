internal import OpenSSLX509

/// Whether another certificate of the same key has replaced one.
enum Replacement: Sendable, Hashable {
    /// No other certificate has replaced it.
    case none
    /// One of the same issuer has replaced it; its chain was not checked.
    case seen
    /// One that leads to a trust anchor has replaced it.
    case proved
}

/// The certificates of a key that may replace others: the valid ones.
struct Replacements {
    /// The purpose of a certificate; only certificates of one purpose can replace each other.
    private struct Purpose: Hashable {
        let subject: String
        let issuer: String
        let emailAddresses: Set<String>?
        let extendedKeyUsages: Set<ExtendedKeyUsage>
        let keyUsages: Set<KeyUsage>?

        init(_ content: CertificateEntry.Content, _ certificate: Certificate?) {
            subject = content.subject
            // A CA may use another issuer at a renewal; if both certificates are known, the anchors
            // decide.
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
            // An absent key usage or extended key usage permits every use.
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
    /// The certificate of each purpose that is valid for the longest time, by subject.
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

    /// What has replaced a certificate.
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
