import CTokencertP11Kit
import Testing

@testable import Cryptoki

/// Reading fields of fixed length, and selecting a token by them.
@Suite struct TokenFieldTests {
    private func fill<Field>(_ field: inout Field, _ text: String, padding: UInt8 = 0x20) {
        fill(&field, Array(text.utf8), padding: padding)
    }

    private func fill<Field>(_ field: inout Field, _ bytes: [UInt8], padding: UInt8 = 0x20) {
        unsafe withUnsafeMutableBytes(of: &field) { place in
            for index in 0..<place.count {
                unsafe place[index] = index < bytes.count ? bytes[index] : padding
            }
        }
    }

    private func information(
        _ label: String = "work", serial: String = "0012", padding: UInt8 = 0x20
    ) -> CK_TOKEN_INFO {
        var info = CK_TOKEN_INFO()
        fill(&info.label, label, padding: padding)
        fill(&info.manufacturerID, "Maker AG", padding: padding)
        fill(&info.model, "Card 2", padding: padding)
        fill(&info.serialNumber, serial, padding: padding)
        return info
    }

    // Otherwise a label would never match what the user typed.
    @Test("A field is read without its padding of spaces or NULs")
    func padding() {
        let cases: [([UInt8], UInt8, [UInt8])] = [
            (Array("work".utf8), 0x20, Array("work".utf8)),
            (Array("work".utf8), 0, Array("work".utf8)),
            // After the NUL of a C string, any bytes may follow.
            (Array("work\0xyz".utf8), 0x20, Array("work".utf8)),
            (Array("work  \0".utf8), 0x20, Array("work".utf8)),
            (Array("  a b ".utf8), 0x20, Array("  a b".utf8)),
            ([], 0x20, []), ([], 0, []),
            ([UInt8](repeating: 65, count: 32), 0x20, [UInt8](repeating: 65, count: 32)),
            ([0x4D, 0xFC, 0xFF], 0x20, [0x4D, 0xFC, 0xFF]), ([9, 10], 0x20, [9, 10]),
            // A UTF-8 character is cut off at the end of the field.
            (
                [UInt8](repeating: 65, count: 31) + [0xC3], 0x20,
                [UInt8](repeating: 65, count: 31) + [0xC3]
            ),
        ]
        for (content, padding, expected) in cases {
            var info = CK_TOKEN_INFO()
            fill(&info.label, content, padding: padding)
            let read = TokenInfo(info)
            #expect(read.labelBytes == expected, "\(content), \(padding)")
            #expect(read.label == String(decoding: expected, as: UTF8.self))
        }
    }

    @Test("Each property of a token is read from its own field")
    func places() {
        var info = information()
        info.hardwareVersion = CK_VERSION(major: 1, minor: 0)
        info.firmwareVersion = CK_VERSION(major: 5, minor: 40)
        info.flags = TokenFlags([.loginRequired, .userPINLocked]).rawValue | 1 << 40
        let read = TokenInfo(info)
        #expect(read.label == "work" && read.manufacturer == "Maker AG")
        #expect(read.model == "Card 2" && read.serialNumber == "0012")
        #expect(read.hardwareVersion == "1.0" && read.firmwareVersion == "5.40")
        #expect(read.flags.contains([.loginRequired, .userPINLocked]))
        #expect(!read.flags.contains(.userPINFinalTry))
        #expect(read.flags.rawValue & 1 << 40 != 0)
    }

    // Otherwise a PIN that the token accepts would be rejected, or the program would crash.
    @Test("A PIN length limit that is unavailable or invalid is ignored")
    func pinLengths() {
        let unavailable = UInt.max
        let cases: [(UInt, UInt, ClosedRange<Int>)] = [
            (4, 8, 4...8), (6, 6, 6...6), (0, 255, 0...255), (0, 0, 0...Int.max),
            (4, 0, 4...Int.max), (8, 4, 8...Int.max), (unavailable, 8, 0...8),
            (4, unavailable, 4...Int.max), (unavailable, unavailable, 0...Int.max),
            (UInt.max - 1, 8, 0...8), (4, UInt.max - 1, 4...Int.max),
            (UInt(Int.max), 8, Int.max...Int.max),
        ]
        for (least, most, expected) in cases {
            var info = CK_TOKEN_INFO()
            info.ulMinPinLen = least
            info.ulMaxPinLen = most
            #expect(TokenInfo(info).pinLengths == expected, "\(least), \(most)")
        }
    }

    // Otherwise a token with unknown free memory would look full.
    @Test("Free memory is unknown only if it is unavailable or out of range")
    func memory() {
        let cases: [(UInt, Int?)] = [
            (0, 0), (4096, 4096), (UInt(Int.max), Int.max), (UInt.max, nil), (UInt.max - 1, nil),
        ]
        for (number, expected) in cases {
            var info = CK_TOKEN_INFO()
            info.ulFreePublicMemory = number
            info.ulFreePrivateMemory = 17
            #expect(TokenInfo(info).freePublicMemory == expected, "\(number)")
            #expect(TokenInfo(info).freePrivateMemory == 17)
            info.ulFreePublicMemory = 17
            info.ulFreePrivateMemory = number
            #expect(TokenInfo(info).freePrivateMemory == expected, "\(number)")
            #expect(TokenInfo(info).freePublicMemory == 17)
        }
    }

