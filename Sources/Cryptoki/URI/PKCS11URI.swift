public import TokencertPlatform

/// The name of a module, a token or an object after RFC 7512: `pkcs11:token=work;object=mail`.
///
/// What a URI leaves out matches everything. A PIN in a URI (`pin-value`) is kept apart, and is not
/// part of ``description``.
public struct PKCS11URI: Sendable {
    let handle: URIHandle
    private let pin: HeldPIN?

    /// Reads a URI (RFC 7512, section 2.3).
    ///
    /// White space, empty segments, repeated, unknown and misplaced attributes, empty values and
    /// numbers out of range are errors: p11-kit would read each of them as a wider selection. The C
    /// function is `p11_kit_uri_parse`.
    ///
    /// - Parameter text: The URI, with its scheme `pkcs11:`.
    /// - Throws: ``CryptokiError`` with code ``CryptokiError/Code/invalidURI``. Its text gives the
    ///   position of the wrong character, counted from 1, and contains no value, since one may be a
    ///   PIN.
    public init(parsing text: String) throws(CryptokiError) {
        let grammar = try URIGrammar(text)
        handle = URIHandle()
        try handle.parse(text, as: grammar)
        if let value = handle.takePIN() {
            pin = HeldPIN(value)
        } else {
            pin = nil
        }
    }

    /// Names a token by all that it says of itself.
    ///
    /// The C function is `p11_kit_uri_get_token_info`.
    ///
    /// - Parameter token: The token.
    /// - Throws: ``CryptokiError`` where the token cannot be asked.
    public init(token: Token) throws(CryptokiError) {
        handle = URIHandle()
        handle.setToken(try token.module.functions.tokenInfo(token.slot.id))
        pin = nil
    }

    /// Names an object on a token.
    ///
    /// - Parameters:
    ///   - token: The URI of its token.
    ///   - attributes: The object's ``AttributeKey/class``, ``AttributeKey/id`` and
    ///     ``AttributeKey/label``, as far as it has them.
    public init(token: PKCS11URI, objectWith attributes: Template) {
        handle = token.handle.copy()
        handle.setObject(attributes)
        pin = nil
    }

    /// The label of the token, or nil where the URI leaves it out.
    public var tokenLabel: String? { handle.tokenText(\.label) }

    /// Whether anything of a token is named: `token`, `serial`, `model` or `manufacturer`.
    public var namesToken: Bool {
        [\.label, \.serialNumber, \.model, \.manufacturer].contains { handle.tokenText($0) != nil }
    }

    /// Whether a token is named by more than its kind: by its label, its serial number, its slot or
    /// its module. Several tokens may have the same model and manufacturer.
    public var namesPlace: Bool {
        tokenLabel != nil || serialNumber != nil || namesSlotID || handle.namesSlotDescription
            || modulePath != nil || moduleName != nil
    }

    /// The serial number of the token, or nil if the URI leaves it out.
    public var serialNumber: String? { handle.tokenText(\.serialNumber) }

    /// Whether the number of a slot is named (`slot-id`), which is unique in its module.
    public var namesSlotID: Bool { handle.namesSlotID }

    /// Whether anything of an object is named: `object`, `id` or `type`.
    public var namesObject: Bool { !objectAttributes.types.isEmpty }

    /// What the URI names of an object, ready for a search: ``AttributeKey/label``,
    /// ``AttributeKey/id`` and ``AttributeKey/class``.
    public var objectAttributes: Template { handle.objectAttributes }

    /// Where the URI says that the PIN comes from (`pin-source`), as it stands there: a path, a
    /// `file:` URI, or a command after `|`.
    public var pinSource: String? { handle.pinSource }

    /// The file of the module (`module-path`).
    public var modulePath: String? { handle.modulePath }

    /// The name of the module in p11-kit's configuration (`module-name`).
    public var moduleName: String? { handle.moduleName }

    /// Whether the URI has a part that is not known, so that it matches nothing.
    public var hasUnrecognizedParts: Bool { handle.hasUnrecognizedParts }

    /// Whether the URI holds a PIN (`pin-value`).
    public var holdsPIN: Bool { pin != nil }

    /// The PIN in the URI (`pin-value`).
    ///
    /// - Returns: A secret with the bytes of the PIN, which the caller owns, or nil.
    public func pinValue() -> Secret? {
        pin?.secret.duplicate()
    }

    /// Whether the URI names a token, including the slot and the module that it is in.
    ///
    /// - Parameter token: The token.
    /// - Throws: ``CryptokiError`` where the token, its slot or its module cannot be asked.
    public func matches(_ token: Token) throws(CryptokiError) -> Bool {
        guard matches(token.module) else { return false }
        let functions = token.module.functions
        return try handle.matches(
            module: functions.info(), slot: functions.slotInfo(token.slot.id),
            slotID: token.slot.id, token: functions.tokenInfo(token.slot.id))
    }

    /// Whether `module-path` and `module-name`, if the URI has them, are those of a module. The name
    /// is that of p11-kit's configuration, or the file's name without `lib` and `.so`.
    ///
    /// - Parameter module: The module.
    public func matches(_ module: Module) -> Bool {
        if let modulePath, !module.isFile(modulePath) { return false }
        guard let moduleName, moduleName != module.name else { return true }
        let file = module.path.split(separator: "/").last ?? ""
        let stem = file[..<(file.firstRange(of: ".so")?.lowerBound ?? file.endIndex)]
        return stem == moduleName || stem == "lib" + moduleName
    }

    /// Whether what the URI names of an object fits one.
    ///
    /// - Parameter attributes: The object's attributes, ``AttributeKey/label``,
    ///   ``AttributeKey/id`` and ``AttributeKey/class`` among them.
    public func matches(objectWith attributes: Attributes) -> Bool {
        guard !hasUnrecognizedParts else { return false }
        let wanted = objectAttributes
        return wanted.types.allSatisfy { wanted.bytes(of: $0) == attributes.bytes(of: $0) }
    }
}

extension PKCS11URI: CustomStringConvertible {
    /// The URI in RFC 7512's form, without a PIN.
    public var description: String { handle.formatted }
}

extension PKCS11URI: Equatable {
    /// Whether both name the same in the same form; PINs are not compared.
    public static func == (left: PKCS11URI, right: PKCS11URI) -> Bool {
        left.description == right.description
    }
}

/// A PIN with several readers, since a URI can be copied and a secret cannot.
private final class HeldPIN: Sendable {
    let secret: Secret

    init(_ secret: consuming Secret) {
        self.secret = secret
    }
}
