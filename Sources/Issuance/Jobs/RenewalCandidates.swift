package import Cryptoki
package import OpenSSLX509
package import TokencertLedger
package import TokencertTokens

/// A certificate that can be renewed, with its key.
package struct RenewalCandidate {
    /// The certificate.
    package let certificate: Certificate
    /// The bytes of its label.
    package let label: [UInt8]
    /// The URI of its private key.
    package let key: PKCS11URI
    /// The key as it is on the token.
    package let entry: KeyEntry
    /// The certificate's URI.
    package let uri: String
    /// SHA-256, in hexadecimal, of the certificates that have replaced it according to the ledger
    /// but are not on the token.
    package let lostReplacements: Set<String>
    /// Whether the token lets the certificate be removed, as far as that has to be known.
    package let isDestroyable: Bool
}

/// What was found on a token.
package struct Renewals {
    /// What has to be renewed.
    package var candidates: [RenewalCandidate] = []
    /// What is not renewed.
    package var passedOver: [PassedOver] = []
    /// What could not be checked without a login.
    package var notChecked: [String] = []

    /// Nothing was found.
    package init() {}
}

/// Finds the certificates on a token that have to be renewed: those that no other certificate on
/// the token replaces.
///
/// A renewal in the ledger counts only while the token has the new certificate.
package struct RenewalCandidates {
    let anchors: TrustAnchors
    /// Seconds since 1970-01-01 00:00 UTC.
    let now: Int64
    /// The orders in the ledger.
    let orders: [Order]
    /// What is known of the token.
    let profile: TokenProfile?
    /// Whether the old certificates will be removed, other than by writing the new ones.
    let removesOld: Bool
    /// Whether new keys are made, so that the old ones need not sign.
    let makesKeys: Bool

    /// Prepares a search. Nothing is read yet.
    package init(
        anchors: TrustAnchors, now: Int64, orders: [Order], profile: TokenProfile?,
        removesOld: Bool = false, makesKeys: Bool = false
    ) {
        self.anchors = anchors
        self.now = now
        self.orders = orders
        self.profile = profile
        self.removesOld = removesOld
        self.makesKeys = makesKeys
    }

    /// Searches a token.
    ///
    /// - Parameters:
    ///   - token: The token.
    ///   - uri: A key or a certificate, or nil for all.
    ///   - serial: Only the certificate with this serial number, hexadecimal, or nil.
    ///   - days: Only what expires within so many days, or nil.
    ///   - seesPrivateKeys: Whether a private key that is not seen is absent.
    /// - Throws: `CryptokiError`, or ``RenewalError`` if the URI names no certificate that can be
    ///   renewed.
    package func find(
        on token: Token,
        named name: ((TokenInventory) throws -> (uri: PKCS11URI, serialNumber: String?))?,
        expiringWithin days: Int?,
        seeingPrivateKeys seesPrivateKeys: Bool
    ) throws -> Renewals {
        var session = try token.openSession(ReadOnly.self)
        let tokenURI = try PKCS11URI(token: token)
        let inventory = try TokenInventory(
            &session, profile: profile, keepingCertificates: { _ in true })
        var look = Look(
            search: self, inventory: inventory, token: token, tokenURI: tokenURI,
            sees: seesPrivateKeys, certified: CertifiedKeys(orders, on: tokenURI.description),
            replacements: Replacements(orders))
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

    /// Why a certificate does not lead to a trust anchor, or nil. Dates are ignored for one that
    /// has expired: only the signatures count.
    func chainProblem(_ certificate: Certificate, _ authorities: [Certificate]) -> String? {
        switch anchors.status(of: certificate, intermediates: authorities, at: now) {
        case .valid:
            return nil
        case .outsideValidity(let outside, _):
            let issuer = outside.first { $0 != certificate }
            guard certificate.notAfter >= now, let issuer else { return nil }
            return "a certificate of its chain is not valid now: \(issuer.subject.text)"
        case .untrusted:
            return "it leads to no trust anchor: \(certificate.issuer.text)"
        }
    }

    /// Whether a certificate covers everything that another one does and is valid for longer.
    static func covers(_ new: Certificate, _ old: Certificate) -> Bool {
        new.subject.text == old.subject.text
            && old.subjectAlternativeNames.isSubset(of: new.subjectAlternativeNames)
            // Without an extended key usage every use is permitted.
            && (new.extendedKeyUsages.isEmpty
                || (!old.extendedKeyUsages.isEmpty
                    && Set(old.extendedKeyUsages).isSubset(of: new.extendedKeyUsages)))
            && (new.notAfter, new.notBefore) > (old.notAfter, old.notBefore)
    }
}

/// One look at a token.
private struct Look {
    let search: RenewalCandidates
    let inventory: TokenInventory
    let token: Token
    let tokenURI: PKCS11URI
    /// Whether a private key that is not seen is absent.
    let sees: Bool
    let certified: CertifiedKeys
    let replacements: Replacements
    var found = Renewals()

    // MARK: All of a token

    mutating func takeAll(within days: Int?, _ session: inout Session<ReadOnly>) throws {
        for key in inventory.keys {
            for entry in distinct(key.certificates) {
                guard let certificate = due(entry, days) else { continue }
                if sees, key.privateKey == nil {
                    passOver(entry, certificate, hasPublicKey: true)
                } else if let passedOver = try obstacle(key, entry, certificate, &session) {
                    found.passedOver.append(passedOver)
                } else {
                    take(certificate, entry, key, &session)
                }
            }
        }
        for entry in inventory.certificates + inventory.keys.flatMap(\.mismatchedCertificates) {
            guard let certificate = due(entry, days) else { continue }
            if sees {
                passOver(entry, certificate, hasPublicKey: false)
            } else if certified.contains(certificate.publicKey) || problem(certificate) == nil {
                found.notChecked.append(
                    "whether the key of \(certificate.subject.text) is on the token")
            }
        }
    }

    /// Passes over a certificate whose private key was not found on the token.
    ///
    /// It counts if its key was on this token: if the public half still is, or if the ledger has an
    /// order for it. Otherwise it belongs to someone else, or its key is on another token.
    ///
    /// - Parameter hasPublicKey: Whether the public half of its key is on the token.
    private mutating func passOver(
        _ entry: CertificateEntry, _ certificate: Certificate, hasPublicKey: Bool
    ) {
        let isOwn = hasPublicKey || certified.contains(certificate.publicKey)
        // A certificate of another CA without a key on the token belongs to someone else.
        guard isOwn || problem(certificate) == nil else { return }
        if !isOwn, mayHaveKey(entry) {
            found.passedOver.append(PassedOver(entry, Self.keyUnknown))
            return
        }
        found.passedOver.append(
            PassedOver(
                entry, Self.keyMissing,
                advice: isOwn ? .issue : nil,
                needsAction: isOwn && !isObsolete(certificate)))
    }

    /// Whether a certificate may be for a private key that does not tell its public key.
    private func mayHaveKey(_ entry: CertificateEntry) -> Bool {
        inventory.keys.contains { key in
            key.privateKey != nil && !key.isValueFromPrivateKey
                && inventory.possibleCertificates(for: key).contains {
                    $0.record.handle == entry.record.handle
                }
        }
    }

    /// Whether a certificate has expired, and one whose private key is on the token covers at least
    /// the same.
    private func isObsolete(_ old: Certificate) -> Bool {
        old.notAfter < search.now
            && inventory.keys.contains { key in
                key.privateKey != nil
                    && key.certificates.compactMap(\.certificate).contains { new in
                        RenewalCandidates.covers(new, old) && new.notBefore <= search.now
                            && problem(new) == nil
                    }
            }
    }

    private static let keyMissing = "its private key is not on the token"
    private static let keyUnknown =
        "it may be for a key on the token whose public key cannot be read"
    private static let certificateMissing = "its certificate is no longer on the token"

    /// The certificate if it has to be renewed, or nil.
    private func due(_ entry: CertificateEntry, _ days: Int?) -> Certificate? {
        guard let certificate = entry.certificate, !certificate.isAuthority,
            !isReplaced(certificate)
        else { return nil }
        if let days, certificate.notAfter - search.now > Int64(days) * 86400 { return nil }
        return certificate
    }

    /// Passes over the certificates that cannot be read.
    ///
    /// Such a certificate counts if it may be for a private key: if it has the id of one, or if a
    /// key has no other certificate. An old key whose certificate was replaced needs none.
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

    /// Keys that should have a certificate according to the ledger but have none on the token.
    mutating func takeKeysWithoutCertificate() {
        let withCertificate = publicKeysWithCertificate
        let unreadable = inventory.certificates.filter { $0.obstacle?.mayBeX509 == true }
        var seen: Set<PublicKey> = []
        for key in inventory.keys where key.privateKey != nil || !sees {
            // Without its public key, a key cannot be found in the ledger.
            guard let value = key.value, certified.needsCertificate(value),
                !withCertificate.contains(value), seen.insert(value).inserted,
                // This may be its certificate, and is reported itself.
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

    private func problem(_ certificate: Certificate) -> String? {
        search.chainProblem(certificate, inventory.authorities)
    }

    /// Why a certificate cannot be renewed, or nil.
    private func obstacle(
        _ key: KeyEntry, _ entry: CertificateEntry, _ certificate: Certificate,
        _ session: inout Session<ReadOnly>
    ) throws -> PassedOver? {
        if let reason = problem(certificate) { return PassedOver(entry, reason) }
        guard let privateKey = key.privateKey else {
            return sees ? PassedOver(entry, Self.keyMissing) : nil
        }
        guard !search.makesKeys, try !maySign(privateKey, &session) else { return nil }
        var passedOver = PassedOver(entry, "its key may not sign (CKA_SIGN is false)")
        passedOver.needsNewKey = true
        return passedOver
    }

    /// Whether the token lets a private key sign; true if it does not report that.
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

    /// Whether another certificate on the token replaces one: its replacement according to the
    /// ledger, or one for the same key that covers at least the same.
    private func isReplaced(_ old: Certificate) -> Bool {
        let outcomes = replacements.outcomes(for: old)
        return inventory.entries.compactMap(\.certificate).contains { new in
            guard new != old else { return false }
            if !outcomes.isEmpty, outcomes.contains(fingerprint(new)) { return true }
            return new.publicKey == old.publicKey && RenewalCandidates.covers(new, old)
                && new.notBefore <= search.now
                && !replacements.outcomes(for: new).contains(fingerprint(old))
                && problem(new) == nil
        }
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
                isDestroyable: !search.removesOld || isDestroyable(certificate, &session)))
    }

    /// Whether the token lets all objects with a certificate be removed.
    private func isDestroyable(
        _ certificate: Certificate, _ session: inout Session<ReadOnly>
    ) -> Bool {
        for entry in inventory.entries where entry.certificate == certificate {
            if !session.isDestroyable(entry.record.handle) { return false }
        }
        return true
    }

    /// The URI of the private key, with the label and id of the half that is seen.
    private func keyURI(_ key: KeyEntry) -> PKCS11URI {
        var named = Template()
        named[.class] = .privateKey
        if !key.id.isEmpty { named[.id] = key.id }
        if !key.labelBytes.isEmpty { named[.labelBytes] = key.labelBytes }
        return PKCS11URI(token: tokenURI, objectWith: named)
    }

    /// The entries without the further objects of one certificate, such as a copy with padding.
    private func distinct(_ entries: [CertificateEntry]) -> [CertificateEntry] {
        entries.enumerated().filter { index, entry in
            guard let certificate = entry.certificate else { return true }
            return !entries[..<index].contains { $0.certificate == certificate }
        }.map(\.element)
    }

    // MARK: What a URI names

    mutating func takeNamed(
        _ uri: PKCS11URI, _ serial: String?, _ session: inout Session<ReadOnly>
    ) throws {
        for key in inventory.keys where names(uri, key) {
            for entry in try named(uri, serial, key) {
                // A certificate that cannot be read is paired with no key.
                guard let certificate = entry.certificate else { continue }
                if let passedOver = try obstacle(key, entry, certificate, &session) {
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

    /// The certificate that a URI means: the named one; of a named key, the one that leads to an
    /// anchor and was not replaced; if all were replaced, the newest that leads to an anchor.
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
            if let reason = problem(certificate) {
                found.passedOver.append(PassedOver(entry, reason))
            } else {
                trusted.append(entry)
            }
        }
        let left = trusted.filter { entry in
            !(entry.certificate.map { isReplaced($0) } ?? true)
        }
        if left.count > 1 { throw RenewalError.severalCertificates(left, uri) }
        if !left.isEmpty { return left }
        let newest = trusted.max {
            $0.certificate?.notAfter ?? .min < $1.certificate?.notAfter ?? .min
        }
        return newest.map { [$0] } ?? []
    }
}
