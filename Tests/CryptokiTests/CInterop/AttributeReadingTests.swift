import Testing

@testable import Cryptoki

/// How attributes are read from a module that answers in one of the ways in which modules do.
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

    /// An object with some attributes of each kind.
    private func object() -> ScriptedFunctions {
        let object = ScriptedFunctions()
        object.values = [
            Self.objectClass: ObjectClass.privateKey.attributeBytes, Self.token: [1],
            Self.label: Array("mail".utf8), Self.id: [1, 2], Self.modulus: [0x80, 1],
            Self.value: [7, 8, 9],
        ]
        return object
    }

    // NSS softoken reports a CK_ULONG as unavailable if the buffer is larger: the object has no
    // class then, and is not found.
    @Test("A number, a Boolean and a date are asked for with the size of their type")
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
        // Everything came in one call: a card takes long for each.
        #expect(object.attributeCalls.count == 1)
        var sizes = [Int](repeating: MemoryLayout<UInt>.size, count: numbers.count)
        sizes += [Int](repeating: 1, count: booleans.count)
        sizes += [Int](repeating: 8, count: dates.count)
        #expect(object.attributeCalls.first?.compactMap(\.capacity) == sizes)
    }

    @Test("What fits is read in one call, and an empty value is there")
    func fitting() throws {
        let object = object()
        object.values[Self.label] = []
        let read = try object.read([Self.objectClass, Self.label, Self.value])
        #expect(read[.class] == .privateKey && read[.value] == [7, 8, 9])
        #expect(read.bytes(of: Self.label) == [] && read[.label] == "")
        #expect(object.attributeCalls.count == 1)
        #expect(try object.read([]) == Attributes())
    }

    // Cut values would be written to a new certificate, or not be found again.
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

    // A module may report a value that does not fit without an error.
    @Test("A value that is unavailable in the prepared buffer is asked for alone")
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

    @Test("What the object does not have or does not give out is absent, and the rest is read")
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
        }
    }

    // The standard lets C_GetAttributeValue go on after such an attribute; some modules do not.
    @Test("A module that stops at the first attribute it does not have loses none that follows")
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

    @Test("A module that refuses all attributes because of one is asked for each")
    func refusingAll() throws {
        for refusal in [ReturnValue.functionFailed, .generalError] {
            let object = object()
            object.answerAttributes = { object, requests in
                if requests.contains(where: { $0.type == Self.modulus }) { return refusal }
                return object.answerByStandard(&requests)
            }
            let read = try object.read([Self.token, Self.modulus, Self.label])
            #expect(read[.token] == true && read[.label] == "mail", "\(refusal)")
            #expect(read[.modulus] == nil, "\(refusal)")
        }
    }

    // A removed token would look like an object without attributes, whose key nothing protects.
    @Test("Any other refusal is an error, in the first call and in a later one")
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

    // Otherwise a faulty module makes the program take all memory, or read what is not its own.
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
        // More bytes than the buffer has that was made for the announced length.
        let object = object()
        object.answerAttributes = { object, requests in
            requests[0].length = object.attributeCalls.count == 3 ? 501 : 500
            return .ok
        }
        let error = #expect(throws: CryptokiError.self) { _ = try object.read([Self.label]) }
        #expect(error?.code == .malformedAnswer)
        #expect(object.attributeCalls.count == 3)
    }

    @Test("A value that shrinks, grows or vanishes between two calls is read as it is then")
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

    @Test("A value that grows with each call is given up")
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

    // Otherwise a key that cannot leave the token looks like one that can.
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

    // The buffer is filled before the call, to see what a module that failed did not write.
    @Test("A value that consists of the filling is not taken for an unwritten buffer")
    func filling() throws {
        let object = object()
        let filling = [UInt8](repeating: 0xA5, count: 72)
        object.values[Self.id] = filling
        object.values[Self.value] = nil
        let read = try object.read([Self.value, Self.id])
        #expect(read[.id] == filling && read[.value] == nil)
    }
}
