internal import Cryptoki
internal import TokencertPlatform
internal import TokencertTokens

/// The titles of keys and certificates that are known by their URIs.
///
/// The only certificate of a key is named by the key. What has no title is named by its URI.
struct TitlesByURI {
    private typealias Entry = (serialNumber: String?, title: String, name: String)

    /// The options that select the token, to follow a name in a command.
    let selection: String
    private var entries: [String: [Entry]] = [:]

    init() { selection = "" }

    init(_ inventory: TokenInventory, selection: String = "") {
        self.selection = selection
        let titles = ObjectTitles(inventory)
        for key in inventory.keys {
            let (title, name) = (titles.title(key), titles.name(key))
            // Without a login, the private half is known by the URI of the public one.
            let uris = key.halves.map(\.uri)
            let ofPrivateKey = uris.map { $0.replacing(";type=public", with: ";type=private") }
            for uri in Set(uris + ofPrivateKey) {
                entries[uri, default: []].append((nil, title, name))
            }
            guard key.certificates.count == 1, let only = key.certificates.first else { continue }
            entries[only.record.uri, default: []].append((only.content?.serialNumber, title, name))
        }
        let others =
            inventory.certificates + inventory.keys.flatMap(\.mismatchedCertificates)
            + inventory.keys.flatMap { $0.certificates.count == 1 ? [] : $0.certificates }
        for entry in others {
            entries[entry.record.uri, default: []].append(
                (entry.content?.serialNumber, titles.title(entry), titles.name(entry)))
        }
    }

    /// The title of the key or certificate with a URI, or nil if there is not exactly one.
    func title(_ uri: String, serialNumber: String? = nil) -> String? {
        entry(uri, serialNumber)?.title
    }

    /// The words that name a key or certificate in a command.
    func argument(_ uri: String, serialNumber: String? = nil) -> String {
        if let name = entry(uri, serialNumber)?.name, !looksLikeURI(name) {
            return name + selection
        }
        return quoted(uri) + (serialNumber.map { " --serial \($0)" } ?? "")
    }

    private func entry(_ uri: String, _ serialNumber: String?) -> Entry? {
        let found = (entries[uri] ?? []).filter {
            serialNumber == nil || $0.serialNumber == serialNumber
        }
        return found.count == 1 ? found[0] : nil
    }
}
