internal import CTokencertP11Kit

extension Template {
    /// Lends the template as an array of `CK_ATTRIBUTE`. An empty value is a null pointer.
    func withCAttributes<Result>(
        _ body: (UnsafeMutableBufferPointer<CK_ATTRIBUTE>) -> Result
    ) -> Result {
        // Values are aligned to eight bytes, since modules read numbers directly from the buffer.
        let places = entries.map { ($0.bytes.count + 7) & ~7 }
        return unsafe withUnsafeTemporaryAllocation(
            byteCount: max(places.reduce(0, +), 1), alignment: 8
        ) { values in
            unsafe withUnsafeTemporaryAllocation(
                of: CK_ATTRIBUTE.self, capacity: max(entries.count, 1)
            ) { attributes in
                var offset = 0
                for (index, entry) in entries.enumerated() {
                    let place = unsafe values.baseAddress! + offset
                    for (position, byte) in entry.bytes.enumerated() {
                        unsafe values[offset + position] = byte
                    }
                    unsafe attributes.initializeElement(
                        at: index,
                        to: CK_ATTRIBUTE(
                            type: entry.type.rawValue, pValue: entry.bytes.isEmpty ? nil : place,
                            ulValueLen: CK_ULONG(entry.bytes.count)))
                    offset += places[index]
                }
                return unsafe body(
                    UnsafeMutableBufferPointer(
                        start: attributes.baseAddress, count: entries.count))
            }
        }
    }
}

extension Mechanism {
    /// Lends the mechanism as a `CK_MECHANISM`.
    func withCMechanism<Result>(_ body: (UnsafeMutablePointer<CK_MECHANISM>) -> Result) -> Result {
        var parameter = parameter
        return unsafe parameter.withUnsafeMutableBytes { bytes in
            var mechanism = unsafe CK_MECHANISM(
                mechanism: type.rawValue,
                pParameter: bytes.isEmpty ? nil : bytes.baseAddress,
                ulParameterLen: CK_ULONG(bytes.count))
            return unsafe body(&mechanism)
        }
    }
}

extension FunctionTable {
    /// Reads attributes in one call if they fit into the buffers, and otherwise one by one.
    func attributes(
        _ session: UInt, _ object: ObjectHandle, _ types: [AttributeType]
    ) throws(CryptokiError) -> Attributes {
        var result = Attributes()
        var unsettled: [AttributeType] = []
        let capacities = types.map(\.expectedLength)
        // Values are aligned to eight bytes, since modules write numbers directly into the buffer.
        let places = capacities.map { ($0 + 7) & ~7 }
        let total = places.reduce(0, +)
        var failure: CryptokiError?
        unsafe withUnsafeTemporaryAllocation(byteCount: max(total, 1), alignment: 8) { values in
            unsafe values.initializeMemory(as: UInt8.self, repeating: Self.untouched)
            unsafe withUnsafeTemporaryAllocation(
                of: CK_ATTRIBUTE.self, capacity: max(types.count, 1)
            ) {
                attributes in
                var offset = 0
                for (index, type) in types.enumerated() {
                    unsafe attributes.initializeElement(
                        at: index,
                        to: CK_ATTRIBUTE(
                            type: type.rawValue, pValue: values.baseAddress! + offset,
                            ulValueLen: CK_ULONG(capacities[index])))
                    offset += places[index]
                }
                let returned: ReturnValue
                do throws(CryptokiError) {
                    returned = try unsafe getAttributeValue(
                        session, object, attributes.baseAddress!, types.count)
                } catch {
                    failure = error
                    return
                }
                guard returned.leavesAttributesReadable else {
                    // Some modules reject the whole call because of one attribute.
                    if returned.mayConcernOneAttribute {
                        unsettled = types
                    } else {
                        failure = CryptokiError(
                            .returned, function: "C_GetAttributeValue", returnValue: returned)
                    }
                    return
                }
                for index in types.indices {
                    let length = unsafe attributes[index].ulValueLen
                    guard length <= CK_ULONG(capacities[index]) else {
                        // The attribute is absent or longer than its buffer.
                        if length != tokencert_ck_unavailable_information()
                            || returned == .bufferTooSmall || types[index].varies
                            || returned != .ok && types[index].isBoolean
                        {
                            unsettled.append(types[index])
                        }
                        continue
                    }
                    let bytes = unsafe [UInt8](
                        UnsafeRawBufferPointer(start: attributes[index].pValue, count: Int(length)))
                    // After an error the module may have stopped before this attribute.
                    if returned != .ok, length == CK_ULONG(capacities[index]),
                        bytes.allSatisfy({ $0 == Self.untouched })
                    {
                        unsettled.append(types[index])
                    } else {
                        result.values[types[index]] = bytes
                    }
                }
            }
        }
        if let failure { throw failure }
        for type in unsettled {
            switch try attribute(session, object, type) {
            case .value(let bytes): result.values[type] = bytes
            case .absent: break
            case .unread: result.unread.insert(type)
            }
        }
        return result
    }

    /// The byte that fills value buffers before the call. No CK_BBOOL, CK_ULONG or CK_DATE consists
    /// of it.
    private static let untouched: UInt8 = 0xA5

    private enum SingleAttribute {
        case value([UInt8])
        case absent
        /// The module returned an error that may concern the attribute.
        case unread

        init(withoutValueAfter returned: ReturnValue) {
            self = returned.mayConcernOneAttribute ? .unread : .absent
        }
    }

