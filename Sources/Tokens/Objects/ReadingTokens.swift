package import Cryptoki
package import OpenSSLX509
internal import TokencertPlatform

extension TokenInventory {
    /// Reads the objects on a token, except placeholders that its module generates. Private objects
    /// are visible only after a login. `isKept` decides whether a certificate itself is kept, and
    /// not only the contents shown for it; it may be called on two threads at the same time.
    package init<Access>(
        _ session: inout Session<Access>, matching uri: PKCS11URI? = nil,
        profile: TokenProfile? = nil,
        keepingCertificates isKept: @escaping @Sendable (Certificate) -> Bool = { _ in false }
    ) throws(CryptokiError) {
        guard !(uri?.hasUnrecognizedParts ?? false) else {
            (keys, certificates, otherObjects) = ([], [], 0)
            return
        }
        let decoding = ObjectDecoding(
            token: try PKCS11URI(token: session.token), profile: profile, isKept: isKept)
        // The module needs the most time, so the objects are decoded while it reads the next ones.
        let decoder = ProcessingBeside(decoding.decode)
        var pairing = Pairing()
        var others = 0
        func take(_ batches: [[ObjectDecoding.Decoded]]) {
            for object in batches.joined() {
                switch object {
                case .key(let half): pairing.add(key: half)
                case .certificate(let entry, let key): pairing.add(certificate: entry, key)
                case .placeholder: break
                case .other: others += 1
                }
            }
        }
        var batch: [StoredObject] = []
        for handle in try session.findObjects(uri?.objectAttributes ?? Template()) {
            guard let object = try session.storedObject(handle) else { continue }
            batch.append(object)
            if batch.count == Self.batchSize {
                take(decoder.add(batch))
                batch = []
            }
        }
        take(decoder.end(with: batch))
        (keys, certificates) = pairing.result()
        otherObjects = others
    }

    /// The number of objects that are decoded at a time.
    private static let batchSize = 200
}

/// The attributes of an object as the module returned them.
private struct StoredObject: Sendable {
    let handle: ObjectHandle
    /// The attributes that every object has; nil for an incomplete object.
    var head: Attributes?
    /// The attributes of its class; nil if it has none that matter.
    var body: Attributes?
    /// Whether it has a URL (`CKA_URL`) instead of a value.
    var hasURL = false
}

extension Session {
    /// Reads the attributes of an object that matter for an inventory; nil if the object is not on the
    /// token.
    fileprivate mutating func storedObject(
        _ handle: ObjectHandle
    ) throws(CryptokiError) -> StoredObject? {
        var object = StoredObject(handle: handle)
        let head: Attributes
        do throws(CryptokiError) {
            head = try attributes(of: handle, ObjectDecoding.headTypes)
        } catch {
            switch error.returnValue {
            // Another program has destroyed it since it was found.
            case .objectHandleInvalid?: return nil
            // An incomplete object, left by an interrupted call, must not hide the others.
            case .attributeValueInvalid?, .attributeTypeInvalid?: return object
            default: throw error
            }
        }
        // Session objects that a module generates, such as attestations, are not on the token.
        guard head[.token] != false else { return nil }
        object.head = head
        let types = ObjectDecoding.bodyTypes(head)
        guard !types.isEmpty else { return object }
        let body = try attributes(of: handle, types)
        object.body = body
        if head[.class] == .certificate, (body[.value] ?? []).isEmpty,
            (body[.certificateType] ?? .x509) == .x509
        {
            let place = try attributes(of: handle, [AttributeKey.url.type])
            object.hasURL = !(place[.url] ?? []).isEmpty
        }
        return object
    }
}

/// Decodes the objects of a token, without a session.
private struct ObjectDecoding: Sendable {
    enum Decoded: Sendable {
        case key(Pairing.Half)
        case certificate(CertificateEntry, PublicKey?)
        /// A certificate that the module generates.
        case placeholder
        case other
    }

    /// The URI of the token.
    let token: PKCS11URI
    let profile: TokenProfile?
    let isKept: @Sendable (Certificate) -> Bool

    @Sendable func decode(_ objects: [StoredObject]) -> [Decoded] {
        let uris = ObjectURIs(token: token)
        return objects.map { decode($0, uris) }
    }

    private func decode(_ object: StoredObject, _ uris: ObjectURIs) -> Decoded {
        guard let head = object.head, let body = object.body else { return .other }
        let record = ObjectRecord(
            handle: object.handle, objectClass: head[.class] ?? ObjectClass(rawValue: UInt.max),
            id: head[.id] ?? [], labelBytes: head[.labelBytes] ?? [], on: uris)
        switch record.objectClass {
        case .privateKey, .publicKey:
            let value = publicKey(head[.keyType], body)
            return .key(
                Pairing.Half(
                    record: record, type: head[.keyType], value: value,
                    kind: value?.kind ?? kind(head[.keyType], body),
                    protection: record.objectClass == .privateKey
                        ? KeyProtection(body, hidesOrigin: profile?.hidesOrigin ?? false)
                        : nil))
        case .certificate:
            return certificate(record, body, hasURL: object.hasURL)
        default:
            return .other
        }
    }

    private func certificate(_ record: ObjectRecord, _ body: Attributes, hasURL: Bool) -> Decoded {
        let value = body[.value] ?? []
        let (certificate, obstacle) = Self.read(value, body[.certificateType])
        let valueHash = Digest.sha256.hash(value)
        let content = certificate.map {
            CertificateEntry.Content($0, sha256Fingerprint: $0.der == value ? valueHash : nil)
        }
        if let content, profile?.isPlaceholder(content) ?? false { return .placeholder }
        return .certificate(
            CertificateEntry(
                record: record, valueHash: valueHash, content: content,
                obstacle: obstacle == .noValue && hasURL ? .url : obstacle,
                certificate: certificate.flatMap { isKept($0) ? $0 : nil }),
            certificate?.publicKey)
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

    static let headTypes: [AttributeType] = [
        AttributeKey<ObjectClass>.class.type, AttributeKey<[UInt8]>.id.type,
        AttributeKey<String>.label.type, AttributeKey<KeyType>.keyType.type,
        AttributeKey<Bool>.token.type,
    ]

    private static let protectionTypes: [AttributeType] = [
        AttributeKey<Bool>.local.type, AttributeKey<Bool>.sensitive.type,
        AttributeKey<Bool>.extractable.type, AttributeKey<Bool>.neverExtractable.type,
    ]

    /// The attributes to read for the class of an object.
    static func bodyTypes(_ head: Attributes) -> [AttributeType] {
        switch head[.class] {
        case .privateKey?: keyTypes(head[.keyType]) + protectionTypes
        case .publicKey?: keyTypes(head[.keyType])
        case .certificate?:
            [AttributeKey.value.type, AttributeKey<CertificateType>.certificateType.type]
        default: []
        }
    }

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
