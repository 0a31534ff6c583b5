internal import Cryptoki
internal import TokencertTokens

/// Keys and certificates without id, label or value, left by an interrupted call on a token that
/// writes objects step by step. Another program may be writing one, so an object is removed only if
/// it is the only empty one of its class and is still empty later.
struct LeftoverObjects {
    /// Grouped by class.
    private let handles: [[ObjectHandle]]

    /// Finds none if the token cannot be searched.
    init(_ session: inout Session<ReadWrite>) {
        var handles: [[ObjectHandle]] = []
        for objectClass in [ObjectClass.publicKey, .privateKey, .certificate] {
            var empty: [ObjectHandle] = []
            for object in (try? session.findObjects(Template(objectClass))) ?? []
            where Self.isEmpty(object, &session) {
                empty.append(object)
            }
            handles.append(empty)
        }
        self.handles = handles
    }

    /// Removes those that are still empty. Failures are ignored, because the objects are harmless.
    func remove(_ session: inout Session<ReadWrite>) {
        for object in only(in: handles) where Self.isEmpty(object, &session) {
            try? session.destroyObject(object)
        }
    }

    private func only(in handles: [[ObjectHandle]]) -> [ObjectHandle] {
        handles.flatMap { $0.count == 1 ? $0 : [] }
    }

    /// Removes the objects that a failed call has left: those that did not exist before it. Removes
    /// none if `before` is nil. The pause lets another program finish an object that it is writing.
    func removeWhatCame(after before: Set<ObjectHandle>?, _ session: inout Session<ReadWrite>) {
        guard let before else { return }
        let new = only(in: handles.map { $0.filter { !before.contains($0) } })
        guard !new.isEmpty else { return }
        pause(milliseconds: 200)
        for object in new where Self.isEmpty(object, &session) {
            try? session.destroyObject(object)
        }
    }

    /// All objects on the token, or nil if it cannot be searched.
    static func everything(_ session: inout Session<ReadWrite>) -> Set<ObjectHandle>? {
        (try? session.findObjects()).map { Set($0) }
    }

    private static func isEmpty(
        _ object: ObjectHandle, _ session: inout Session<ReadWrite>
    ) -> Bool {
        guard
            let head = try? session.attributes(
                of: object,
                [
                    AttributeKey<ObjectClass>.class.type, AttributeKey<KeyType>.keyType.type,
                    AttributeKey<[UInt8]>.id.type, AttributeKey<String>.label.type,
                ]),
            let objectClass = head[.class] as ObjectClass?,
            areAbsent([AttributeKey<[UInt8]>.id.type, AttributeKey<String>.label.type], head)
        else { return false }
        let type: KeyType? = head[.keyType]
        let body: [AttributeKey<[UInt8]>]
        switch objectClass {
        case .certificate: body = [.value, .subject, .issuer, .serialNumber, url]
        case .publicKey where type == nil || type == .rsa || type == .ec || type == .ecEdwards:
            body = [.modulus, .ecParams, .ecPoint, .publicKeyInfo]
        case .privateKey where type == .rsa || type == .ec || type == .ecEdwards:
            // Some modules hide a part of complete keys, so the part must be shown, and empty.
            return isShownEmpty(type == .rsa ? .modulus : .ecParams, of: object, &session)
        default:
            return false
        }
        let types = body.map(\.type)
        return (try? session.attributes(of: object, types)).map { areAbsent(types, $0) } ?? false
    }

    /// Whether a key has no value yet: its modulus, curve or point is shown and is empty.
    static func hasNoValue(_ key: ObjectHandle, _ session: inout Session<ReadWrite>) -> Bool {
        guard
            let head = try? session.attributes(
                of: key,
                [AttributeKey<ObjectClass>.class.type, AttributeKey<KeyType>.keyType.type])
        else { return false }
        let objectClass: ObjectClass? = head[.class]
        let type: KeyType? = head[.keyType]
        // The template sets the curve of a public key, so only its point shows a value.
        let ofCurve: AttributeKey<[UInt8]> = objectClass == .privateKey ? .ecParams : .ecPoint
        return isShownEmpty(type == .rsa ? .modulus : ofCurve, of: key, &session)
    }

    /// Whether the token shows an attribute of an object, without any bytes.
    private static func isShownEmpty(
        _ attribute: AttributeKey<[UInt8]>, of object: ObjectHandle,
        _ session: inout Session<ReadWrite>
    ) -> Bool {
        let attributes = try? session.attributes(of: object, [attribute.type])
        return attributes?.bytes(of: attribute.type)?.isEmpty == true
    }

    /// Whether the object has none of the attributes, or only empty ones. An attribute that could not be
    /// read may have a value.
    static func areAbsent(_ types: [AttributeType], _ attributes: Attributes) -> Bool {
        types.allSatisfy {
            attributes.bytes(of: $0)?.isEmpty ?? !attributes.unread.contains($0)
        }
    }

    /// `CKA_URL`: the address of a certificate that is not stored on the token.
    private static let url = AttributeKey<[UInt8]>(rawValue: 0x89)
}
