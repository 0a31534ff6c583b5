internal import Cryptoki
public import Inventory
internal import OpenSSLX509

/// Removes keys and certificates that a person has named, and insists in a new session that they
/// are gone and that nothing else is.
public struct ObjectRemoval: Sendable {
    private let login: TokenLogin

    /// Prepares a removal.
    ///
    /// - Parameter login: The logins of its token, for ``Duty/read``, ``Duty/write`` and, where
    ///   keys are removed, ``Duty/generate``.
    public init(_ login: TokenLogin) {
        self.login = login
    }

    /// Reads what is on the token.
    ///
    /// - Throws: ``IssuanceError``.
    public func inventory() throws(IssuanceError) -> TokenInventory {
        try login.performing(.read, at: .remove) { () throws(IssuanceError) in
            try read()
        }
    }

    /// Removes certificates, then keys, the private half of each last.
    ///
    /// - Parameters:
    ///   - keys: The keys, of ``inventory()``.
    ///   - certificates: The certificates, of ``inventory()``.
    /// - Throws: ``IssuanceError`` at ``Step/remove``.
    public func remove(
        keys: [KeyEntry], certificates: [CertificateEntry]
    ) throws(IssuanceError) {
        let before = try inventory()
        if !certificates.isEmpty {
            try login.performing(.write, at: .remove) { () throws(IssuanceError) in
                try destroy(
                    try read().entries.filter { entry in certificates.contains(where: entry.isSame)
                    }
                    .map(\.record))
            }
        }
        if !keys.isEmpty {
            try login.performing(.generate, at: .remove) { () throws(IssuanceError) in
                let found = try read().keys.filter { key in keys.contains(where: key.isSame) }
                try destroy(found.flatMap { [$0.publicKey, $0.privateKey].compactMap { $0 } })
            }
        }
        let after = try inventory()
        guard !after.keys.contains(where: { key in keys.contains(where: key.isSame) }),
            !after.entries.contains(where: { entry in certificates.contains(where: entry.isSame) })
        else {
            throw IssuanceError(
                .notProved, at: .remove, "the token says that it removed them, and still has them")
        }
        let gone =
            before.keys.filter { key in
                !keys.contains(where: key.isSame) && !after.keys.contains(where: key.isSame)
            }.count
            + before.entries.filter { entry in
                !certificates.contains(where: entry.isSame)
                    && !after.entries.contains(where: entry.isSame)
            }.count
        guard gone == 0 else {
            throw IssuanceError(
                .notProved, at: .remove,
                "they are removed, but \(gone) other objects are not seen any more")
        }
    }

    private func read() throws(IssuanceError) -> TokenInventory {
        try at(.remove, "the token cannot be read") { () throws(CryptokiError) in
            var session = try login.token.openSession(ReadOnly.self)
            return try TokenInventory(
                &session, profile: login.capabilities.profile, keepingCertificates: true)
        }
    }

    private func destroy(_ records: [ObjectRecord]) throws(IssuanceError) {
        // Handles are good in any session of the same login.
        try at(.remove, "the token does not remove it") { () throws(CryptokiError) in
            var session = try login.token.openSession(ReadWrite.self)
            for record in records { try session.destroyObject(record.handle) }
        }
    }
}

extension CertificateEntry {
    /// Whether both are one certificate under one name, whatever handles they have.
    fileprivate func isSame(_ other: CertificateEntry) -> Bool {
        record.uri == other.record.uri && certificate == other.certificate
    }
}

extension KeyEntry {
    /// Whether both are one key under one name, whatever handles they have.
    fileprivate func isSame(_ other: KeyEntry) -> Bool {
        value == other.value
            && (privateKey ?? publicKey)?.uri == (other.privateKey ?? other.publicKey)?.uri
    }
}
