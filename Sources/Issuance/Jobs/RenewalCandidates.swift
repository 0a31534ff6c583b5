package import Cryptoki
package import OpenSSLX509
package import TokencertLedger
package import TokencertTokens

/// Finds the certificates to renew: those that no other certificate on the token replaces.
///
/// A renewal in the ledger counts only while the token has the new certificate. A certificate that is
/// revoked according to the ledger is renewed only with a new key, because its key may be compromised.
package struct RenewalCandidates {
    let anchors: TrustAnchors
    /// The time in seconds since 1970-01-01 00:00 UTC.
    let now: Int64
    /// The orders that concern the content of the token.
    let orders: (TokenInventory) throws -> [Order]
    let profile: TokenProfile?
    /// Whether the old certificates are removed explicitly, and not by writing the new ones.
    let removesOld: Bool
    /// Whether new keys are generated, so the old ones need not be able to sign.
    let makesKeys: Bool
    /// The address of the CA that gets the orders, as in the ledger; nil if it is not known.
    package var ca: String?

    /// Creates a search.
    package init(
        anchors: TrustAnchors, now: Int64, orders: @escaping (TokenInventory) throws -> [Order],
        profile: TokenProfile?,
        removesOld: Bool = false, makesKeys: Bool = false
    ) {
        self.anchors = anchors
        self.now = now
        self.orders = orders
        self.profile = profile
        self.removesOld = removesOld
        self.makesKeys = makesKeys
    }

    /// Searches a token for a key or certificate, or for all. `serial` is hexadecimal;
    /// `seesPrivateKeys` means that all private keys are visible. Throws `CryptokiError`, or
    /// ``RenewalError`` if the URI does not select one certificate that can be renewed.
    package func find(
        on token: Token,
        named name: ((TokenInventory) throws -> (uri: PKCS11URI, serialNumber: String?))?,
        expiringWithin days: Int?,
        seeingPrivateKeys seesPrivateKeys: Bool
    ) throws -> Renewals {
        var session = try token.openSession(ReadOnly.self)
        let tokenURI = try PKCS11URI(token: token)
        var inventory = try TokenInventory(
            &session, profile: profile, keepingCertificates: { _ in true })
        let orders = try orders(inventory)
        inventory.issuersElsewhere = orders.authorities
        let authorities = inventory.authorities + anchors.certificates
        var look = Look(
            search: self, inventory: inventory, token: token, tokenURI: tokenURI,
            sees: seesPrivateKeys, certified: CertifiedKeys(orders, on: tokenURI.description),
            replacements: Replacements(orders), revocations: Revocations(orders),
            objections: RenewalObjections(ca: ca, orders: orders, authorities: authorities))
        look.found.inventory = inventory
        if let name {
            let (uri, serialNumber) = try name(inventory)
            try look.takeNamed(uri, serialNumber, &session)
        } else {
            try look.takeAll(within: days, &session)
            look.takeUnreadable()
            look.takeKeysWithoutCertificate()
        }
        return look.found
    }
}

/// A single search of a token.
private struct Look {
    let search: RenewalCandidates
    let inventory: TokenInventory
    let token: Token
    let tokenURI: PKCS11URI
    /// Whether all private keys are visible.
    let sees: Bool
    let certified: CertifiedKeys
    let replacements: Replacements
    let revocations: Revocations
    let objections: RenewalObjections
    var found = Renewals()

    // MARK: The whole token

    mutating func takeAll(within days: Int?, _ session: inout Session<ReadOnly>) throws {
        for key in inventory.keys {
            for entry in distinct(key.certificates) {
                guard let certificate = due(entry, days, of: key) else { continue }
                if sees, key.privateKey == nil {
                    passOver(entry, certificate, hasPublicKey: true)
                } else if let passedOver = try obstacle(
                    key, entry, certificate, isNamed: false, &session)
                {
                    found.passedOver.append(passedOver)
                } else {
                    take(certificate, entry, key, &session)
                }
            }
        }
        for entry in inventory.certificates + inventory.keys.flatMap(\.mismatchedCertificates) {
            guard let certificate = due(entry, days) else { continue }
            if sees || isRevoked(certificate) {
                passOver(entry, certificate, hasPublicKey: false)
            } else if certified.contains(certificate.publicKey) || problem(certificate) == nil {
                found.notChecked.append(
                    "whether the key of \(certificate.subject.text) is on the token")
            }
        }
    }

