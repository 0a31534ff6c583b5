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
    private let health: Health
    /// The possible issuers.
    private let known: [Certificate]
    /// The certificates that are not covered by others of the same issuer; the last to expire first.
    private var bySubject: [String: [CertificateEntry]] = [:]

    init(_ entries: [CertificateEntry], _ health: Health, _ authorities: [Certificate]) {
        self.health = health
        known = authorities + (health.anchors?.certificates ?? [])
        for (entry, content) in entries.compactMap({ entry in entry.content.map { (entry, $0) } })
            .sorted(by: { $0.1.notAfter > $1.1.notAfter })
        where content.notBefore <= health.now && content.notAfter >= health.now
            && health.revocationDay(of: content) == nil
        {
            let others = bySubject[content.subject] ?? []
            // With many renewals of one key, only the newest is compared with each.
            guard !others.contains(where: { isOfOneIssuer($0, entry) && covers($0, entry) }),
                entry.certificate.map({ health.knowsIssuer(of: $0, authorities) }) ?? true
            else { continue }
            bySubject[content.subject] = others + [entry]
        }
    }

    func replacement(of entry: CertificateEntry) -> Replacement {
        guard let content = entry.content, let others = bySubject[content.subject] else {
            return .none
        }
        let successors = others.filter { covers($0, entry) && !isFromOtherCA($0, entry) }
        if successors.isEmpty { return .none }
        let isProved =
            entry.certificate != nil && health.anchors != nil
            && successors.contains { isOfOneIssuer($0, entry) }
        return isProved ? .proved : .seen
    }

    private func isOfOneIssuer(_ new: CertificateEntry, _ old: CertificateEntry) -> Bool {
        new.content?.issuer == old.content?.issuer
    }

    /// Whether a certificate is newer and has all content of the old one. Without the certificates
    /// themselves, only the names of subject and issuer are known.
    private func covers(_ new: CertificateEntry, _ old: CertificateEntry) -> Bool {
        guard let certificate = new.certificate, let oldCertificate = old.certificate else {
            return new.certificate == nil && old.certificate == nil && isOfOneIssuer(new, old)
                && new.content?.notAfter ?? .min > old.content?.notAfter ?? .min
        }
        return oldCertificate.isCovered(by: certificate)
    }

    private func isFromOtherCA(_ new: CertificateEntry, _ old: CertificateEntry) -> Bool {
        guard let new = new.certificate, let old = old.certificate else { return false }
        return old.isFromOtherCA(than: new, among: known)
    }
}
