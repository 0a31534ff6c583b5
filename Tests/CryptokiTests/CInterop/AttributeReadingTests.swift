import Testing

@testable import Cryptoki

/// Reading attributes from modules that behave in different ways.
@Suite struct AttributeReadingTests {
    private static let label = AttributeKey<String>.label.type
    private static let value = AttributeKey<[UInt8]>.value.type
    private static let id = AttributeKey<[UInt8]>.id.type
    private static let token = AttributeKey<Bool>.token.type
    private static let objectClass = AttributeKey<ObjectClass>.class.type
    private static let modulus = AttributeKey<[UInt8]>.modulus.type

    private func types(_ names: [String]) throws -> [AttributeType] {
        try names.map { try #require(AttributeType(name: $0), "\($0)") }
    }

    /// An object with attributes of each type.
    private func object() -> ScriptedFunctions {
        let object = ScriptedFunctions()
        object.values = [
            Self.objectClass: ObjectClass.privateKey.attributeBytes, Self.token: [1],
            Self.label: Array("mail".utf8), Self.id: [1, 2], Self.modulus: [0x80, 1],
            Self.value: [7, 8, 9],
        ]
        return object
    }

    // NSS softoken reports a CK_ULONG as unavailable if the buffer is larger: the object would have
    // no class and would not be found.
    @Test("The buffer of a number, Boolean or date has the size of its type")
    func sizes() throws {
        let numbers = try types([
            "CKA_CLASS", "CKA_KEY_TYPE", "CKA_CERTIFICATE_TYPE", "CKA_CERTIFICATE_CATEGORY",
            "CKA_MODULUS_BITS", "CKA_VALUE_LEN", "CKA_KEY_GEN_MECHANISM",
        ])
        let booleans = try types([
            "CKA_TOKEN", "CKA_PRIVATE", "CKA_MODIFIABLE", "CKA_COPYABLE", "CKA_SENSITIVE",
            "CKA_EXTRACTABLE", "CKA_ALWAYS_SENSITIVE", "CKA_NEVER_EXTRACTABLE", "CKA_LOCAL",
            "CKA_ALWAYS_AUTHENTICATE", "CKA_ENCRYPT", "CKA_DECRYPT", "CKA_SIGN", "CKA_VERIFY",
            "CKA_WRAP", "CKA_UNWRAP", "CKA_DERIVE", "CKA_TRUSTED", "CKA_DESTROYABLE",
        ])
        let dates = try types(["CKA_START_DATE", "CKA_END_DATE"])
        let object = ScriptedFunctions()
        for type in numbers { object.values[type] = UInt(3).attributeBytes }
        for type in booleans { object.values[type] = [1] }
        for type in dates { object.values[type] = Array("20261128".utf8) }
        object.answerAttributes = { object, requests in
            let returned = object.answerByStandard(&requests)
            for index in requests.indices where requests[index].capacity != nil {
                let size = object.values[requests[index].type]?.count
                if requests[index].capacity == size { continue }
                requests[index].bytes = []
                requests[index].length = ScriptedFunctions.unavailable
            }
            return returned
        }
        let read = try object.read(numbers + booleans + dates)
        for type in numbers + booleans + dates {
            #expect(read.bytes(of: type) == object.values[type], "\(type)")
        }
        // Each call to a card is slow, so one call reads everything.
        #expect(object.attributeCalls.count == 1)
        var sizes = [Int](repeating: MemoryLayout<UInt>.size, count: numbers.count)
        sizes += [Int](repeating: 1, count: booleans.count)
        sizes += [Int](repeating: 8, count: dates.count)
        #expect(object.attributeCalls.first?.compactMap(\.capacity) == sizes)
    }

    @Test("Values that fit are read in one call, and an empty value is not absent")
    func fitting() throws {
        let object = object()
        object.values[Self.label] = []
        let read = try object.read([Self.objectClass, Self.label, Self.value])
        #expect(read[.class] == .privateKey && read[.value] == [7, 8, 9])
        #expect(read.bytes(of: Self.label) == [] && read[.label] == "")
        #expect(object.attributeCalls.count == 1)
        #expect(try object.read([]) == Attributes())
    }

    // Otherwise a truncated value would be written to a new certificate.
    @Test("A value of any length is read whole")
    func long() throws {
        for length in [71, 72, 73, 255, 256, 257, 4095, 4096, 4097, 70_000] {
            let object = object()
            let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0) }
            for type in [Self.label, Self.value, Self.id, Self.modulus] {
                object.values[type] = bytes
            }
            let read = try object.read([Self.label, Self.token, Self.value, Self.id, Self.modulus])
            for type in [Self.label, Self.value, Self.id, Self.modulus] {
                #expect(read.bytes(of: type) == bytes, "\(type), \(length)")
            }
            #expect(read[.token] == true)
        }
    }

    // A module may return CKR_OK although a value does not fit.
    @Test("A value that is unavailable in the shared call is read separately")
    func unavailableInBuffer() throws {
        let object = object()
        object.values[Self.label] = [UInt8](repeating: 65, count: 300)
        object.answerAttributes = { object, requests in
            _ = object.answerByStandard(&requests)
            return .ok
        }
        let read = try object.read([Self.label, Self.token])
        #expect(read[.label] == String(repeating: "A", count: 300) && read[.token] == true)
    }

    @Test("A missing or sensitive attribute is absent, and the others are read")
    func absent() throws {
        for refusal in [ReturnValue.attributeTypeInvalid, .attributeSensitive] {
            let object = object()
            object.values[Self.value] = nil
            object.answerAttributes = { object, requests in
                object.answerByStandard(&requests) == .ok ? .ok : refusal
            }
            let read = try object.read([Self.value, Self.token, Self.label])
            #expect(read.bytes(of: Self.value) == nil && read[.value] == nil, "\(refusal)")
            #expect(read[.token] == true && read[.label] == "mail", "\(refusal)")
            #expect(read.unread.isEmpty, "\(refusal)")
        }
    }

    // The standard requires C_GetAttributeValue to continue; some modules do not.
    @Test("All attributes are read even if the module stops at a missing one")
    func stopping() throws {
        let object = object()
        object.values[Self.id] = nil
        object.answerAttributes = { object, requests in
            for index in requests.indices {
                var one = [requests[index]]
                let returned = object.answerByStandard(&one)
                requests[index] = one[0]
                if returned != .ok { return returned }
            }
            return .ok
        }
        let types = [Self.token, Self.id, Self.objectClass, Self.label, Self.modulus, Self.value]
        let read = try object.read(types)
        #expect(read.bytes(of: Self.id) == nil && read[.token] == true)
        #expect(read[.class] == .privateKey && read[.label] == "mail")
        #expect(read[.modulus] == [0x80, 1] && read[.value] == [7, 8, 9])
    }

    @Test("If a module rejects all attributes because of one, each is read separately")
    func refusingAll() throws {
        for refusal in [ReturnValue.functionFailed, .generalError] {
            let object = object()
            object.answerAttributes = { object, requests in
                if requests.contains(where: { $0.type == Self.modulus }) { return refusal }
                return object.answerByStandard(&requests)
            }
            let read = try object.read([Self.token, Self.modulus, Self.label])
            #expect(read[.token] == true && read[.label] == "mail", "\(refusal)")
            #expect(read[.modulus] == nil && read.unread == [Self.modulus], "\(refusal)")
        }
    }

    // Otherwise a removed token would look like a key without any protection.
    @Test("Any other return value is an error, in the first call and in a later one")
    func failures() throws {
        for refusal in [
            ReturnValue.deviceRemoved, .sessionHandleInvalid, .objectHandleInvalid, .deviceError,
            .userNotLoggedIn, ReturnValue(rawValue: 0x8000_0001),
        ] {
            let object = object()
            object.answerAttributes = { _, _ in refusal }
            let first = #expect(throws: CryptokiError.self) {
                _ = try object.read([Self.token, Self.label])
            }
            #expect(first?.code == .returned && first?.returnValue == refusal)
            #expect(object.attributeCalls.count == 1)

            object.values[Self.value] = [UInt8](repeating: 1, count: 9000)
            object.answerAttributes = { object, requests in
                object.attributeCalls.count == 2 ? object.answerByStandard(&requests) : refusal
            }
            let later = #expect(throws: CryptokiError.self) { _ = try object.read([Self.value]) }
            #expect(later?.returnValue == refusal && later?.context == "CKA_VALUE")
        }
    }

    // Otherwise a faulty module would make the program exhaust memory or read beyond a buffer.
    @Test("An impossible length is an error that names the attribute")
    func impossibleLengths() throws {
        for length: UInt in [1 << 24, 1 << 40, UInt(Int.max), UInt.max - 1] {
            let object = object()
            object.answerAttributes = { _, requests in
                for index in requests.indices { requests[index].length = length }
                return .ok
            }
            let error = #expect(throws: CryptokiError.self) { _ = try object.read([Self.label]) }
            #expect(error?.code == .malformedAnswer, "\(length)")
            #expect(error?.context.contains("CKA_LABEL") == true, "\(length)")
        }
        // The second call returns a larger length than the first.
        let object = object()
        object.answerAttributes = { object, requests in
            requests[0].length = object.attributeCalls.count == 3 ? 501 : 500
            return .ok
        }
        let error = #expect(throws: CryptokiError.self) { _ = try object.read([Self.label]) }
        #expect(error?.code == .malformedAnswer)
        #expect(object.attributeCalls.count == 3)
    }

    @Test("If a value changes or disappears between two calls, the last call counts")
    func changing() throws {
        let object = object()
        object.answerAttributes = { object, requests in
            let length = object.attributeCalls.count == 3 ? 290 : 300
            object.values[Self.label] = [UInt8](repeating: 66, count: length)
            return object.answerByStandard(&requests)
        }
        #expect(try object.read([Self.label])[.label] == String(repeating: "B", count: 290))

        let growing = self.object()
        growing.answerAttributes = { object, requests in
            let length = min(300 + 10 * object.attributeCalls.count, 340)
            object.values[Self.label] = [UInt8](repeating: 67, count: length)
            return object.answerByStandard(&requests)
        }
        #expect(try growing.read([Self.label])[.label] == String(repeating: "C", count: 340))

        let vanishing = self.object()
        vanishing.values[Self.label] = [UInt8](repeating: 68, count: 300)
        vanishing.answerAttributes = { object, requests in
            if object.attributeCalls.count == 3 { object.values[Self.label] = nil }
            return object.answerByStandard(&requests)
        }
        #expect(try vanishing.read([Self.label]).bytes(of: Self.label) == nil)
    }

    @Test("A value that grows with each call is absent after a few attempts")
    func endlessGrowth() throws {
        let object = object()
        object.answerAttributes = { object, requests in
            let length = 300 + object.attributeCalls.count
            object.values[Self.label] = [UInt8](repeating: 67, count: length)
            return object.answerByStandard(&requests)
        }
        #expect(try object.read([Self.label]).bytes(of: Self.label) == nil)
        #expect(object.attributeCalls.count < 20)
    }

    // Otherwise a key that cannot be exported would look exportable.
    @Test("A Boolean of several bytes is read")
    func wideBooleans() throws {
        for (bytes, expected) in [
            ([1, 0, 0, 0, 0, 0, 0, 0], true), ([0, 0, 0, 0, 0, 0, 0, 0], false), ([1, 0], true),
        ] as [([UInt8], Bool)] {
            let object = object()
            object.values[AttributeKey<Bool>.sensitive.type] = bytes
            let read = try object.read([AttributeKey<Bool>.sensitive.type, Self.label])
            #expect(read[.sensitive] == expected, "\(bytes)")
            #expect(read[.label] == "mail")
        }
    }

    // A fill pattern in the buffer shows what a failed call did not write.
    @Test("A value equal to the buffer's fill pattern is read")
    func filling() throws {
        let object = object()
        let filling = [UInt8](repeating: 0xA5, count: 72)
        object.values[Self.id] = filling
        object.values[Self.value] = nil
        let read = try object.read([Self.value, Self.id])
        #expect(read[.id] == filling && read[.value] == nil)
    }
}