    @Test(
        "The key sizes of a mechanism are unknown if its largest one is zero or below the smallest")
    func keySizes() {
        let cases: [(UInt, UInt, ClosedRange<Int>?)] = [
            (1024, 4096, 1024...4096), (2048, 2048, 2048...2048), (0, 521, 0...521),
            (0, 0, nil), (512, 0, nil), (4096, 1024, nil), (UInt.max, 0, nil),
            (UInt.max, 4096, nil),
        ]
        for (least, most, expected) in cases {
            let info = MechanismInfo(
                CK_MECHANISM_INFO(ulMinKeySize: least, ulMaxKeySize: most, flags: 0))
            #expect(info.keySizes == expected, "\(least), \(most)")
        }
    }

    // The bits are those of PKCS#11 v2.40, section 3.4.
    @Test("Each flag of a mechanism permits one use")
    func mechanismFlags() {
        let cases: [(UInt, [Bool])] = [
            (0, [false, false, false, false]), (0x0000_0001, [false, false, false, true]),
            (0x0000_0200, [false, false, true, false]), (0x0000_0800, [false, true, false, false]),
            (0x0001_0000, [true, false, false, false]),
            // CKF_ENCRYPT, CKF_VERIFY and CKF_GENERATE.
            (0x0000_0100 | 0x0000_2000 | 0x0000_8000, [false, false, false, false]),
        ]
        for (flags, expected) in cases {
            let info = MechanismInfo(
                CK_MECHANISM_INFO(ulMinKeySize: 0, ulMaxKeySize: 0, flags: flags))
            let found = [info.generatesKeyPairs, info.signs, info.decrypts, info.isHardware]
            #expect(found == expected, "\(flags)")
        }
    }

    // MARK: Selection by URI

    private func matches(
        _ text: String, _ token: CK_TOKEN_INFO, slotID: UInt = 7
    ) throws -> Bool {
        var module = CK_INFO()
        fill(&module.manufacturerID, "Library AG")
        fill(&module.libraryDescription, "Middleware")
        module.libraryVersion = CK_VERSION(major: 2, minor: 6)
        var slot = CK_SLOT_INFO()
        fill(&slot.slotDescription, "Reader 1")
        fill(&slot.manufacturerID, "Reader AG")
        return try PKCS11URI(parsing: text).handle.matches(
            module: module, slot: slot, slotID: slotID, token: token)
    }

    // Otherwise the program would write to another token.
    @Test("A URI matches a token only if all its attributes match")
    func selection() throws {
        for text in [
            "pkcs11:", "pkcs11:token=work", "pkcs11:serial=0012", "pkcs11:model=Card%202",
            "pkcs11:manufacturer=Maker%20AG", "pkcs11:slot-id=7",
            "pkcs11:token=work;serial=0012;model=Card%202;manufacturer=Maker%20AG;slot-id=7",
            "pkcs11:library-description=Middleware;library-manufacturer=Library%20AG",
            "pkcs11:library-version=2.6", "pkcs11:slot-description=Reader%201",
            "pkcs11:slot-manufacturer=Reader%20AG", "pkcs11:object=any;id=%01;type=cert",
        ] {
            #expect(try matches(text, information()), "\(text)")
        }
        for text in [
            "pkcs11:token=Work", "pkcs11:token=wor", "pkcs11:token=works", "pkcs11:token=%20work",
            "pkcs11:token=%20", "pkcs11:serial=12", "pkcs11:serial=00120", "pkcs11:model=Card",
            "pkcs11:token=work;serial=0013", "pkcs11:token=work;slot-id=8", "pkcs11:slot-id=0",
            "pkcs11:manufacturer=Maker", "pkcs11:library-version=2.60",
            "pkcs11:library-version=2.5", "pkcs11:library-version=2",
            "pkcs11:library-description=Middle", "pkcs11:library-manufacturer=Reader%20AG",
            "pkcs11:slot-description=Reader", "pkcs11:slot-manufacturer=Library%20AG",
        ] {
            #expect(try !matches(text, information()), "\(text)")
        }
        #expect(try matches("pkcs11:slot-id=0", information(), slotID: 0))
    }

    // Otherwise a printed URI would not select its token.
    @Test("The URI made from a token matches that token, whatever the padding")
    func ownURI() throws {
        for token in [
            information(), information(padding: 0), information("a;b/c?d=%41 ü"),
            information(serial: ""), information("", serial: "1"),
            information(String(repeating: "x", count: 32), serial: "1234567890123456"),
        ] {
            let handle = URIHandle()
            handle.setToken(token)
            let text = handle.formatted
            #expect(try matches(text, token), "\(text)")
            #expect(try !matches(text, information("other", serial: "77")), "\(text)")
            // An object's URI is made from a copy.
            let copy = handle.copy()
            #expect(copy.formatted == text && !copy.hasUnrecognizedParts)
        }
    }
}
