internal import Cryptoki
internal import OpenSSLX509
package import TokencertTokens

/// Removes the objects that the user selected. Then checks in a new session that they are gone and
/// that no other object is missing.
package struct ObjectRemoval: ~Copyable {
    private var connection: Connection

    private var capabilities: TokenCapabilities { connection.capabilities }

    /// Logs in all roles that the removal needs.
    package init(_ connection: consuming Connection) throws(IssuanceError) {
        self.connection = connection
        try self.connection.logInAll(at: .generate)
    }

    /// Checks that the token, the module and the profile permit the removal of objects.
    package static func requirePossible(
        _ capabilities: some TokenDescription
    ) throws(IssuanceError) {
        try requireUnprotected(capabilities.info)
        let missing = capabilities.missing(.destroyObject)
        guard capabilities.writer == .nobody || missing != nil else { return }
        throw IssuanceError(
            .tokenUnsuitable, at: .plan,
            "this PKCS#11 module cannot remove objects from the token"
                + (missing.map { " (\($0) is missing)" } ?? ""),
            choices: capabilities.profile?.instead.map { [$0] } ?? [])
    }

    package mutating func inventory() throws(IssuanceError) -> TokenInventory {
        try connection.perform(.read, at: .remove) { connection, _ in
            try at(.remove, "cannot read the token") {
                // Some tokens refuse the login of the security officer while a read-only session is
                // open.
                var session = try connection.token.openSession(ReadWrite.self)
                return try TokenInventory(
                    &session, profile: connection.capabilities.profile,
                    keepingCertificates: { _ in true })
            }
        }
    }

    /// Checks, without changing anything, that `CKA_DESTROYABLE` permits the removal of the objects.
    package mutating func requireDestroyable(
        keys: [ObjectRecord], certificates: [CertificateEntry]
    ) throws(IssuanceError) {
        let named = certificates.map { RemovalTarget($0) } + keys.map { RemovalTarget($0) }
        let kept: RemovalTarget? = try connection.perform(.read, at: .plan) { connection, _ in
            try at(.plan, "cannot read the token") {
                var session = try connection.token.openSession(ReadWrite.self)
                for object in named {
                    guard let handle = try Self.find(object, connection.capabilities, &session)
                    else { continue }
                    if !session.isDestroyable(handle) { return object }
                }
                return nil
            }
        }
        guard let kept else { return }
        throw IssuanceError(
            .notDestroyable, at: .plan,
            "nothing was removed, because this object cannot be removed "
                + "(CKA_DESTROYABLE is false): '\(kept.uri)'")
    }

    /// Removes the certificates, then the public keys, then the private keys.
    package mutating func remove(
        keys: [ObjectRecord], certificates: [CertificateEntry]
    ) throws(IssuanceError) {
        let before = ObjectCounts(try inventory())
        let ordered = RemovalTarget.inOrder(
            certificates.map { RemovalTarget($0) } + keys.map { RemovalTarget($0) })
        // Find all objects first, to avoid stopping halfway.
        for object in ordered { try seeing(object, at: .plan) { _, _ in } }
        let profile = capabilities.profile
        // OpenSC 0.23 also drops the public key object that it has derived from a certificate.
        let dropsPublicKeys = profile?.cachesObjects ?? false
        let ids = Set(certificates.map(\.record.id))
        for (index, object) in ordered.enumerated() {
            let mayBeGone =
                dropsPublicKeys && object.objectClass == .publicKey && !object.id.isEmpty
                && ids.contains(object.id)
            do throws(IssuanceError) {
                try seeing(object, at: .remove, orGone: mayBeGone) { session, handle in
                    try session.destroyObject(handle)
                }
            } catch {
                guard error.tokenError?.function == "C_DestroyObject" else { throw error }
                try requireGone(Array(ordered.prefix(index + 1)), since: before, error)
            }
        }
        let after = ObjectCounts(try inventory())
        // Such a token hides a slot's key once its certificate is removed.
        let hidesKeys = profile?.keepsDestroyedKeys ?? false
        try before.requireOnly(
            ordered, goneFrom: after,
            hidingKeysOf: hidesKeys || dropsPublicKeys ? certificates : [],
            onlyPublic: !hidesKeys)
        try requireHandlesGone(ordered, after)
    }

    /// Checks in a new session whether a call that failed has removed its object.
    private mutating func requireGone(
        _ removed: [RemovalTarget], since before: ObjectCounts, _ failure: IssuanceError
    ) throws(IssuanceError) {
        guard let after = (try? inventory()).map({ ObjectCounts($0) }) else {
            throw IssuanceError(
                failure.code, at: .remove, "it is unknown whether the token removed the object",
                tokenError: failure.tokenError)
        }
        guard before.areGone(removed, in: after) else { throw failure }
    }

    /// Checks in a new session that no handle leads to a removed object, because a search may omit
    /// objects that still exist.
    private mutating func requireHandlesGone(
        _ removed: [RemovalTarget], _ after: ObjectCounts
    ) throws(IssuanceError) {
        // If the roles change, handles are valid only in their session.
        guard !capabilities.changesRoles else { return }
        let isOnToken = try connection.perform(.read, at: .remove) { connection, _ in
            try at(.remove, "cannot read the token") {
                var session = try connection.token.openSession(ReadWrite.self)
                for object in removed where !after.has(object.kind) {
                    let attributes: Attributes
                    do throws(CryptokiError) {
                        attributes = try session.attributes(
                            of: object.handle,
                            object.types + [AttributeKey<ObjectClass>.class.type])
                    } catch {
                        // Modules return different errors for a handle without an object.
                        continue
                    }
                    if attributes[.class] == object.objectClass,
                        object.isDescribed(by: attributes)
                    {
                        return true
                    }
                }
                return false
            }
        }
        guard !isOnToken else { throw .stillThere }
    }

    /// Finds an object while the role that may remove it is logged in, and runs `body`.
    private mutating func seeing(
        _ object: RemovalTarget, at step: Step, orGone mayBeGone: Bool = false,
        _ body: (inout Session<ReadWrite>, ObjectHandle) throws -> Void
    ) throws(IssuanceError) {
        let operation: TokenOperation = object.objectClass == .certificate ? .write : .generate
        let isDone = try connection.perform(operation, at: step) { connection, refusal in
            try at(.remove, "the token did not remove the object") {
                var session = try connection.token.openSession(ReadWrite.self)
                guard let handle = try Self.find(object, connection.capabilities, &session) else {
                    // The failed call may have removed it.
                    return step == .remove && refusal != nil || mayBeGone
                }
                try body(&session, handle)
                return true
            }
        }
        guard isDone else {
            throw IssuanceError(
                .tokenNotWritable, at: step,
                "the role that may remove objects from this token cannot see '\(object.uri)'")
        }
    }

    private static func find(
        _ object: RemovalTarget, _ capabilities: TokenCapabilities,
        _ session: inout Session<ReadWrite>
    ) throws(CryptokiError) -> ObjectHandle? {
        let template = Template(object.objectClass, id: object.id.isEmpty ? nil : object.id)
        for handle in try session.findObjects(template) {
            // During one login, handles are valid in any session and distinguish identical objects.
            if !capabilities.changesRoles, handle != object.handle { continue }
            // If the token was reset, the handle may belong to another object.
            let attributes = try session.attributes(of: handle, object.types)
            if object.isDescribed(by: attributes) { return handle }
        }
        return nil
    }
}

