internal import Cryptoki
internal import TokencertPlatform
internal import TokencertTokens

/// The objects that a name selects for removal.
struct RemovalSelection {
    let target: ObjectTarget
    let keys: [KeyEntry]
    let certificates: [CertificateEntry]

    init(_ target: ObjectTarget, _ inventory: TokenInventory) {
        self.target = target
        (keys, certificates) = inventory.named(target)
    }

    var type: ObjectClass? { target.type }

    var isEmpty: Bool { keys.isEmpty && certificates.isEmpty }
    /// The key that is removed, in full or in part, or nil.
    var key: KeyEntry? { keys.first }
    /// The objects of the key pair that are removed.
    var records: [ObjectRecord] {
        (key?.halves ?? []).filter {
            target.uri.names($0, whateverType: type != .publicKey)
        }
    }
    var losesPrivateKey: Bool { records.contains { $0.objectClass == .privateKey } }
    var label: String { (records.first ?? certificates.first?.record)?.label ?? "" }

    /// Checks that the URI names one key or certificate, and no object that cannot be read.
    func requireCertain(_ inventory: TokenInventory) throws {
        if keys.count > 1 {
            let titles = ObjectTitles(inventory)
            _ = try requireOne(keys, "key", target, on: inventory) { key in
                type == .publicKey
                    ? quoted(key.publicKey?.uri ?? "")
                    : titles.title(key, option: type == .privateKey ? " --key" : "")
            }
        }
        if certificates.count > 1, keys.isEmpty {
            throw severalCertificates(certificates, target, on: inventory)
        }
        try requireOneMeaning(inventory)
        if type != .certificate, let unread = certificates.first(where: { $0.content == nil }) {
            throw Failure(
                .usage, code: "typeNeeded",
                "refusing to remove a certificate object that cannot be read (\(unread.name)) "
                    + "without --cert",
                hints: ["to delete only the certificate: --cert"])
        }
    }

    /// Refuses the name of a key that is also the label or the id of a certificate for another key:
    /// the user may mean either certificate.
    private func requireOneMeaning(_ inventory: TokenInventory) throws {
        guard target.serialNumber == nil else { return }
        let named = inventory.keys(named: target.uri)
        guard !named.isEmpty else { return }
        let own = named.flatMap(\.certificates)
        let others = certificates.filter { entry in
            let handle = entry.record.handle
            guard !own.contains(where: { $0.record.handle == handle }) else { return false }
            let owner = inventory.keys.first { key in
                key.certificates.contains { $0.record.handle == handle }
            }
            guard let value = owner?.value else { return owner != nil || !own.isEmpty }
            return !named.contains { $0.value == value }
        }
        guard !others.isEmpty else { return }
        let titles = ObjectTitles(inventory)
        throw Failure(
            severalObjects: "\(target) names a key, and also a certificate for another key",
            hints: several((own + others).map(titles.title)))
    }
}
