internal import CTokencertP11Kit
internal import TokencertPlatform

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Owns a `P11KitUri`. It is changed only while a URI is being made, so several threads may read
/// it afterwards.
@safe final class URIHandle: @unchecked Sendable {
    private let uri: OpaquePointer

    init() {
        guard let uri = unsafe p11_kit_uri_new() else {
            // p11_kit_uri_new fails only if memory is exhausted.
            fatalError("out of memory")
        }
        unsafe self.uri = unsafe uri
    }

    deinit {
        unsafe p11_kit_uri_free(uri)
    }

    // MARK: Making one

    func parse(_ text: String) throws(CryptokiError) {
        let kind = P11_KIT_URI_FOR_ANY
        let result = unsafe p11_kit_uri_parse(text, kind, uri)
        guard result == Int32(P11_KIT_URI_OK.rawValue) else {
            let reason = unsafe p11_kit_uri_message(result).map { unsafe String(cString: $0) }
            throw CryptokiError(
                .invalidURI, function: "p11_kit_uri_parse",
                context: reason ?? "not a PKCS#11 URI")
        }
    }

    /// Parses a text that the grammar accepts, and checks that p11-kit finds the same values in it.
    func parse(_ text: String, as grammar: URIGrammar) throws(CryptokiError) {
        // p11-kit accepts the scheme in lower case only.
        try parse("pkcs11:" + text.dropFirst("pkcs11:".count))
        guard !hasUnrecognizedParts, reads(grammar.values) else {
            throw CryptokiError(
                .invalidURI, function: "p11_kit_uri_parse",
                context: "p11-kit interprets it differently")
        }
    }

    /// Whether p11-kit's fields have exactly these values.
    private func reads(_ values: [String: [UInt8]]) -> Bool {
        let attributes = objectAttributes
        let label = attributes.bytes(of: AttributeType(rawValue: UInt(CKA_LABEL)))
        let id = attributes.bytes(of: AttributeType(rawValue: UInt(CKA_ID)))
        guard label == values["object"], id == values["id"],
            (attributes.bytes(of: AttributeType(rawValue: UInt(CKA_CLASS))) != nil)
                == (values["type"] != nil)
        else { return false }
        guard let token = unsafe p11_kit_uri_get_token_info(uri),
            let module = unsafe p11_kit_uri_get_module_info(uri),
            let slot = unsafe p11_kit_uri_get_slot_info(uri)
        else { return false }
        let slotID = unsafe p11_kit_uri_get_slot_id(uri)
        return unsafe Self.holds(token.pointee.label, values["token"])
            && Self.holds(token.pointee.manufacturerID, values["manufacturer"])
            && Self.holds(token.pointee.model, values["model"])
            && Self.holds(token.pointee.serialNumber, values["serial"])
            && Self.holds(module.pointee.manufacturerID, values["library-manufacturer"])
            && Self.holds(module.pointee.libraryDescription, values["library-description"])
            && Self.holds(slot.pointee.slotDescription, values["slot-description"])
            && Self.holds(slot.pointee.manufacturerID, values["slot-manufacturer"])
            && (values["slot-id"].map { UInt(String(decoding: $0, as: UTF8.self)) } ?? nil)
                == (slotID == tokencert_ck_unavailable_information() ? nil : slotID)
            && pinSource.map { Array($0.utf8) } == values["pin-source"]
            && modulePath.map { Array($0.utf8) } == values["module-path"]
            && moduleName.map { Array($0.utf8) } == values["module-name"]
    }

    /// Whether a padded field has a value; p11-kit marks an absent one with a NUL.
    private static func holds<Field>(_ field: Field, _ value: [UInt8]?) -> Bool {
        unsafe withUnsafeBytes(of: field) { bytes in
            guard let value else { return unsafe bytes[0] == 0 }
            return unsafe bytes.prefix(value.count).elementsEqual(value)
                && bytes.dropFirst(value.count).allSatisfy { $0 == 0x20 }
        }
    }

    /// Removes the PIN and overwrites p11-kit's copy.
    func takePIN() -> Secret? {
        guard let value = unsafe p11_kit_uri_get_pin_value(uri) else { return nil }
        let length = unsafe strlen(value)
        let secret = unsafe Secret(copying: UnsafeRawBufferPointer(start: value, count: length))
        let place = unsafe UnsafeMutableRawPointer(mutating: value)
        unsafe cleanse(place, length)
        unsafe p11_kit_uri_set_pin_value(uri, nil)
        return secret
    }

    func setToken(_ info: CK_TOKEN_INFO) {
        guard let place = unsafe p11_kit_uri_get_token_info(uri) else { return }
        unsafe place.pointee.label = info.label
        unsafe place.pointee.manufacturerID = info.manufacturerID
        unsafe place.pointee.model = info.model
        unsafe place.pointee.serialNumber = info.serialNumber
    }

