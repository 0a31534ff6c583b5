internal import Cryptoki
internal import OpenSSLX509

extension TokenInventory {
    /// The certificates that belong to a key, or that may belong to it as far as the token shows.
    /// Removing the key may make them useless.
    ///
    /// Certificates that cannot be read, or whose key cannot be compared, count unless they
    /// evidently belong to another key.
    ///
    /// - Parameter key: A key of this inventory.
    public func possibleCertificates(for key: KeyEntry) -> [CertificateEntry] {
        // A public key known only from a certificate with the same id or label is not proof.
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
        var possible = certificates + keys.flatMap(\.mismatchedCertificates)
        // A public half without a private half: this key may be its private half with a changed id.
        for other in keys where other.privateKey == nil { possible += other.certificates }
        var seen = Set(found.map(\.record.handle))
        found += possible.filter {
            mayBe($0, for: key, value, others) && seen.insert($0.record.handle).inserted
        }
        return found
    }

    /// - Parameters:
    ///   - value: The public key, or nil if it is not readable.
    ///   - others: The ids of other private keys.
    private func mayBe(
        _ entry: CertificateEntry, for key: KeyEntry, _ value: PublicKey?, _ others: Set<[UInt8]>
    ) -> Bool {
        let id = entry.record.id
        let hasSameID = !id.isEmpty && key.ids.contains(id)
        let hasSameLabel =
            key.labels.contains(entry.record.labelBytes)
            && (id.isEmpty || key.ids.isEmpty || hasSameID)
        guard let content = entry.content else {
            return hasSameID || hasSameLabel || !others.contains(id)
        }
        if let value {
            // A certificate with this public key is found by that key.
            return !tellsKeysApart(value.kind, content.keyKind) && (hasSameID || hasSameLabel)
        }
        let kind = SeenKind(type: key.type, kind: key.isValueFromCertificate ? nil : key.kind)
        guard kind.mayBe(content.keyKind) else { return false }
        return hasSameID || hasSameLabel || (!content.isAuthority && !others.contains(id))
    }
}

extension KeyEntry {
    /// The halves that are seen.
    public var halves: [ObjectRecord] { [publicKey, privateKey].compactMap { $0 } }
}