    /// Reads one attribute of any length in two calls.
    private func attribute(
        _ session: UInt, _ object: ObjectHandle, _ type: AttributeType
    ) throws(CryptokiError) -> SingleAttribute {
        for _ in 0..<4 {
            var attribute = unsafe CK_ATTRIBUTE(type: type.rawValue, pValue: nil, ulValueLen: 0)
            var returned = try unsafe getAttributeValue(session, object, &attribute, 1)
            let length = unsafe attribute.ulValueLen
            guard returned == .ok, length != tokencert_ck_unavailable_information() else {
                if returned.leavesAttributesReadable || returned.mayConcernOneAttribute {
                    return SingleAttribute(withoutValueAfter: returned)
                }
                throw CryptokiError(
                    .returned, function: "C_GetAttributeValue", returnValue: returned,
                    context: type.description)
            }
            guard length > 0 else { return .value([]) }
            guard length < 1 << 24 else { throw Self.impossibleLength(type) }
            var failure: CryptokiError?
            var bytes = [UInt8](repeating: 0, count: Int(length))
            var readLength = length
            unsafe bytes.withUnsafeMutableBytes { place in
                var attribute = unsafe CK_ATTRIBUTE(
                    type: type.rawValue, pValue: place.baseAddress, ulValueLen: length)
                do throws(CryptokiError) {
                    returned = try unsafe getAttributeValue(session, object, &attribute, 1)
                } catch {
                    failure = error
                }
                readLength = unsafe attribute.ulValueLen
            }
            if let failure { throw failure }
            // The value may have grown between the two calls.
            if returned == .bufferTooSmall { continue }
            guard returned == .ok, readLength != tokencert_ck_unavailable_information() else {
                return SingleAttribute(withoutValueAfter: returned)
            }
            guard readLength <= length else { throw Self.impossibleLength(type) }
            return .value(Array(bytes.prefix(Int(readLength))))
        }
        return .unread
    }

    private static func impossibleLength(_ type: AttributeType) -> CryptokiError {
        CryptokiError(
            .malformedAnswer, function: "C_GetAttributeValue",
            context: "\(type) has an impossible length")
    }
}

extension ReturnValue {
    /// Whether C_GetAttributeValue continues with the other attributes after this value.
    fileprivate var leavesAttributesReadable: Bool {
        [.ok, .attributeSensitive, .attributeTypeInvalid, .bufferTooSmall].contains(self)
    }

    /// Whether the value may concern a single attribute instead of the object.
    fileprivate var mayConcernOneAttribute: Bool {
        [.functionFailed, .generalError].contains(self)
    }
}

extension AttributeType {
    /// The size of the buffer for a value before its length is known. Values of a fixed size get
    /// exactly that size: NSS softoken 3.87 reports a CK_ULONG as unavailable if the buffer is
    /// larger. If a module uses another size, its error leads to a call that asks for the length.
    fileprivate var expectedLength: Int {
        if Self.numbers.contains(rawValue) { return MemoryLayout<CK_ULONG>.size }
        if isBoolean { return MemoryLayout<CK_BBOOL>.size }
        switch rawValue {
        case UInt(CKA_START_DATE), UInt(CKA_END_DATE): return MemoryLayout<CK_DATE>.size
        default: return longestExpected
        }
    }

    /// The attributes of type `CK_ULONG` or of a type defined as `CK_ULONG`.
    private static let numbers: Set<UInt> = Set(
        [
            CKA_CLASS, CKA_KEY_TYPE, CKA_CERTIFICATE_TYPE, CKA_CERTIFICATE_CATEGORY,
            CKA_JAVA_MIDP_SECURITY_DOMAIN, CKA_NAME_HASH_ALGORITHM, CKA_KEY_GEN_MECHANISM,
            CKA_MODULUS_BITS, CKA_PRIME_BITS, CKA_SUB_PRIME_BITS, CKA_VALUE_BITS, CKA_VALUE_LEN,
            CKA_MECHANISM_TYPE, CKA_HW_FEATURE_TYPE,
        ].map { UInt($0) })

    /// The attributes of type `CK_BBOOL`.
    private static let booleans: Set<UInt> = Set(
        [
            CKA_TOKEN, CKA_PRIVATE, CKA_TRUSTED, CKA_SENSITIVE, CKA_ALWAYS_SENSITIVE,
            CKA_EXTRACTABLE, CKA_NEVER_EXTRACTABLE, CKA_LOCAL, CKA_MODIFIABLE, CKA_COPYABLE,
            CKA_DESTROYABLE,
            CKA_ALWAYS_AUTHENTICATE, CKA_WRAP_WITH_TRUSTED, CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN,
            CKA_SIGN_RECOVER, CKA_VERIFY, CKA_VERIFY_RECOVER, CKA_WRAP, CKA_UNWRAP, CKA_DERIVE,
        ].map { UInt($0) })

    /// Whether the value is a `CK_BBOOL`, which some modules return in more than one byte.
    fileprivate var isBoolean: Bool { Self.booleans.contains(rawValue) }

    private var longestExpected: Int {
        switch rawValue {
        case UInt(CKA_VALUE): 4096
        case UInt(CKA_MODULUS), UInt(CKA_SUBJECT), UInt(CKA_ISSUER), UInt(CKA_PUBLIC_KEY_INFO): 1024
        case UInt(CKA_LABEL), UInt(CKA_EC_POINT): 256
        // A curve may be given by its explicit parameters.
        case UInt(CKA_EC_PARAMS): 768
        default: 72
        }
    }

    /// Whether a value may be longer than its buffer.
    fileprivate var varies: Bool {
        [CKA_VALUE, CKA_SUBJECT, CKA_ISSUER, CKA_LABEL, CKA_ID, CKA_PUBLIC_KEY_INFO]
            .contains { UInt($0) == rawValue }
    }
}