    func setObject(_ attributes: Template) {
        unsafe p11_kit_uri_clear_attributes(uri)
        unsafe attributes.withCAttributes { attributes in
            for index in attributes.indices where unsafe attributes[index].ulValueLen > 0 {
                _ = unsafe p11_kit_uri_set_attribute(uri, attributes.baseAddress! + index)
            }
        }
    }

    func copy() -> URIHandle {
        let copy = URIHandle()
        // p11-kit's text omits unknown parts, so the mark is copied separately.
        let isParsed = (try? copy.parse(formatted)) != nil
        if hasUnrecognizedParts || !isParsed {
            unsafe p11_kit_uri_set_unrecognized(copy.uri, 1)
        }
        return copy
    }

    // MARK: Reading it

    var formatted: String {
        var text: UnsafeMutablePointer<CChar>?
        guard unsafe p11_kit_uri_format(uri, P11_KIT_URI_FOR_ANY, &text) == 0 else {
            return "pkcs11:"
        }
        return Self.withBlanks(Self.withoutUnknownQuery(unsafe string(text) ?? "pkcs11:"))
    }

    /// Writes a blank field as one space, which matches only blank fields. p11-kit writes it
    /// without a value, and such a URI would match every token.
    private static func withBlanks(_ text: String) -> String {
        // Lists of thousands of objects write as many URIs, and few have a blank field.
        var previous: UInt8 = 0
        let hasBlank = text.utf8.contains { byte in
            defer { previous = byte }
            return previous == UInt8(ascii: "=")
                && (byte == UInt8(ascii: ";") || byte == UInt8(ascii: "?"))
        }
        guard hasBlank || previous == UInt8(ascii: "=") else { return text }
        let end = text.firstIndex(of: "?") ?? text.endIndex
        let path = text[..<end].split(separator: ";", omittingEmptySubsequences: false)
        return path.map { $0.hasSuffix("=") ? $0 + "%20" : $0 }.joined(separator: ";")
            + text[end...]
    }

    /// Removes unknown query attributes, since one may be a PIN with a mistyped name.
    private static func withoutUnknownQuery(_ text: String) -> String {
        guard let mark = text.utf8.firstIndex(of: UInt8(ascii: "?")) else { return text }
        let query = text[text.index(after: mark)...].split(separator: "&").filter { part in
            ["pin-source=", "module-name=", "module-path="].contains { part.hasPrefix($0) }
        }
        return text[..<mark] + (query.isEmpty ? "" : "?" + query.joined(separator: "&"))
    }

    func tokenText(_ member: KeyPath<TokenInfo, String>) -> String? {
        guard let info = unsafe p11_kit_uri_get_token_info(uri) else { return nil }
        let text = unsafe TokenInfo(info.pointee)[keyPath: member]
        return text.isEmpty ? nil : text
    }

    var objectAttributes: Template {
        var template = Template()
        var count: CK_ULONG = 0
        guard let attributes = unsafe p11_kit_uri_get_attributes(uri, &count) else {
            return template
        }
        for index in 0..<Int(count) {
            let attribute = unsafe attributes[index]
            let bytes = unsafe [UInt8](
                UnsafeRawBufferPointer(start: attribute.pValue, count: Int(attribute.ulValueLen)))
            template.entries.append((AttributeType(rawValue: unsafe attribute.type), bytes))
        }
        return template
    }

    var pinSource: String? { unsafe text(p11_kit_uri_get_pin_source(uri)) }
    var modulePath: String? { unsafe text(p11_kit_uri_get_module_path(uri)) }
    var moduleName: String? { unsafe text(p11_kit_uri_get_module_name(uri)) }
    var namesSlotID: Bool {
        unsafe p11_kit_uri_get_slot_id(uri) != tokencert_ck_unavailable_information()
    }
    var namesSlotDescription: Bool {
        guard let slot = unsafe p11_kit_uri_get_slot_info(uri) else { return false }
        return unsafe !Self.holds(slot.pointee.slotDescription, nil)
    }
    var hasUnrecognizedParts: Bool { unsafe p11_kit_uri_any_unrecognized(uri) != 0 }

    func matches(
        module: CK_INFO, slot: CK_SLOT_INFO, slotID: CK_SLOT_ID, token: CK_TOKEN_INFO
    ) -> Bool {
        var module = module
        var slot = slot
        var token = token
        let wantedSlot = unsafe p11_kit_uri_get_slot_id(uri)
        return unsafe !hasUnrecognizedParts
            && p11_kit_uri_match_module_info(uri, &module) == 1
            && p11_kit_uri_match_slot_info(uri, &slot) == 1
            && (wantedSlot == tokencert_ck_unavailable_information() || wantedSlot == slotID)
            && p11_kit_uri_match_token_info(uri, &token) == 1
    }

    @unsafe private func text(_ borrowed: UnsafePointer<CChar>?) -> String? {
        unsafe borrowed.map { unsafe String(cString: $0) }
    }
}
