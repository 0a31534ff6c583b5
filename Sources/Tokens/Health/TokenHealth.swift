internal import Cryptoki
internal import OpenSSLX509

/// The findings about each key and certificate on a token.
package struct TokenHealth: Sendable {
    package let health: Health
    private let inventory: TokenInventory
    private let authorities: [Certificate]
    private let sharedIDs: Set<[UInt8]>
    /// URIs that several certificates have.
    private let sharedURIs: Set<String>
    /// The replacements of certificates that share their key with others.
    private var replacements: [ObjectHandle: Replacement] = [:]
    /// The ids of unpaired certificates, and the labels of those without an id.
    private var openNames: (ids: Set<[UInt8]>, labels: Set<[UInt8]>) = ([], [])
    /// The same for certificates that cannot be read.
    private var unreadNames: (ids: Set<[UInt8]>, labels: Set<[UInt8]>) = ([], [])
    /// What is known about the keys with an unreadable public key.
    private let seenKinds: Set<SeenKind>
    /// The public keys of the private halves.
    private let privateValues: Set<PublicKey>
    /// The public keys with an id, for the ids of certificates that their own keys do not have.
    private var valuesByOtherID: [[UInt8]: [PublicKey]] = [:]

    init(_ health: Health, _ inventory: TokenInventory) {
        self.health = health
        self.inventory = inventory
        authorities = inventory.authorities
        var seen: Set<[UInt8]> = []
        sharedIDs = Set(inventory.keys.map(\.id).filter { !seen.insert($0).inserted })
        var seenURIs: Set<String> = []
        sharedURIs = Set(
            inventory.entries.map(\.record.uri).filter { !seenURIs.insert($0).inserted })
        seenKinds = Set(inventory.keys.filter { $0.value == nil }.map(\.seenKind))
        privateValues = Set(inventory.keys.filter { $0.privateKey != nil }.compactMap(\.value))
        let otherIDs = Set(
            inventory.keys.flatMap { key in
                key.certificates.map(\.record.id).filter { id in
                    !id.isEmpty && id != key.privateKey?.id && id != key.publicKey?.id
                }
            })
        for key in inventory.keys where !otherIDs.isEmpty {
            guard let value = key.value else { continue }
            for id in key.ids.intersection(otherIDs) {
                valuesByOtherID[id, default: []].append(value)
            }
        }
        for key in inventory.keys where key.certificates.count > 1 {
            let newer = Replacements(key.certificates, health, authorities)
            for entry in key.certificates {
                replacements[entry.record.handle] = newer.replacement(of: entry)
            }
        }
        takeReplacements()
        for entry in inventory.certificates {
            let record = entry.record
            if record.id.isEmpty {
                openNames.labels.insert(record.labelBytes)
                if entry.content == nil { unreadNames.labels.insert(record.labelBytes) }
            } else {
                openNames.ids.insert(record.id)
                if entry.content == nil { unreadNames.ids.insert(record.id) }
            }
        }
    }

    /// Takes over the replacements of the ledger. One counts while the new certificate is on the token, is
    /// valid and is not revoked.
    private mutating func takeReplacements() {
        guard !health.replacements.isEmpty else { return }
        let wanted = health.replacements.values.reduce(into: Set<String>()) { $0.formUnion($1) }
        var present: [String: CertificateEntry] = [:]
        for entry in inventory.entries {
            guard let content = entry.content, content.notAfter >= health.now,
                health.revocationDay(of: content) == nil
            else { continue }
            let fingerprint = hexadecimal(content.sha256Fingerprint)
            if wanted.contains(fingerprint) { present[fingerprint] = entry }
        }
        for entry in inventory.keys.flatMap(\.certificates) {
            guard let content = entry.content,
                let new = health.replacements[hexadecimal(content.sha256Fingerprint)]
            else { continue }
            let found = new.compactMap { present[$0] }
            if found.isEmpty || replacements[entry.record.handle] == .proved { continue }
            let isProved = found.contains { isWhole($0, replacementOf: entry) }
            replacements[entry.record.handle] = isProved ? .proved : .seen
        }
    }

    /// Whether nothing is lost with a certificate: the new one is trusted, from the same issuer, valid now
    /// and for longer, and has all of its content.
    private func isWhole(_ new: CertificateEntry, replacementOf old: CertificateEntry) -> Bool {
        guard health.anchors != nil, let new = new.certificate, let old = old.certificate else {
            return false
        }
        return new.issuer == old.issuer && new.notBefore <= health.now
            && new.notAfter >= old.notAfter && old.contentMissing(in: new).isEmpty
            && health.knowsIssuer(of: new, authorities)
    }

    /// All findings, key by key.
    package var findings: [Finding] {
        var findings: [Finding] = []
        for key in inventory.keys {
            findings += self.findings(key)
            for entry in key.certificates + key.mismatchedCertificates {
                findings += self.findings(entry, of: key)
            }
        }
        for entry in inventory.certificates { findings += self.findings(entry, of: nil) }
        return findings
    }

    /// The findings about a key, without those about its certificates.
    package func findings(_ key: KeyEntry) -> [Finding] {
        let names = key.value == nil ? openNames : unreadNames
        return health.findings(
            key, isIDShared: sharedIDs.contains(key.id),
            mayHaveCertificate: !names.ids.isDisjoint(with: key.ids)
                || !names.labels.isDisjoint(with: key.labels)
                || key.privateKey != nil && key.value == nil && hasCertificateOfPublicHalf(key),
            sharedURIs: sharedURIs)
    }

    /// Whether a certificate is paired with a public key alone that may belong to a private key.
    private func hasCertificateOfPublicHalf(_ key: KeyEntry) -> Bool {
        inventory.keys.contains { other in
            other.privateKey == nil && !other.certificates.isEmpty
                && other.kind.map { key.seenKind.mayBe($0) } ?? false
        }
    }

    /// The text of ``Finding/Kind/mismatch``.
    static let otherID = "its CKA_ID belongs to a different key"

    /// Whether the id of a key's certificate is that of another key, and not that of its own.
    private func isNamedLikeOther(_ entry: CertificateEntry, than key: KeyEntry) -> Bool {
        guard let values = valuesByOtherID[entry.record.id], let own = key.value,
            !key.ids.contains(entry.record.id)
        else { return false }
        return values.contains { $0 != own && tellsKeysApart($0.kind, own.kind) }
    }

    /// The serial number of a certificate that shares its URI or its key with others; otherwise
    /// nil.
    package func distinctiveSerialNumber(of entry: CertificateEntry) -> String? {
        let record = entry.record
        guard replacements[record.handle] != nil || sharedURIs.contains(record.uri) else {
            return nil
        }
        return entry.content?.serialNumber
    }

    /// Whether a newer certificate on the token has replaced this one.
    package func isReplaced(_ entry: CertificateEntry) -> Bool {
        replacements[entry.record.handle].map { $0 != .none } ?? false
    }

    /// The findings about a certificate.
    ///
    /// - Parameter key: The key under which it is listed, even if it does not belong to it; nil if
    ///   no key was found.
    package func findings(_ entry: CertificateEntry, of key: KeyEntry?) -> [Finding] {
        let replacement = replacements[entry.record.handle]
        let handle = entry.record.handle
        let isForKey = key?.certificates.contains { $0.record.handle == handle } ?? false
        let isKeyFound = isForKey && key?.privateKey != nil
        var findings = health.findings(
            entry, authorities, replacement: replacement ?? .none,
            serialNumber: distinctiveSerialNumber(of: entry),
            isKeyMissing: health.sawPrivateObjects && !isKeyFound)
        if let key, isForKey, isNamedLikeOther(entry, than: key) {
            findings.append(
                Finding(
                    .mismatch, entry.record.uri, Self.otherID,
                    serialNumber: distinctiveSerialNumber(of: entry)))
        }
        guard let content = entry.content else { return findings }
        if key == nil, let certificate = entry.certificate {
            findings += health.weaknesses(
                of: certificate.publicKey, entry.record.uri,
                serialNumber: distinctiveSerialNumber(of: entry))
        }
        let isMismatch = key != nil && !isForKey
        guard health.sawPrivateObjects, !isKeyFound, !isMismatch, !content.isAuthority,
            // A key with an unreadable public key may be the right one.
            !seenKinds.contains(where: { $0.mayBe(content.keyKind) }),
            // So may a private half under another id, which was not paired with the public half.
            !(key?.value.map { privateValues.contains($0) } ?? false)
        else { return findings }
        findings.append(
            Finding(
                .certificateWithoutKey, entry.record.uri, "its private key is not on the token",
                serialNumber: distinctiveSerialNumber(of: entry)))
        return findings
    }
}