struct RemovalTarget: Hashable {
    let handle: ObjectHandle
    let kind: ObjectKind
    let uri: String

    var objectClass: ObjectClass { kind.objectClass }
    var id: [UInt8] { kind.id }

    /// The order of removal: certificates first, private keys last.
    static func inOrder(_ named: [RemovalTarget]) -> [RemovalTarget] {
        [ObjectClass.certificate, .publicKey, .privateKey].flatMap { objectClass in
            named.filter { $0.objectClass == objectClass }
        }
    }

    init(_ record: ObjectRecord) {
        handle = record.handle
        kind = ObjectKind(record, nil)
        uri = record.uri
    }

    init(_ entry: CertificateEntry) {
        handle = entry.record.handle
        kind = ObjectKind(entry.record, entry.valueHash)
        uri = entry.record.uri
    }

    /// The attributes that identify the object. The value of a private key is never read.
    var types: [AttributeType] {
        [AttributeKey.id.type, AttributeKey<[UInt8]>.labelBytes.type]
            + (objectClass == .certificate ? [AttributeKey.value.type] : [])
    }

    func isDescribed(by attributes: Attributes) -> Bool {
        attributes[.id] ?? [] == kind.id && attributes[.labelBytes] ?? [] == kind.label
            && (kind.valueHash == nil
                || Digest.sha256.hash(attributes[.value] ?? []) == kind.valueHash)
    }
}

