internal import Cryptoki
internal import OpenSSLX509

extension TokenInventory {
    /// The certificates that belong or may belong to a key, and so may become useless without it.
    /// Those that cannot be read or compared count unless they evidently belong to another key;
    /// those with the key's id or label count even if they do not match its public half.
    package func possibleCertificates(for key: KeyEntry) -> [CertificateEntry] {
        // A public key taken from a certificate with the same id or label proves nothing.
        let value = key.isValueFromCertificate ? nil : key.value
        let handles = Set(key.halves.map(\.handle))
        var others: Set<[UInt8]> = []
        var found: [CertificateEntry] = []
        for other in keys {
            let isSame = other.halves.contains { handles.contains($0.handle) }
            if !isSame, other.privateKey != nil { others.formUnion(other.ids) }
            let hasSameValue = value != nil && other.value == value
            if isSame || hasSameValue { found += other.certificates }
        }
        others.subtract(key.ids)
        var possible = certificates
        // Public halves alone: the private half may be this one, moved to another id.
        for other in keys where other.privateKey == nil { possible += other.certificates }
        possible.removeAll { !mayBe($0, for: key, value, others) }
        // The key with the id of a mismatch is certainly another one, so the id excludes nothing.
        possible += keys.flatMap(\.mismatchedCertificates).filter {
            mayBe($0, for: key, value, [], whateverID: true)
        }
        var seen = Set(found.map(\.record.handle))
        found += possible.filter { seen.insert($0.record.handle).inserted }
        return found
    }

    /// `value` is the public key, or nil if it is not readable; `others` are the ids of other
    /// private keys; `isAnyID` means that a certificate with the key's label counts under any id.
    private func mayBe(
        _ entry: CertificateEntry, for key: KeyEntry, _ value: PublicKey?, _ others: Set<[UInt8]>,
        whateverID isAnyID: Bool = false
    ) -> Bool {
        let id = entry.record.id
        let hasSameID = !id.isEmpty && key.ids.contains(id)
        let hasSameLabel =
            key.labels.contains(entry.record.labelBytes)
            && (isAnyID || id.isEmpty || key.ids.isEmpty || hasSameID)
        guard let content = entry.content else {
            return hasSameID || hasSameLabel || !others.contains(id)
        }
        if key.isValueFromPrivateKey, let value {
            // A certificate with this public key was already found by it.
            return !tellsKeysApart(value.kind, content.keyKind) && (hasSameID || hasSameLabel)
        }
        guard SeenKind(type: key.type, kind: key.privateKind).mayBe(content.keyKind) else {
            return false
        }
        if hasSameID || hasSameLabel { return true }
        // "openssl req -x509" also marks a user's self-signed certificate as a CA certificate.
        let isIntermediate = content.isAuthority && content.issuer != content.subject
        return value == nil && !isIntermediate && !others.contains(id)
    }
}

extension KeyEntry {
    /// The halves that are visible.
    package var halves: [ObjectRecord] { [publicKey, privateKey].compactMap { $0 } }
}
