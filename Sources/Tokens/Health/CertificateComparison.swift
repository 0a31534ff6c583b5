package import OpenSSLX509

extension Certificate {
    /// The public keys of the self-signed CA certificates to which chains of signatures lead, dates aside.
    /// A CA that signs its root again keeps the key.
    ///
    /// - Parameter known: The possible issuers.
    package func roots(among known: [Certificate]) -> Set<PublicKey> {
        var roots: Set<PublicKey> = []
        var seen: Set<Certificate> = [self]
        var next = [self]
        while let current = next.popLast() {
            for issuer in known where issuer.isAuthority && issuer.hasIssued(current) {
                guard seen.insert(issuer).inserted else { continue }
                if issuer.subject == issuer.issuer {
                    roots.insert(issuer.publicKey)
                } else {
                    next.append(issuer)
                }
            }
        }
        return roots
    }

    /// Whether two certificates are certainly from different CAs: both lead to a root, and to no common
    /// one.
    ///
    /// - Parameter known: The possible issuers.
    package func isFromOtherCA(than other: Certificate, among known: [Certificate]) -> Bool {
        guard issuer != other.issuer else { return false }
        let (own, others) = (roots(among: known), other.roots(among: known))
        return !own.isEmpty && !others.isEmpty && own.isDisjoint(with: others)
    }

    /// Whether both are one certificate, even if their encodings differ: no CA issues two with one serial
    /// number.
    package func isSame(as other: Certificate) -> Bool {
        self == other
            || serialNumber == other.serialNumber && issuer == other.issuer
                && publicKey == other.publicKey
    }

    /// Whether a newer certificate for the same subject, from any CA and for any key, has all content of
    /// this one. If both are valid for the same time, the one with the larger serial number counts as newer.
    package func isCovered(by new: Certificate) -> Bool {
        subject.text == new.subject.text && newness < new.newness
            && contentMissing(in: new).isEmpty
    }

    private var newness: (Int64, Int64, Int, String) {
        (notAfter, notBefore, serialNumber.utf8.count, serialNumber)
    }

    /// What a certificate lacks that this one has: names, parts of the subject and uses. Empty if it can
    /// replace this one.
    package func contentMissing(in new: Certificate) -> [String] {
        var missing =
            isAuthority && !new.isAuthority ? ["the right to sign certificates"] : []
        if !subjectAlternativeNames.isSubset(of: new.subjectAlternativeNames) {
            missing.append("names in subjectAltName")
        }
        if subject.hasOtherParts, !new.subject.hasOtherParts {
            missing.append("parts of the subject besides CN and emailAddress")
        }
        return missing + keyUsagesMissing(in: new) + usesMissing(in: new)
    }

    private func keyUsagesMissing(in new: Certificate) -> [String] {
        guard let others = new.keyUsages else { return [] }
        let lost = (keyUsages ?? usualKeyUsages).filter { !others.contains($0) }.map { "\($0)" }
            .joined(separator: ", ")
        return lost.isEmpty ? [] : ["the key usages \(lost)"]
    }

    /// What a certificate that permits every key usage is used for.
    private var usualKeyUsages: [KeyUsage] {
        switch publicKey.kind {
        case .rsa: [.digitalSignature, .keyEncipherment]
        case .ec: [.digitalSignature, .keyAgreement]
        default: [.digitalSignature]
        }
    }

    /// The key usages besides those of CAs; nil if the extension is absent, which permits every one.
    package var keyUsages: [KeyUsage]? {
        guard allows(.digitalSignature) != nil else { return nil }
        return [
            .digitalSignature, .contentCommitment, .keyEncipherment, .dataEncipherment,
            .keyAgreement,
        ].filter { allows($0) == true }
    }

    private func usesMissing(in new: Certificate) -> [String] {
        // A certificate without extended key usages permits every use.
        guard !new.extendedKeyUsages.isEmpty else { return [] }
        if extendedKeyUsages.isEmpty { return ["unlimited uses"] }
        let uses = Set(extendedKeyUsages).subtracting(new.extendedKeyUsages)
        let names = uses.map(\.description).sorted().joined(separator: ", ")
        return names.isEmpty ? [] : ["the uses \(names)"]
    }
}
