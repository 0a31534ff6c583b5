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
        // A certificate without extended key usages permits every use.
        guard !new.extendedKeyUsages.isEmpty else { return missing }
        if extendedKeyUsages.isEmpty { return missing + ["unlimited uses"] }
        let uses = Set(extendedKeyUsages).subtracting(new.extendedKeyUsages)
        let names = uses.map(\.description).sorted().joined(separator: ", ")
        return missing + (names.isEmpty ? [] : ["the uses \(names)"])
    }
}