    /// Passes over a certificate whose private key was not found on the token.
    ///
    /// It needs action only if its key was on this token: if the public half still is, or if the
    /// ledger has an order for it. Otherwise its key is on another token or someone else's.
    private mutating func passOver(
        _ entry: CertificateEntry, _ certificate: Certificate, hasPublicKey: Bool
    ) {
        if let time = revocations.time(of: certificate) {
            found.passedOver.append(PassedOver(entry, revocationRecordedAt: time))
            return
        }
        let isInLedger = certified.contains(certificate.publicKey)
        let isOwn = hasPublicKey || isInLedger
        // A certificate from another CA without a key on the token belongs to someone else.
        guard isOwn || problem(certificate) == nil else { return }
        if !isInLedger,
            mayHaveKey(entry) || hasPublicKey && inventory.hasUnreadKey(certificate.publicKey.kind)
        {
            found.passedOver.append(PassedOver(entry, Self.keyUnknown))
            return
        }
        found.passedOver.append(
            PassedOver(
                entry, Self.keyMissing,
                advice: isOwn ? .issue : nil,
                needsAction: isOwn && !isObsolete(certificate)))
    }

    /// Whether a certificate may belong to a private key whose public key cannot be read.
    private func mayHaveKey(_ entry: CertificateEntry) -> Bool {
        inventory.keys.contains { key in
            key.privateKey != nil && !key.isValueFromPrivateKey
                && inventory.possibleCertificates(for: key).contains {
                    $0.record.handle == entry.record.handle
                }
        }
    }

    /// Whether a certificate has expired and a certificate with a private key on the token covers
    /// everything that it does.
    private func isObsolete(_ old: Certificate) -> Bool {
        old.notAfter < search.now
            && inventory.keys.contains { key in
                key.privateKey != nil
                    && key.certificates.compactMap(\.certificate).contains { new in
                        old.isCovered(by: new) && isUsable(new) && !isRevoked(new)
                    }
            }
    }

    private static let keyMissing = "its private key is not on the token"
    private static let keyUnknown =
        "it may belong to a key on the token whose public key cannot be read"
    private static let certificateMissing = "its certificate is no longer on the token"

    /// The certificate of an entry if it is due for renewal.
    private func due(
        _ entry: CertificateEntry, _ days: Int?, of key: KeyEntry? = nil
    ) -> Certificate? {
        // A CA certificate of a private key on the token is the user's own.
        guard let certificate = entry.certificate,
            !certificate.isAuthority || key?.privateKey != nil, !isReplaced(certificate)
        else { return nil }
        if let days, certificate.notAfter - search.now > Int64(days) * 86400 { return nil }
        return certificate
    }

    /// Passes over the certificates that cannot be read.
    ///
    /// They need action if they may belong to a private key: one with the same id, or one without a
    /// certificate. A key whose certificate was replaced by one for another key needs none.
    mutating func takeUnreadable() {
        let keys = inventory.keys.filter { $0.privateKey != nil || !sees }
        let ids = Set(keys.flatMap(\.halves).map(\.id).filter { !$0.isEmpty })
        let withCertificate = publicKeysWithCertificate
        let mayNeedOne = keys.contains { key in
            guard let value = key.value else { return true }
            return !withCertificate.contains(value) && !certified.isReplaced(value)
        }
        for entry in inventory.certificates where entry.certificate == nil {
            let obstacle = entry.obstacle ?? .malformed
            found.passedOver.append(
                PassedOver(
                    entry, obstacle.reason, advice: .readElsewhere(entry.record.uri, token),
                    needsAction: obstacle.mayBeX509
                        && (ids.contains(entry.record.id) || mayNeedOne)))
        }
    }

    private var publicKeysWithCertificate: Set<PublicKey> {
        Set(inventory.entries.compactMap { $0.certificate?.publicKey })
    }

    /// Reports keys that have a certificate according to the ledger but not on the token.
    mutating func takeKeysWithoutCertificate() {
        let withCertificate = publicKeysWithCertificate
        let unreadable = inventory.certificates.filter { $0.obstacle?.mayBeX509 == true }
        var seen: Set<PublicKey> = []
        for key in inventory.keys where key.privateKey != nil || !sees {
            // A key can be looked up in the ledger only by its public key.
            guard let value = key.value, certified.needsCertificate(value),
                !withCertificate.contains(value), seen.insert(value).inserted,
                // Its certificate may be an unreadable one, which is reported separately.
                !unreadable.contains(where: { isNamed($0, like: key) })
            else { continue }
            let uri = keyURI(key)
            let advice: PassedOver.Advice =
                certified.unfinishedOrder(for: value).map(PassedOver.Advice.resume)
                ?? .certify(key: uri)
            found.passedOver.append(PassedOver(key: uri, Self.certificateMissing, advice: advice))
        }
    }

