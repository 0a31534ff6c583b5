public import TokencertPlatform

/// A PKCS#11 URI (RFC 7512), which selects modules, tokens or objects.
///
/// An example is `pkcs11:token=work;object=mail`. An attribute that the URI leaves out matches any
/// value. A PIN (`pin-value`) is stored separately and is not part of ``description``.
public struct PKCS11URI: Sendable {
    let handle: URIHandle
    /// Shared by copies of the URI, since a `Secret` cannot be copied.
    private let pin: SharedSecret?

    /// Reads a URI (RFC 7512, section 2.3).
    ///
    /// White space, empty segments, repeated, unknown or misplaced attributes, empty values and
    /// numbers out of range are errors, since p11-kit would select more than the text says. The C
    /// function is `p11_kit_uri_parse`.
    ///
    /// - Parameter text: The URI, including the scheme `pkcs11:`.
    /// - Throws: ``CryptokiError`` with code ``CryptokiError/Code/invalidURI``. Its text gives the
    ///   position of the error, counted from 1, and contains no value, which might be a PIN.
    public init(parsing text: String) throws(CryptokiError) {
        let grammar = try URIGrammar(text)
        handle = URIHandle()
        try handle.parse(text, as: grammar)
        if let value = handle.takePIN() {
            pin = SharedSecret(value)
        } else {
            pin = nil
        }
    }

    /// Makes a URI from the label, manufacturer, model and serial number of a token.
    ///
    /// The C functions are `C_GetTokenInfo` and `p11_kit_uri_get_token_info`.
    ///
    /// - Parameter token: The token.
    /// - Throws: ``CryptokiError`` if `C_GetTokenInfo` fails.
    public init(token: Token) throws(CryptokiError) {
        handle = URIHandle()
        handle.setToken(try token.module.functions.tokenInfo(token.slot.id))
        pin = nil
    }

    /// Makes the URI of an object on a token.
    ///
    /// - Parameters:
    ///   - token: The URI of its token.
    ///   - attributes: The object's ``AttributeKey/class``, ``AttributeKey/id`` and
    ///     ``AttributeKey/label``. Any of them may be absent.
    public init(token: PKCS11URI, objectWith attributes: Template) {
        handle = token.handle.copy()
        handle.setObject(attributes)
        pin = nil
    }

    /// The label of the token (`token`), or nil if the URI does not have it.
    public var tokenLabel: String? { handle.tokenText(\.label) }

    /// Whether the URI has `token`, `serial`, `model` or `manufacturer`.
    public var namesToken: Bool {
        [\.label, \.serialNumber, \.model, \.manufacturer].contains { handle.tokenText($0) != nil }
    }

    /// Whether the URI has a label, serial number, slot or module. A model and manufacturer alone
    /// do not count, since several tokens may share them.
    public var namesPlace: Bool {
        tokenLabel != nil || serialNumber != nil || namesSlotID || handle.namesSlotDescription
            || modulePath != nil || moduleName != nil
    }

    /// The serial number of the token (`serial`), or nil if the URI does not have it.
    public var serialNumber: String? { handle.tokenText(\.serialNumber) }

    /// Whether the URI has a slot number (`slot-id`), which is unique in its module.
    public var namesSlotID: Bool { handle.namesSlotID }

    /// Whether the URI has `object`, `id` or `type`.
    public var namesObject: Bool { !objectAttributes.types.isEmpty }

    /// The object attributes in the URI, as a search template: ``AttributeKey/label``,
    /// ``AttributeKey/id`` and ``AttributeKey/class``.
    public var objectAttributes: Template { handle.objectAttributes }

    /// The source of the PIN (`pin-source`), unchanged: a path, a `file:` URI, or a command after
    /// `|`.
    public var pinSource: String? { handle.pinSource }

    /// The path of the module (`module-path`).
    public var modulePath: String? { handle.modulePath }

    /// The name of the module in p11-kit's configuration (`module-name`).
    public var moduleName: String? { handle.moduleName }

    /// Whether the URI has an unknown part. Such a URI matches nothing.
    public var hasUnrecognizedParts: Bool { handle.hasUnrecognizedParts }

    /// Whether the URI contains a PIN (`pin-value`).
    public var holdsPIN: Bool { pin != nil }

    /// The PIN in the URI (`pin-value`).
    ///
    /// - Returns: A copy of the PIN that the caller owns, or nil.
    public func pinValue() -> Secret? {
        pin?.secret.duplicate()
    }

    /// Whether the URI matches a token, including its slot and module.
    ///
    /// - Parameter token: The token.
    /// - Throws: ``CryptokiError`` if the module, slot or token information cannot be read.
    public func matches(_ token: Token) throws(CryptokiError) -> Bool {
        guard matches(modulePath: token.module.path, name: token.module.name) else { return false }
        let functions = token.module.functions
        return try handle.matches(
            module: functions.info(), slot: functions.slotInfo(token.slot.id),
            slotID: token.slot.id, token: functions.tokenInfo(token.slot.id))
    }

    /// Whether `module-path` and `module-name`, if the URI has them, match a module, initialised or not.
    ///
    /// - Parameters:
    ///   - path: The module's path.
    ///   - name: Its name in p11-kit's configuration, or nil. Its file name without `.so`, with or
    ///     without `lib`, matches, too.
    public func matches(modulePath path: String, name: String?) -> Bool {
        if let modulePath, !LoadedModule.isFile(modulePath, of: path) { return false }
        guard let moduleName, moduleName != name else { return true }
        let file = path.split(separator: "/").last ?? ""
        let stem = file[..<(file.firstRange(of: ".so")?.lowerBound ?? file.endIndex)]
        return stem == moduleName || stem == "lib" + moduleName
    }

    /// Whether the URI's object attributes match an object.
    ///
    /// - Parameter attributes: The object's attributes, including ``AttributeKey/label``,
    ///   ``AttributeKey/id`` and ``AttributeKey/class``.
    public func matches(objectWith attributes: Attributes) -> Bool {
        guard !hasUnrecognizedParts else { return false }
        let wanted = objectAttributes
        return wanted.types.allSatisfy { wanted.bytes(of: $0) == attributes.bytes(of: $0) }
    }
}

/// Writes the URIs of many objects on one token.
package final class ObjectURIs {
    private let handle: URIHandle

    /// - Parameter token: The URI of the token.
    package init(token: PKCS11URI) {
        handle = token.handle.copy()
    }

    /// The text of `PKCS11URI(token:objectWith:)`.
    package func text(ofObjectWith attributes: Template) -> String {
        handle.setObject(attributes)
        return handle.formatted
    }
}

extension PKCS11URI: CustomStringConvertible {
    /// The URI as text (RFC 7512), without a PIN.
    public var description: String { handle.formatted }
}

extension PKCS11URI: Equatable {
    /// Whether both have the same text. PINs are not compared.
    public static func == (left: PKCS11URI, right: PKCS11URI) -> Bool {
        left.description == right.description
    }
}
