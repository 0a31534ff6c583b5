internal import Cryptoki

/// What an interrupted call has left on a token that writes its objects bit by bit: keys and
/// certificates with neither id nor label, and with nothing in them.
///
/// Another program may be writing an object at this very moment. So what is found before an order
/// goes on is removed only where it is the only one of its class and is as empty at the end.
struct LeftoverObjects {
    /// By class.
    private let handles: [[ObjectHandle]]

    /// Looks for them. A token that cannot be searched has none.
    init(_ session: inout Session<ReadWrite>) {
        var handles: [[ObjectHandle]] = []
        for objectClass in [ObjectClass.publicKey, .privateKey, .certificate] {
            var template = Template()
            template[.class] = objectClass
            var empty: [ObjectHandle] = []
            for object in (try? session.findObjects(template)) ?? []
            where Self.isEmpty(object, &session) {
                empty.append(object)
            }
            handles.append(empty)
        }
        self.handles = handles
    }

    /// Removes those that are as empty as they were. What stays does no harm.
    func remove(_ session: inout Session<ReadWrite>) {
        for object in only(in: handles) where Self.isEmpty(object, &session) {
            try? session.destroyObject(object)
        }
    }

    private func only(in handles: [[ObjectHandle]]) -> [ObjectHandle] {
        handles.flatMap { $0.count == 1 ? $0 : [] }
    }

    /// The same for what a call that was just refused has left, and that was not there before it:
    /// another program that is writing an object at this moment is done with it soon.
    func removeWhatCame(
        after before: Set<ObjectHandle>, _ session: inout Session<ReadWrite>
    ) {
        let new = only(in: handles.map { $0.filter { !before.contains($0) } })
        guard !new.isEmpty else { return }
        pause(milliseconds: 200)
        for object in new where Self.isEmpty(object, &session) {
            try? session.destroyObject(object)
        }
    }

    /// Everything that is on the token now; nothing where it cannot be searched.
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
            let objectClass = head[.class] as ObjectClass?, isAbsent(.id, head),
            isAbsent(.label, head)
        else { return false }
        let type: KeyType? = head[.keyType]
        switch objectClass {
        case .certificate:
            let body = [AttributeKey.value, .subject, .issuer, .serialNumber, url]
            guard let attributes = try? session.attributes(of: object, body.map(\.type)) else {
                return false
            }
            return body.allSatisfy { attributes.bytes(of: $0.type)?.isEmpty ?? true }
        case .publicKey where type == nil || type == .rsa || type == .ec || type == .ecEdwards:
            let body = [AttributeKey.modulus, .ecParams, .ecPoint, .publicKeyInfo]
            guard let attributes = try? session.attributes(of: object, body.map(\.type)) else {
                return false
            }
            return body.allSatisfy { attributes.bytes(of: $0.type)?.isEmpty ?? true }
        case .privateKey where type == .rsa || type == .ec || type == .ecEdwards:
            // Some modules do not show a part of a good key. Here it has to be shown as empty.
            let body = type == .rsa ? AttributeKey.modulus : .ecParams
            let attributes = try? session.attributes(of: object, [body.type])
            return attributes?.bytes(of: body.type)?.isEmpty == true
        default:
            return false
        }
    }

    /// Whether a key has no value yet: its modulus, its curve or its point is shown and is
    /// empty.
    static func hasNoValue(_ key: ObjectHandle, _ session: inout Session<ReadWrite>) -> Bool {
        guard
            let head = try? session.attributes(
                of: key,
                [AttributeKey<ObjectClass>.class.type, AttributeKey<KeyType>.keyType.type])
        else { return false }
        let objectClass: ObjectClass? = head[.class]
        let type: KeyType? = head[.keyType]
        let value: AttributeKey<[UInt8]>
        if type == .rsa {
            value = .modulus
        } else {
            // A template names the curve of the public half.
            value = objectClass == .privateKey ? .ecParams : .ecPoint
        }
        let attributes = try? session.attributes(of: key, [value.type])
        return attributes?.bytes(of: value.type)?.isEmpty == true
    }

    private static func isAbsent<Value>(
        _ key: AttributeKey<Value>, _ attributes: Attributes
    ) -> Bool {
        attributes.bytes(of: key.type)?.isEmpty ?? true
    }

    /// `CKA_URL`: where a certificate is whose value is not on the token.
    private static let url = AttributeKey<[UInt8]>(rawValue: 0x89)
}
