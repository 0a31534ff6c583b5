internal import CP11Kit

extension Template {
    /// Lends the template as an array of `CK_ATTRIBUTE`. An empty value is a null pointer.
    func withCAttributes<Result>(
        _ body: (UnsafeMutableBufferPointer<CK_ATTRIBUTE>) -> Result
    ) -> Result {
        // Each value begins at a multiple of eight: modules read numbers where they stand.
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
    /// Reads attributes in one call where they fit into the places prepared for them, and one by
    /// one where they do not.
    func attributes(
        _ session: UInt, _ object: ObjectHandle, _ types: [AttributeType]
    ) throws(CryptokiError) -> Attributes {
        var result = Attributes()
        var unsettled: [AttributeType] = []
        let capacities = types.map(\.expectedLength)
        let total = capacities.reduce(0, +)
        var failure: CryptokiError?
        unsafe withUnsafeTemporaryAllocation(byteCount: max(total, 1), alignment: 8) { values in
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
                    offset += capacities[index]
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
                    // Some modules refuse the whole for the sake of one attribute.
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
                    // After anything but CKR_OK a length that stands as it was may mean that the
                    // module stopped before this attribute.
                    let isUntouched = returned != .ok && length == CK_ULONG(capacities[index])
                    if length <= CK_ULONG(capacities[index]), !isUntouched {
                        result.values[types[index]] = unsafe [UInt8](
                            UnsafeRawBufferPointer(
                                start: attributes[index].pValue, count: Int(length)))
                    } else if returned == .bufferTooSmall || isUntouched || types[index].varies {
                        // No length: absent, or longer than what was prepared for it.
                        unsettled.append(types[index])
                    }
                }
            }
        }
        if let failure { throw failure }
        for type in unsettled {
            result.values[type] = try attribute(session, object, type)
        }
        return result
    }

    /// Reads one attribute of any length in two calls; nil where it cannot be had.
    private func attribute(
        _ session: UInt, _ object: ObjectHandle, _ type: AttributeType
    ) throws(CryptokiError) -> [UInt8]? {
        for _ in 0..<4 {
            var attribute = unsafe CK_ATTRIBUTE(type: type.rawValue, pValue: nil, ulValueLen: 0)
            var returned = try unsafe getAttributeValue(session, object, &attribute, 1)
            let length = unsafe attribute.ulValueLen
            guard returned == .ok, length != tokencert_ck_unavailable_information(),
                length < 1 << 24
            else {
                if returned.leavesAttributesReadable || returned.mayConcernOneAttribute {
                    return nil
                }
                throw CryptokiError(
                    .returned, function: "C_GetAttributeValue", returnValue: returned,
                    context: type.description)
            }
            guard length > 0 else { return [] }
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
            // It may have grown between the two calls.
            if returned == .bufferTooSmall { continue }
            return returned == .ok && readLength <= length
                ? Array(bytes.prefix(Int(readLength))) : nil
        }
        return nil
    }
}

extension ReturnValue {
    /// Whether the other attributes of the same call may have been filled in: C_GetAttributeValue
    /// goes on after these.
    fileprivate var leavesAttributesReadable: Bool {
        [.ok, .attributeSensitive, .attributeTypeInvalid, .bufferTooSmall].contains(self)
    }
}

extension ReturnValue {
    /// Whether a module may mean one attribute that it cannot give, and not the object.
    fileprivate var mayConcernOneAttribute: Bool {
        [.functionFailed, .generalError].contains(self)
    }
}

extension AttributeType {
    /// How many bytes are prepared for a value before its length is known.
    fileprivate var expectedLength: Int {
        switch rawValue {
        case UInt(CKA_VALUE): 4096
        case UInt(CKA_MODULUS), UInt(CKA_SUBJECT), UInt(CKA_ISSUER), UInt(CKA_PUBLIC_KEY_INFO): 1024
        case UInt(CKA_LABEL), UInt(CKA_EC_POINT): 256
        // A curve may be told by all its numbers.
        case UInt(CKA_EC_PARAMS): 768
        default: 72
        }
    }

    /// Whether a value may be longer than what is prepared for it.
    fileprivate var varies: Bool {
        [CKA_VALUE, CKA_SUBJECT, CKA_ISSUER, CKA_LABEL, CKA_ID, CKA_PUBLIC_KEY_INFO]
            .contains { UInt($0) == rawValue }
    }
}
