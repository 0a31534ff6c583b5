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
    ///   - token: The token; private keys are seen while somebody is logged in.
    ///   - uri: A key or a certificate, or nil for all that lead to an anchor.
    ///   - days: Only what expires within so many days, or nil.
    func find(
        on token: Token, _ uri: PKCS11URI?, expiringWithin days: Int?
    ) throws -> [RenewalCandidate] {
        var session = try token.openSession(ReadOnly.self)
        let tokenURI = try PKCS11URI(token: token)
        var candidates: [RenewalCandidate] = []
        let inventory = try TokenInventory(&session, profile: profile)
        let intermediates = try certificates(inventory.certificates, &session)
        for entry in inventory.keys {
            if let uri, !names(uri, entry) { continue }
            guard let newest = try newest(of: entry, uri, intermediates, &session) else { continue }
            let (certificate, label) = newest
            if let days, certificate.notAfter - now > Int64(days) * 86400 { continue }
            candidates.append(
                RenewalCandidate(
                    certificate: certificate, label: label, key: keyURI(entry, tokenURI)))
        }
        if let uri, candidates.isEmpty {
            throw Failure(
                .noSuchObject, "no certificate with its key on the token fits \(uri)",
                hints: ["tokencert list --pin-source prompt shows all with their URIs"])
        }
        if uri != nil, candidates.count > 1 {
            throw Failure(
                .noSuchObject, "more than one key fits",
                hints: candidates.map { "one of them: '\($0.key)'" })
        }
        return candidates
    }

    private func names(_ uri: PKCS11URI, _ entry: KeyEntry) -> Bool {
        let records =
            [entry.privateKey, entry.publicKey].compactMap { $0 } + entry.certificates.map(\.record)
        return records.contains { Self.names(uri, $0) }
    }

    private static func names(_ uri: PKCS11URI, _ record: ObjectRecord) -> Bool {
        let wanted = uri.objectAttributes
        return (wanted[.class] ?? record.objectClass) == record.objectClass
            && (wanted[.id] ?? record.id) == record.id
            && (wanted[.label] ?? record.label) == record.label
    }

    /// The newest certificate of a key that can be meant: one that is named, or one of the CA that
    /// nothing has replaced.
    private func newest(
        of entry: KeyEntry, _ uri: PKCS11URI?, _ intermediates: [Certificate],
        _ session: inout Session<ReadOnly>
    ) throws -> (Certificate, label: String)? {
        var newest: (Certificate, label: String)?
        // A key that was named is renewed even where nothing but a replaced one is left.
        var fallback: (Certificate, label: String)?
        let isCertificateNamed = uri?.objectAttributes[.class] == .certificate
        for found in entry.certificates {
            if let uri, isCertificateNamed, !Self.names(uri, found.record) { continue }
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