/// The identity of an object independent of its handle, from the bytes that the token returned.
/// Identical objects are equal.
struct ObjectKind: Hashable {
    let objectClass: ObjectClass
    let id: [UInt8]
    let label: [UInt8]
    /// SHA-256 of a certificate's value.
    let valueHash: [UInt8]?

    init(_ record: ObjectRecord, _ valueHash: [UInt8]?) {
        objectClass = record.objectClass
        id = record.id
        label = record.labelBytes
        self.valueHash = valueHash
    }
}

/// The number of objects of each kind on a token.
struct ObjectCounts {
    private var counts: [ObjectKind: Int] = [:]
    /// Objects that are neither keys nor certificates.
    private let others: Int

    init(_ inventory: TokenInventory) {
        others = inventory.otherObjects
        for key in inventory.keys {
            for record in key.halves {
                counts[ObjectKind(record, nil), default: 0] += 1
            }
        }
        for entry in inventory.entries {
            counts[ObjectKind(entry.record, entry.valueHash), default: 0] += 1
        }
    }

    func has(_ kind: ObjectKind) -> Bool { counts[kind] != nil }

    /// Whether the removed objects are gone; others may be, too.
    func areGone(_ removed: [RemovalTarget], in after: ObjectCounts) -> Bool {
        var expected = counts
        for object in removed { expected[object.kind, default: 0] -= 1 }
        return !expected.contains { after.counts[$0.key, default: 0] > $0.value }
    }

    /// Checks that exactly the removed objects are gone.
    func requireOnly(
        _ removed: [RemovalTarget], goneFrom after: ObjectCounts,
        hidingKeysOf certificates: [CertificateEntry], onlyPublic: Bool = false
    ) throws(IssuanceError) {
        var expected = counts
        for object in removed { expected[object.kind, default: 0] -= 1 }
        guard areGone(removed, in: after) else { throw .stillThere }
        // Objects without an id do not belong together.
        let hidden = Set(certificates.map(\.record.id).filter { !$0.isEmpty })
        let missing = expected.filter { kind, count in
            let isHidden =
                hidden.contains(kind.id)
                && (onlyPublic
                    ? kind.objectClass == .publicKey : kind.objectClass != .certificate)
            return after.counts[kind, default: 0] < count && !isHidden
        }
        // Such a module also hides other objects of the slot.
        let hidesOthers = !hidden.isEmpty && !onlyPublic
        let gone = missing.count + (hidesOthers ? 0 : max(0, others - after.others))
        guard gone == 0 else {
            throw IssuanceError(
                .notProved, at: .remove,
                "the objects were removed, but \(gone) other objects are missing, too")
        }
    }
}

extension IssuanceError {
    fileprivate static var stillThere: IssuanceError {
        IssuanceError(
            .notProved, at: .remove,
            "the token reports that it removed the objects, but still has them")
    }
}
