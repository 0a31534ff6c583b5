import Testing

@testable import Cryptoki

/// Attribute values, templates, and the names of constants.
@Suite struct AttributeValueTests {
    /// The bytes of a number in the machine's byte order.
    private func inMemory<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        unsafe withUnsafeBytes(of: number) { unsafe Array($0) }
    }

    @Test("A CK_ULONG is written and read in the machine's byte order")
    func numbers() {
        for number: UInt in [0, 1, 255, 256, 3072, 0x0102_0304_0506_0708, .max] {
            #expect(number.attributeBytes == inMemory(number))
            #expect(UInt(attributeBytes: inMemory(number)) == number)
        }
        #expect(UInt(3).attributeBytes.count == MemoryLayout<UInt>.size)
    }

    // A 64-bit module that wraps a 32-bit one returns numbers of four bytes.
    @Test("A number may be shorter than a CK_ULONG, but not empty or longer")
    func otherLengths() {
        #expect(UInt(attributeBytes: inMemory(UInt32(0x0102_0304))) == 0x0102_0304)
        #expect(UInt(attributeBytes: inMemory(UInt16(0xFFFE))) == 0xFFFE)
        #expect(UInt(attributeBytes: [3]) == 3)
        #expect(UInt(attributeBytes: []) == nil)
        let longest = [UInt8](repeating: 0, count: MemoryLayout<UInt>.size)
        #expect(UInt(attributeBytes: longest) == 0)
        #expect(UInt(attributeBytes: longest + [0]) == nil)
        #expect(ObjectClass(attributeBytes: [2]) == .publicKey)
        #expect(ObjectClass(attributeBytes: []) == nil && KeyType(attributeBytes: []) == nil)
        #expect(KeyType(attributeBytes: longest + [0]) == nil)
    }

    // Otherwise a sensitive or private key could look unprotected and be replaced.
    @Test("A CK_BBOOL is true unless all of its bytes are zero, and absent without bytes")
    func booleans() {
        for (bytes, expected) in [
            ([0], false), ([1], true), ([0xFF], true), ([0, 0, 0, 0], false), ([1, 0, 0, 0], true),
            ([0, 0, 0, 1], true), ([], nil),
        ] as [([UInt8], Bool?)] {
            #expect(Bool(attributeBytes: bytes) == expected, "\(bytes)")
        }
        #expect(true.attributeBytes == [1] && false.attributeBytes == [0])
    }

    @Test("A label that is not UTF-8 can be displayed, and its bytes are unchanged")
    func texts() {
        var template = Template()
        template[.label] = "Müller"
        #expect(template.bytes(of: AttributeKey<String>.label.type) == Array("Müller".utf8))
        let attributes = Attributes(values: [AttributeKey<String>.label.type: [0x4D, 0xFC, 0x6C]])
        #expect(attributes[.label] == "M\u{FFFD}l")
        #expect(attributes.bytes(of: AttributeKey<String>.label.type) == [0x4D, 0xFC, 0x6C])
        #expect(Attributes(values: [AttributeKey<String>.label.type: []])[.label] == "")
        #expect(Attributes()[.label] == nil)
    }

    @Test("A value of the wrong length is absent, and its bytes can be read")
    func wrongLength() {
        let sensitive = AttributeKey<Bool>.sensitive.type
        let keyType = AttributeKey<KeyType>.keyType.type
        let long = [UInt8](repeating: 1, count: 9)
        let attributes = Attributes(values: [sensitive: [], keyType: long])
        #expect(attributes[.sensitive] == nil && attributes[.keyType] == nil)
        #expect(attributes.bytes(of: sensitive) == [] && attributes.bytes(of: keyType) == long)
    }

    // MARK: Templates

    // A module may reject a repeated attribute or use either value.
    @Test("A template contains an attribute once, with its last value")
    func setting() {
        var template = Template()
        template[.token] = true
        template[.label] = "a"
        template[.token] = false
        let types = [AttributeKey<String>.label.type, AttributeKey<Bool>.token.type]
        #expect(template.types == types)
        #expect(template[.token] == false && template.bytes(of: types[1]) == [0])
        template[.label] = nil
        #expect(template.types == [types[1]] && template[.label] == nil)
        template[.label] = nil
        #expect(template.types == [types[1]])
        template[.label] = ""
        #expect(template[.label] == "" && template.bytes(of: types[0]) == [])
    }

    @Test("Removing attributes returns a copy with the others in the same order")
    func leavingOut() {
        var template = Template()
        template[.class] = .certificate
        template[.token] = true
        template[.id] = [1]
        let whole = template
        let (token, id) = (AttributeKey<Bool>.token.type, AttributeKey<[UInt8]>.id.type)
        let rest = template.without([token, AttributeKey<String>.label.type])
        #expect(rest.types == [AttributeKey<ObjectClass>.class.type, id])
        #expect(template == whole && template.without([]) == whole)
        #expect(template.without(Set(template.types)) == Template())
    }

    @Test("Templates are equal if their types, bytes and order are equal")
    func equality() {
        func template(_ id: [UInt8], isTokenFirst: Bool) -> Template {
            var template = Template()
            if isTokenFirst { template[.token] = true }
            template[.id] = id
            if !isTokenFirst { template[.token] = true }
            return template
        }
        #expect(template([1], isTokenFirst: true) == template([1], isTokenFirst: true))
        #expect(template([1], isTokenFirst: true) != template([2], isTokenFirst: true))
        #expect(template([1], isTokenFirst: true) != template([1], isTokenFirst: false))
        #expect(template([1], isTokenFirst: true) != Template())
    }

    // MARK: Names

    // The numbers are those of PKCS#11 v2.40 and v3.0.
    @Test("A number in the standard is printed by name, any other in hexadecimal")
    func names() {
        let values: [(UInt, String)] = [
            (0, "CKR_OK"), (0xA0, "CKR_PIN_INCORRECT"), (0xA4, "CKR_PIN_LOCKED"),
            (0x32, "CKR_DEVICE_REMOVED"), (0x150, "CKR_BUFFER_TOO_SMALL"),
            (0x140, "CKR_CURVE_NOT_SUPPORTED"), (0xFFFF, "CKR 0xffff"),
            (0x7FFF_FFFF, "CKR 0x7fffffff"), (0x8000_0000, "CKR_VENDOR_DEFINED 0x80000000"),
            (0x8000_00FF, "CKR_VENDOR_DEFINED 0x800000ff"),
        ]
        for (number, name) in values {
            #expect(ReturnValue(rawValue: number).description == name)
        }
        let mechanisms: [(UInt, String)] = [
            (0, "CKM_RSA_PKCS_KEY_PAIR_GEN"), (1, "CKM_RSA_PKCS"), (0x1041, "CKM_ECDSA"),
            (0x40, "CKM_SHA256_RSA_PKCS"), (0x1057, "CKM_EDDSA"), (0x8000_0001, "CKM 0x80000001"),
            (.max, "CKM 0xffffffffffffffff"),
        ]
        for (number, name) in mechanisms {
            #expect(MechanismType(rawValue: number).description == name)
        }
        let attributes: [(UInt, String)] = [
            (0, "CKA_CLASS"), (3, "CKA_LABEL"), (0x102, "CKA_ID"), (0x180, "CKA_EC_PARAMS"),
            (0x8000_0001, "CKA 0x80000001"), (0xFFFF, "CKA 0xffff"),
        ]
        for (number, name) in attributes {
            #expect(AttributeType(rawValue: number).description == name)
        }
    }

    @Test("Every attribute is found by its exact name in the standard")
    func attributeNames() {
        let named = (0...UInt(0x600)).map(AttributeType.init(rawValue:)).filter {
            $0.standardName != nil
        }
        #expect(named.count == 100)
        for type in named {
            #expect(AttributeType(name: type.description) == type, "\(type)")
            #expect(type.description.hasPrefix("CKA_"))
        }
        let unknown = [
            "", "LABEL", "cka_label", "CKA_LABEL ", "CKA_LABEL\0", "CKA_", "CKA 0x3",
            "CKA_UNHEARD",
        ]
        for name in unknown {
            #expect(AttributeType(name: name) == nil, "\(name)")
        }
    }

    @Test("Vendor-defined return values begin at 0x80000000")
    func vendors() {
        for (number, isVendor) in [
            (0, false), (0x7FFF_FFFF, false), (0x8000_0000, true), (.max, true),
        ] as [(UInt, Bool)] {
            #expect(ReturnValue(rawValue: number).isVendorDefined == isVendor)
        }
    }

    // Otherwise a wrong PIN could be sent a second time.
    @Test("A return value matches only an error that contains it")
    func matching() {
        let wrong = CryptokiError(.returned, function: "C_Login", returnValue: .pinIncorrect)
        #expect(ReturnValue.pinIncorrect ~= wrong)
        #expect(!(ReturnValue.pinLocked ~= wrong) && !(ReturnValue.ok ~= wrong))
        let other = CryptokiError(.invalidURI, function: "p11_kit_uri_parse")
        #expect(!(ReturnValue.ok ~= other))
        #expect(!(ReturnValue.pinIncorrect ~= CancellationError()))
    }

    @Test("An error names the function, the return value and the context in one line")
    func errors() {
        let cases: [(CryptokiError, String)] = [
            (
                CryptokiError(.returned, function: "C_Login", returnValue: .pinLocked),
                "C_Login returned CKR_PIN_LOCKED"
            ),
            (
                CryptokiError(
                    .returned, function: "C_Sign", returnValue: ReturnValue(rawValue: 0x8000_0001),
                    context: "CKM_ECDSA"),
                "C_Sign returned CKR_VENDOR_DEFINED 0x80000001 (CKM_ECDSA)"
            ),
            (
                CryptokiError(.functionMissing, function: "C_GenerateKeyPair"),
                "the module has no C_GenerateKeyPair"
            ),
            (
                CryptokiError(
                    .moduleUnusable, function: "C_Initialize", returnValue: .generalError,
                    context: "/x.so"),
                "C_Initialize: /x.so [CKR_GENERAL_ERROR]"
            ),
            (
                CryptokiError(.malformedAnswer, function: "C_Sign", context: "too long"),
                "C_Sign: too long"
            ),
        ]
        for (error, text) in cases { #expect(error.description == text) }
    }

    @Test("A known user type is printed in words, an unknown one by its number")
    func users() {
        let names = [UserType.user, .securityOfficer, .contextSpecific].map(\.description)
        #expect(names == ["user", "security officer", "user, for one use of a key"])
        #expect(UserType(rawValue: 0) == .securityOfficer && UserType(rawValue: 1) == .user)
        #expect(UserType(rawValue: 9).description == "user type 9")
    }

    // MARK: The same token

    private func token(
        label: String = "a", manufacturer: String = "m", model: String = "x", serial: String = "1"
    ) -> TokenInfo {
        TokenInfo(
            label: label, labelBytes: Array(label.utf8), manufacturer: manufacturer, model: model,
            serialNumber: serial, flags: [], pinLengths: 4...8, freePublicMemory: nil,
            freePrivateMemory: nil, hardwareVersion: "1.0", firmwareVersion: "1.0")
    }

    // Otherwise a token swapped in the reader would get another token's certificate.
    @Test("A token without a unique serial number is identified by its label")
    func sameToken() {
        #expect(token().isSameToken(as: token()))
        // OpenSC's PIV driver takes the label from a certificate.
        #expect(token(label: "b").isSameToken(as: token()))
        #expect(!token(serial: "2").isSameToken(as: token()))
        #expect(!token(model: "y").isSameToken(as: token()))
        #expect(!token(manufacturer: "n").isSameToken(as: token()))
        for serial in ["", "0", "0000000000000000", "000 0"] {
            #expect(token(serial: serial).isSameToken(as: token(serial: serial)), "\(serial)")
            let relabelled = token(label: "b", serial: serial)
            #expect(!relabelled.isSameToken(as: token(serial: serial)), "\(serial)")
        }
        let almost = token(label: "b", serial: "0000000000000001")
        #expect(almost.isSameToken(as: token(serial: "0000000000000001")))
    }
}
