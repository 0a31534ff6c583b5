package import Cryptoki
package import OpenSSLX509

extension TokenInventory {
    /// Reads the objects on a token. Private objects are visible only after a login
    /// (`Token.withLogin`).
    ///
    /// - Parameters:
    ///   - uri: The objects to read, or nil for all.
    ///   - profile: What is known about the token; placeholder certificates that its module
    ///     generates are omitted.
    ///   - isKept: Whether to keep a certificate itself, and not only the contents shown for it.
    package init<Access>(
        _ session: inout Session<Access>, matching uri: PKCS11URI? = nil,
        profile: TokenProfile? = nil,
        keepingCertificates isKept: (Certificate) -> Bool = { _ in false }
    ) throws(CryptokiError) {
        let uris = ObjectURIs(token: try PKCS11URI(token: session.token))
        let wanted = uri?.objectAttributes ?? Template()
        var pairing = Pairing()
        var others = 0
        if uri?.hasUnrecognizedParts ?? false {
            (keys, certificates, otherObjects) = ([], [], 0)
            return
        }
        for handle in try session.findObjects(wanted) {
            let head: Attributes
            do throws(CryptokiError) {
                head = try session.attributes(of: handle, Self.headTypes)
            } catch {
                switch error.returnValue {
                // Another program has destroyed it since it was found.
                case .objectHandleInvalid?: continue
                // An incomplete object, left by an interrupted call, must not hide the others.
                case .attributeValueInvalid?, .attributeTypeInvalid?: others += 1
                default: throw error
                }
                continue
            }
            // Session objects that a module generates, such as attestations, are not on the token.
            guard head[.token] != false else { continue }
            let record = ObjectRecord(handle, head, uris)
            switch record.objectClass {
            case .privateKey, .publicKey:
                let isPrivate = record.objectClass == .privateKey
                let body = try session.attributes(
                    of: handle,
                    Self.keyTypes(head[.keyType]) + (isPrivate ? Self.protectionTypes : []))
                pairing.add(
                    key: record, head[.keyType], publicKey(head[.keyType], body),
                    kind(head[.keyType], body),
                    isPrivate
                        ? KeyProtection(body, hidesOrigin: profile?.hidesOrigin ?? false) : nil)
            case .certificate:
                let body = try session.attributes(
                    of: handle,
                    [
                        AttributeKey.value.type,
                        AttributeKey<CertificateType>.certificateType.type,
                    ])
                let value = body[.value] ?? []
                let (certificate, reason) = Self.read(value, body[.certificateType])
                var obstacle = reason
                let valueHash = Digest.sha256.hash(value)
                let content = certificate.map {
                    CertificateEntry.Content(
                        $0, sha256Fingerprint: $0.der == value ? valueHash : nil)
                }
                if let content, profile?.isPlaceholder(content) ?? false { continue }
                if obstacle == .noValue {
                    let place = try session.attributes(of: handle, [AttributeKey.url.type])
                    if !(place[.url] ?? []).isEmpty { obstacle = .url }
                }
                pairing.add(
                    certificate: CertificateEntry(
                        record: record, valueHash: valueHash, content: content,
                        obstacle: obstacle,
                        certificate: certificate.flatMap { isKept($0) ? $0 : nil }),
                    certificate?.publicKey)
            default:
                others += 1
            }
        }
        (keys, certificates) = pairing.result()
        otherObjects = others
    }

    /// Reads the certificate at the start of a value: cards with files of a fixed size return
    /// padding after it.
    private static func read(
        _ value: [UInt8], _ type: CertificateType?
    ) -> (Certificate?, CertificateEntry.Obstacle?) {
        if let type, type != .x509 { return (nil, .otherType(type)) }
        if value.isEmpty { return (nil, .noValue) }
        if Certificate.isPEM(value) { return (nil, .pem) }
        do throws(X509Error) {
            return (try Certificate(firstIn: value), nil)
        } catch {
            return (nil, .malformed)
        }
    }

    private static let headTypes: [AttributeType] = [
        AttributeKey<ObjectClass>.class.type, AttributeKey<[UInt8]>.id.type,
        AttributeKey<String>.label.type, AttributeKey<KeyType>.keyType.type,
        AttributeKey<Bool>.token.type,
    ]

