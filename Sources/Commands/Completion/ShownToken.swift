internal import Cryptoki
internal import TokencertTokens

/// What a module shows of a token without a login.
struct ShownToken: Codable, Equatable {
    /// The label, or nil if it is not UTF-8.
    let label: String?
    let serialNumber: String
    let uri: String
    /// The keys and certificates, or nil if they have not been read yet.
    var objects: [ShownObject]?

    /// Whether this is the token that `--token` names: by label, serial number or URI. Parts of a URI
    /// that describe the slot or the module are not compared.
    func isNamed(_ name: String) -> Bool {
        guard looksLikeURI(name) else { return label == name || serialNumber == name }
        guard let wanted = try? PKCS11URI(parsing: name) else { return false }
        let own = Self.parts(uri)
        return Self.parts(wanted.description).isSubset(of: own)
    }

    /// The parts of a URI that describe a token.
    private static func parts(_ uri: String) -> Set<Substring> {
        Set(
            uri.dropFirst("pkcs11:".count).prefix { $0 != "?" }.split(separator: ";").filter {
                part in
                ["token=", "serial=", "model=", "manufacturer="].contains { part.hasPrefix($0) }
            })
    }

    /// The names of tokens: each label that only one token has, else the serial number, else the URI.
    static func names(of tokens: [ShownToken]) -> [String] {
        tokens.map { token -> String in
            [token.label, token.serialNumber].compactMap { $0 }.first { name in
                !name.isEmpty && !name.hasPrefix("-") && !looksLikeURI(name)
                    && tokens.count(where: { $0.isNamed(name) }) == 1
            } ?? token.uri
        }
    }
}

/// What a module shows of a key or a certificate without a login.
struct ShownObject: Codable, Equatable {
    let name: String?
    let uris: [String]
    /// The URI of the private key, or nil for a certificate.
    let keyURI: String?

    static func all(in inventory: TokenInventory) -> [ShownObject] {
        let names = ObjectNames(inventory)
        let keys = inventory.keys.map { key in
            ShownObject(
                name: names.name(of: key),
                uris: [key.privateKey, key.publicKey].compactMap { $0?.uri },
                // A private key may be invisible without a login, so public keys count, too.
                keyURI: key.privateKey?.uri
                    ?? key.publicKey?.uri.replacing("type=public", with: "type=private"))
        }
        return keys
            + inventory.entries.map { entry in
                ShownObject(name: names.name(of: entry), uris: [entry.record.uri], keyURI: nil)
            }
    }
}

extension ShownToken {
    /// Reads a token, but not yet its objects. Nil if it is not initialized.
    init?(_ token: Token) {
        guard token.info.flags.contains(.tokenInitialized),
            let uri = try? PKCS11URI(token: token)
        else { return nil }
        label = String(validating: token.info.labelBytes, as: UTF8.self)
        serialNumber = token.info.serialNumber
        self.uri = uri.description
    }
}
