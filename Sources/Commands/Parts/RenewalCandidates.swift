internal import Cryptoki
internal import Inventory
internal import Issuance
internal import OpenSSLX509

/// A certificate that can be renewed, with its key.
struct RenewalCandidate {
    let certificate: Certificate
    let label: String
    let key: PKCS11URI
}

/// Finds what can be renewed on a token: of each key the newest certificate.
struct RenewalCandidates {
    let anchors: TrustAnchors
    /// Seconds since 1970-01-01 00:00 UTC.
    let now: Int64
    /// The certificates that others have replaced already, in PEM.
    let replaced: Set<String>
    /// What is known of the token.
    let profile: TokenProfile?

    /// - Parameters:
    ///   - token: The token.
    ///   - uri: A key or a certificate, or nil for all that lead to an anchor.
    ///   - serial: Only the certificate with this serial number, hexadecimal, or nil.
    ///   - days: Only what expires within so many days, or nil.
    ///   - seesPrivateKeys: Whether somebody is logged in, so that a private key that is not seen is
    ///     not there.
    func find(
        on token: Token, _ uri: PKCS11URI?, serial: String?, expiringWithin days: Int?,
        seeingPrivateKeys seesPrivateKeys: Bool
    ) throws -> [RenewalCandidate] {
        var session = try token.openSession(ReadOnly.self)
        let tokenURI = try PKCS11URI(token: token)
        var candidates: [RenewalCandidate] = []
        let inventory = try TokenInventory(&session, profile: profile)
        let intermediates = try certificates(inventory.certificates, &session)
        for entry in inventory.keys {
            // What cannot sign is renewed by nobody.
            if seesPrivateKeys, entry.privateKey == nil { continue }
            if let uri, !names(uri, entry) { continue }
            let newest = try newest(of: entry, uri, serial, intermediates, &session)
            guard let (certificate, label) = newest else { continue }
            if let days, certificate.notAfter - now > Int64(days) * 86400 { continue }
            candidates.append(
                RenewalCandidate(
                    certificate: certificate, label: label, key: keyURI(entry, tokenURI)))
        }
        if let uri, candidates.isEmpty {
            throw Failure(
                .noSuchObject, "no certificate with its key on the token fits \(uri)",
                hints: objectHints(
                    uri,
                    among: inventory.keys.filter { !$0.certificates.isEmpty }.map(\.uri))
                    + ["tokencert list --pin-source prompt shows all with their URIs"])
        }
        if uri != nil, candidates.count > 1 {
            throw Failure(
                .noSuchObject, "more than one key fits",
                hints: candidates.map { "one of them: '\($0.key)'" })
        }
        return candidates
    }

    private func names(_ uri: PKCS11URI, _ entry: KeyEntry) -> Bool {
        namesKey(uri, entry) || entry.certificates.contains { uri.names($0.record) }
    }

    private func namesKey(_ uri: PKCS11URI, _ entry: KeyEntry) -> Bool {
        [entry.privateKey, entry.publicKey].compactMap { $0 }.contains { uri.names($0) }
    }

    /// The certificate of a key that is meant: the one that is named, or else the newest of the CA
    /// that nothing has replaced.
    private func newest(
        of entry: KeyEntry, _ uri: PKCS11URI?, _ serial: String?, _ intermediates: [Certificate],
        _ session: inout Session<ReadOnly>
    ) throws -> (Certificate, label: String)? {
        var newest: (Certificate, label: String)?
        // A key that was named is renewed even where nothing but a replaced one is left.
        var fallback: (Certificate, label: String)?
        let isCertificateNamed = serial != nil || uri.map { !namesKey($0, entry) } ?? false
        let named = entry.certificates.filter { found in
            guard isCertificateNamed else { return true }
            return uri?.names(found.record) ?? true
                && (serial == nil || found.content?.serialNumber == serial)
        }
        if let uri, isCertificateNamed, named.count > 1 {
            throw severalCertificates(named, uri)
        }
        for found in named {
            guard let certificate = try certificate(found, &session),
                isCertificateNamed || leadsToAnchor(certificate, intermediates)
            else { continue }
            let entry = (certificate, label: found.record.label)
            if certificate.notAfter > fallback?.0.notAfter ?? .min { fallback = entry }
            if !isCertificateNamed, replaced.contains(certificate.pem) { continue }
            if certificate.notAfter > newest?.0.notAfter ?? .min { newest = entry }
        }
        return newest ?? (uri == nil ? nil : fallback)
    }

    private func certificates(
        _ entries: [CertificateEntry], _ session: inout Session<ReadOnly>
    ) throws -> [Certificate] {
        var certificates: [Certificate] = []
        for entry in entries {
            if let certificate = try certificate(entry, &session) {
                certificates.append(certificate)
            }
        }
        return certificates
    }

    private func certificate(
        _ entry: CertificateEntry, _ session: inout Session<ReadOnly>
    ) throws -> Certificate? {
        let attributes = try session.attributes(
            of: entry.record.handle, [AttributeKey.value.type])
        return attributes[.value].flatMap { try? Certificate(der: $0) }
    }

    /// An expired one is looked at as of its last second.
    private func leadsToAnchor(
        _ certificate: Certificate, _ intermediates: [Certificate]
    ) -> Bool {
        let time = min(now, certificate.notAfter)
        return (try? anchors.verify(certificate, intermediates: intermediates, at: time)) != nil
    }

    private func keyURI(_ entry: KeyEntry, _ token: PKCS11URI) -> PKCS11URI {
        var named = Template()
        named[.class] = .privateKey
        named[.id] = entry.id
        if !entry.label.isEmpty { named[.label] = entry.label }
        return PKCS11URI(token: token, objectWith: named)
    }
}