    private static let protectionTypes: [AttributeType] = [
        AttributeKey<Bool>.local.type, AttributeKey<Bool>.sensitive.type,
        AttributeKey<Bool>.extractable.type, AttributeKey<Bool>.neverExtractable.type,
    ]

    private static func keyTypes(_ type: KeyType?) -> [AttributeType] {
        type == .rsa
            ? [AttributeKey.modulus.type, AttributeKey.publicExponent.type]
            : [AttributeKey.ecParams.type, AttributeKey.ecPoint.type]
    }
}

/// The kind of a key whose public key is not readable, as far as type and curve determine it.
private func kind(_ type: KeyType?, _ attributes: Attributes) -> KeyKind? {
    switch type {
    case .rsa: .rsa(bits: 0)
    case .ecEdwards: .ed25519
    case .ec:
        NamedCurve.allCases.first { $0.ecParameters == attributes[.ecParams] }.map { .ec($0) }
    default: nil
    }
}

/// The public key from the attributes of either half; nil if attributes are missing or not
/// understood.
package func publicKey(_ type: KeyType?, _ attributes: Attributes) -> PublicKey? {
    if type == .rsa, let modulus = attributes[.modulus], !modulus.isEmpty,
        let exponent = attributes[.publicExponent], !exponent.isEmpty
    {
        return PublicKey(rsaModulus: modulus, publicExponent: exponent)
    }
    if let parameters = attributes[.ecParams], let point = attributes[.ecPoint], !point.isEmpty {
        return try? PublicKey(ecParameters: parameters, point: point)
    }
    return nil
}

extension Session {
    /// Whether the token permits removing an object (`CKA_DESTROYABLE`). Without a readable
    /// attribute, which modules before PKCS#11 2.40 do not have, an object counts as destroyable.
    package mutating func isDestroyable(_ object: ObjectHandle) -> Bool {
        let known = try? attributes(of: object, [AttributeKey<Bool>.destroyable.type])
        return known?[.destroyable] ?? true
    }
}

extension KeyProtection {
    /// - Parameter hidesOrigin: Whether the module never reports that a key was generated on the
    ///   token.
    fileprivate init(_ attributes: Attributes, hidesOrigin: Bool) {
        let local: Bool? = attributes[.local]
        isLocal = hidesOrigin && local == false ? nil : local
        isSensitive = attributes[.sensitive]
        isExtractable = attributes[.extractable]
        isNeverExtractable = attributes[.neverExtractable]
    }
}

extension ObjectRecord {
    init(_ handle: ObjectHandle, _ head: Attributes, _ uris: ObjectURIs) {
        self.init(
            handle: handle, objectClass: head[.class] ?? ObjectClass(rawValue: UInt.max),
            id: head[.id] ?? [],
            labelBytes: head.bytes(of: AttributeKey<String>.label.type) ?? [], on: uris)
    }
}

extension CertificateEntry.Content {
    /// The contents that lists show.
    ///
    /// - Parameter sha256Fingerprint: The fingerprint if it is known, so that it is not computed again.
    package init(_ certificate: Certificate, sha256Fingerprint known: [UInt8]? = nil) {
        let name = certificate.displayName
        subject = certificate.subject.text.isEmpty ? name : certificate.subject.text
        issuer = certificate.issuer.text
        subjectName = name
        issuerName = certificate.issuer.commonNames.last ?? issuer
        serialNumber = certificate.serialNumber
        notBefore = certificate.notBefore
        notAfter = certificate.notAfter
        keyKind = certificate.publicKey.kind
        isAuthority = certificate.isAuthority
        emailAddresses = certificate.emailAddresses
        sha256Fingerprint = known ?? certificate.sha256Fingerprint
    }
}

extension TokenProfile {
    /// Whether a certificate is a placeholder that the module generates.
    package func isPlaceholder(_ content: CertificateEntry.Content) -> Bool {
        guard let placeholder else { return false }
        return content.subject == content.issuer && content.subject.hasPrefix(placeholder.subject)
    }
}

extension TokenDescription {
    /// Whether a certificate is a placeholder that the module generates.
    package func isPlaceholder(_ certificate: Certificate) -> Bool {
        profile?.isPlaceholder(.init(certificate)) ?? false
    }
}
