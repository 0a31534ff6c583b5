internal import Cryptoki
internal import OpenSSLX509
internal import TokencertPlatform
internal import TokencertTokens

/// A key or a certificate as the user names it: by URI or by a short name.
struct ObjectName {
    /// The URI, or nil for a short name. It may also name the token, the module and the source of
    /// the PIN.
    let uri: PKCS11URI?
    private let text: String

    /// Throws ``Failure`` if it is empty, or a URI that is malformed, holds a PIN or names no object.
    init(_ text: String) throws {
        try self.init(orToken: text)
        guard uri?.namesObject ?? true else {
            throw Failure(
                .usage, "the URI \(text) names neither a key nor a certificate",
                hints: ["to see the names of all keys and certificates: tokencert list"])
        }
    }

    /// Reads a name. A URI that names only a token means everything on it.
    init(orToken text: String) throws {
        guard !text.isEmpty else {
            throw Failure(
                .usage, "the name of the object is empty",
                hints: [
                    "if it comes from a shell variable, the variable is not set",
                    "to see the names of all keys and certificates: tokencert list",
                ])
        }
        self.text = text
        uri = looksLikeURI(text) ? try parseURI(text) : nil
    }

    /// What the name means on a token, of which the inventory has everything that is seen. Throws
    /// ``Failure`` if a short name is ambiguous, or the name has another type.
    func target(
        in inventory: TokenInventory, on token: Token, type: ObjectClass? = nil,
        serialNumber: String? = nil
    ) throws -> ObjectTarget {
        if let uri { return ObjectTarget(try uri.limited(to: type), serialNumber: serialNumber) }
        let names = ObjectNames(inventory)
        let references = names.references(text, of: type)
        guard references.count < 2 else {
            throw Failure(
                severalObjects: "\"\(text)\" matches several objects on the token",
                hints: several(
                    ObjectTitles(inventory).titles(references.flatMap(names.handles(of:)))))
        }
        var attributes = Template()
        attributes[.class] = type
        var number = serialNumber
        switch references.first {
        // What is not seen before a login can have this label.
        case nil: attributes[.labelBytes] = Array(text.utf8)
        case .label(let label): attributes[.labelBytes] = label
        case .id(let id): attributes[.id] = id
        case .serialNumber(let own):
            guard type == nil || type == .certificate, number == nil || number == own else {
                throw Failure(
                    .noSuchObject, code: "noSuchObject",
                    "\"\(text)\" is the serial number of a certificate",
                    hints: ["to see the labels and ids of keys: tokencert list"])
            }
            number = own
            attributes[.class] = .certificate
        }
        let target = ObjectTarget(
            PKCS11URI(token: try PKCS11URI(token: token), objectWith: attributes),
            text: "\"\(text)\"", serialNumber: number)
        if type == .privateKey {
            // A private key may be invisible before a login, but its public key shows that it exists.
            let keys = inventory.keys(named: target.uri)
            if keys.count > 1 {
                let titles = ObjectTitles(inventory)
                _ = try requireOne(keys, "key", target, on: inventory) { titles.title($0) }
            }
        }
        return target
    }

    /// The URI of a key that is named before a login. A short name that matches nothing is taken for
    /// the label of a key that is seen only after the login; see also ``possibleID``. Throws ``Failure``
    /// if the name is ambiguous or abbreviated, or the token cannot be read.
    func keyURI(on token: TokenCapabilities) throws -> PKCS11URI {
        if let uri { return uri }
        var inventory = TokenInventory(keys: [], certificates: [], otherObjects: 0)
        do throws(CryptokiError) {
            inventory = try token.inventory()
        } catch {
            // Some modules show nothing before a login.
            guard error.returnValue == .userNotLoggedIn else { throw error }
        }
        let target = try target(in: inventory, on: token.token, type: .privateKey)
        try requireWhole(in: inventory, type: .privateKey)
        let keys = inventory.keys(named: target.uri)
        guard keys.count == 1, !keys[0].id.isEmpty,
            inventory.keys.filter({ $0.id == keys[0].id }).count == 1
        else { return target.uri }
        // The halves of a key may have different labels.
        var attributes = Template()
        attributes[.class] = .privateKey
        attributes[.id] = keys[0].id
        return PKCS11URI(token: try PKCS11URI(token: token.token), objectWith: attributes)
    }

    /// The id that a short name may be. A key that is seen only after the login may have it.
    var possibleID: [UInt8]? {
        let digits = text.filter { $0 != ":" }
        return uri == nil && !digits.isEmpty ? bytes(hexadecimal: digits) : nil
    }

    /// Checks that a name is not abbreviated, if what it names is changed without a question.
    func requireWhole(in inventory: TokenInventory, type: ObjectClass? = nil) throws {
        guard uri == nil, ObjectNames(inventory).isAbbreviated(text, of: type) else { return }
        throw Failure(
            .usage, code: "nameNeeded", "refusing an abbreviated name: \"\(text)\"",
            hints: [
                "type the whole id or serial number; to see it: tokencert show \(shellWord(text))"
            ])
    }
}

extension TokenInventory {
    /// The keys of which an object has the name, whatever its type.
    func keys(named uri: PKCS11URI) -> [KeyEntry] {
        keys.filter { key in key.halves.contains { uri.names($0, whateverType: true) } }
    }
}

extension TokenCapabilities {
    /// What is visible on the token in a new session. The URI selects the objects; nil for all.
    func inventory(
        matching uri: PKCS11URI? = nil,
        keepingCertificates isKept: @escaping @Sendable (Certificate) -> Bool = { _ in false }
    ) throws(CryptokiError) -> TokenInventory {
        var session = try token.openSession(ReadOnly.self)
        return try TokenInventory(
            &session, matching: uri, profile: profile, keepingCertificates: isKept)
    }
}

extension PKCS11URI {
    /// The URI with a type. Throws ``Failure`` if it has another one.
    fileprivate func limited(to type: ObjectClass?) throws -> PKCS11URI {
        var attributes = objectAttributes
        guard let type, attributes[.class] != type else { return self }
        guard attributes[.class] as ObjectClass? == nil else {
            throw Failure(
                .usage, "the URI and the option name different types: \(self)",
                hints: ["omit the option, or type= in the URI"])
        }
        attributes[.class] = type
        return PKCS11URI(token: self, objectWith: attributes)
    }
}