    /// Whether a certificate has the id or the label of a key.
    private func isNamed(_ entry: CertificateEntry, like key: KeyEntry) -> Bool {
        let (id, label) = (entry.record.id, entry.record.labelBytes)
        return key.halves.contains {
            !id.isEmpty && $0.id == id || !label.isEmpty && $0.labelBytes == label
        }
    }

    private func problem(_ certificate: Certificate, toRenew isOld: Bool = false) -> String? {
        search.chainProblem(certificate, inventory.authorities, toRenew: isOld)
    }

    /// Why a certificate cannot be renewed, or nil.
    ///
    /// - Parameter isNamed: Whether the user has named it: only then does a revoked one get a new
    ///   key.
    private func obstacle(
        _ key: KeyEntry, _ entry: CertificateEntry, _ certificate: Certificate,
        isNamed: Bool, _ session: inout Session<ReadOnly>
    ) throws -> PassedOver? {
        if !(isNamed && search.makesKeys), let time = revocations.time(of: certificate) {
            return PassedOver(entry, revocationRecordedAt: time)
        }
        if let reason = problem(certificate, toRenew: true) { return PassedOver(entry, reason) }
        if !isNamed, let reason = objections.objection(to: certificate) {
            return PassedOver(
                entry, reason,
                advice: certificate.isAuthority
                    ? nil
                    : .renewAnyway(
                        key: keyURI(key), serialNumber: certificate.serialNumber),
                // Another CA may have replaced it in the meantime.
                needsAction: !isCovered(certificate))
        }
        guard let privateKey = key.privateKey else {
            return sees ? PassedOver(entry, Self.keyMissing) : nil
        }
        guard !search.makesKeys, try !maySign(privateKey, &session) else { return nil }
        var passedOver = PassedOver(entry, "its key may not sign (CKA_SIGN is false)")
        passedOver.needsNewKey = true
        return passedOver
    }

    private func isRevoked(_ certificate: Certificate) -> Bool {
        revocations.time(of: certificate) != nil
    }

    /// Whether a private key may sign; true if the token does not report it.
    private func maySign(
        _ privateKey: ObjectRecord, _ session: inout Session<ReadOnly>
    ) throws -> Bool {
        let attributes: Attributes
        do throws(CryptokiError) {
            attributes = try session.attributes(of: privateKey.handle, [AttributeKey.sign.type])
        } catch {
            guard error.returnValue == .attributeTypeInvalid else { throw error }
            return true
        }
        return attributes[.sign] ?? true
    }

    /// Whether another certificate on the token replaces this one: its replacement according to the
    /// ledger, or one for the same key that covers everything that it does.
    private func isReplaced(_ old: Certificate) -> Bool {
        let outcomes = replacements.outcomes(for: old)
        return inventory.entries.compactMap(\.certificate).contains { new in
            guard new != old, !isRevoked(new) else { return false }
            if !outcomes.isEmpty, outcomes.contains(fingerprint(new)) { return true }
            return new.publicKey == old.publicKey && old.isCovered(by: new) && isUsable(new)
                && !new.isFromOtherCA(than: old, among: objections.authorities)
                && !replacements.outcomes(for: new).contains(fingerprint(old))
        }
    }

    /// Whether a certificate for the same key, from any CA, covers this one.
    private func isCovered(_ old: Certificate) -> Bool {
        inventory.entries.compactMap(\.certificate).contains { new in
            new.publicKey == old.publicKey && old.isCovered(by: new) && isUsable(new)
                && !isRevoked(new)
        }
    }

    private func isUsable(_ new: Certificate) -> Bool {
        new.notBefore <= search.now && problem(new) == nil
    }

    private func fingerprint(_ certificate: Certificate) -> String {
        hexadecimal(certificate.sha256Fingerprint)
    }

    private mutating func take(
        _ certificate: Certificate, _ entry: CertificateEntry, _ key: KeyEntry,
        _ session: inout Session<ReadOnly>
    ) {
        found.candidates.append(
            RenewalCandidate(
                certificate: certificate, label: entry.record.labelBytes, key: keyURI(key),
                entry: key, uri: entry.record.uri,
                lostReplacements: replacements.outcomes(for: certificate),
                isDestroyable: !search.removesOld || isDestroyable(certificate, &session),
                objection: objections.objection(to: certificate)))
    }

    /// Whether all objects that contain a certificate can be removed.
    private func isDestroyable(
        _ certificate: Certificate, _ session: inout Session<ReadOnly>
    ) -> Bool {
        for entry in inventory.entries where entry.certificate == certificate {
            if !session.isDestroyable(entry.record.handle) { return false }
        }
        return true
    }

    /// The URI of the private key, with the label and id of the visible half.
    private func keyURI(_ key: KeyEntry) -> PKCS11URI {
        var named = Template()
        named[.class] = .privateKey
        if !key.id.isEmpty { named[.id] = key.id }
        if !key.labelBytes.isEmpty { named[.labelBytes] = key.labelBytes }
        return PKCS11URI(token: tokenURI, objectWith: named)
    }

    /// The entries without duplicates of a certificate, such as a copy with padding.
    private func distinct(_ entries: [CertificateEntry]) -> [CertificateEntry] {
        entries.enumerated().filter { index, entry in
            guard let certificate = entry.certificate else { return true }
            return !entries[..<index].contains { $0.certificate?.isSame(as: certificate) ?? false }
        }.map(\.element)
    }

    // MARK: A URI

    mutating func takeNamed(
        _ uri: PKCS11URI, _ serial: String?, _ session: inout Session<ReadOnly>
    ) throws {
        if let serial {
            // Serial numbers are unique for one CA only.
            let fitting = distinct(
                inventory.entries.filter {
                    uri.names($0.record) && $0.content?.serialNumber == serial
                })
            guard fitting.count < 2 else {
                throw RenewalError.severalCertificates(fitting, uri)
            }
        }
        for key in inventory.keys where names(uri, key) {
            for entry in try named(uri, serial, key) {
                // Unreadable certificates are not paired with a key.
                guard let certificate = entry.certificate else { continue }
                if let passedOver = try obstacle(
                    key, entry, certificate, isNamed: true, &session)
                {
                    found.passedOver.append(passedOver)
                } else {
                    take(certificate, entry, key, &session)
                }
            }
        }
        if found.candidates.isEmpty, found.passedOver.count == 1 {
            throw RenewalError.passedOver(found.passedOver[0])
        }
        if found.candidates.isEmpty {
            throw RenewalError.noneFits(
                uri, found.passedOver,
                keys: inventory.keys.filter { !$0.certificates.isEmpty }.map(\.uri))
        }
        if found.candidates.count > 1 {
            throw RenewalError.severalKeys(found.candidates.map(\.key))
        }
        // Only the named certificate is renewed, not the other certificates of the key.
        found.passedOver = []
    }

    private func names(_ uri: PKCS11URI, _ key: KeyEntry) -> Bool {
        namesKey(uri, key) || key.certificates.contains { uri.names($0.record) }
    }

    private func namesKey(_ uri: PKCS11URI, _ key: KeyEntry) -> Bool {
        [key.privateKey, key.publicKey].compactMap { $0 }.contains { uri.names($0) }
    }

    /// The certificate that a URI selects. For a key this is its trusted certificate that was not
    /// replaced or, if all were replaced, the newest trusted one. If the key stays the same, a revoked
    /// certificate is selected only if there is no other.
    private mutating func named(
        _ uri: PKCS11URI, _ serial: String?, _ key: KeyEntry
    ) throws -> [CertificateEntry] {
        guard serial == nil, namesKey(uri, key) else {
            let named = distinct(key.certificates).filter {
                uri.names($0.record) && (serial == nil || $0.content?.serialNumber == serial)
                    || serial != nil && namesKey(uri, key) && $0.content?.serialNumber == serial
            }
            if named.count > 1 { throw RenewalError.severalCertificates(named, uri) }
            return named
        }
        var trusted: [CertificateEntry] = []
        for entry in distinct(key.certificates) {
            guard let certificate = entry.certificate else { continue }
            if let reason = problem(certificate, toRenew: true) {
                found.passedOver.append(PassedOver(entry, reason))
            } else {
                trusted.append(entry)
            }
        }
        var left = trusted.filter { entry in
            !(entry.certificate.map { isReplaced($0) } ?? true)
        }
        if !search.makesKeys {
            let valid = left.filter { entry in
                !(entry.certificate.map { isRevoked($0) } ?? true)
            }
            if !valid.isEmpty { left = valid }
        }
        if left.count > 1 { throw RenewalError.severalCertificates(left, uri) }
        if !left.isEmpty { return left }
        let newest = trusted.max {
            $0.certificate?.notAfter ?? .min < $1.certificate?.notAfter ?? .min
        }
        return newest.map { [$0] } ?? []
    }
}
