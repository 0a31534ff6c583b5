import Testing

@testable import OpenSSLX509

/// The DER of keys, signatures and extensions.
@Suite struct DERTests {
    @Test("A length has the shortest form of X.690")
    func lengths() {
        let cases: [(Int, [UInt8])] = [
            (0, [0]), (1, [1]), (127, [0x7F]), (128, [0x81, 0x80]), (255, [0x81, 0xFF]),
            (256, [0x82, 1, 0]), (65_535, [0x82, 0xFF, 0xFF]), (65_536, [0x83, 1, 0, 0]),
        ]
        for (count, length) in cases {
            let content = [UInt8](repeating: 7, count: count)
            let element = DER.element(0x30, content)
            #expect(element == [0x30] + length + content, "\(count)")
            #expect(DER.readWhole(0x30, element) == content, "\(count)")
        }
    }

    // Other software rejects numbers with leading zeros, and negative ones.
    @Test("A number is never negative and has no leading zeros")
    func integers() {
        let cases: [([UInt8], [UInt8])] = [
            ([], [2, 1, 0]), ([0], [2, 1, 0]), ([0, 0, 0], [2, 1, 0]), ([1], [2, 1, 1]),
            ([0x7F], [2, 1, 0x7F]), ([0x80], [2, 2, 0, 0x80]), ([0, 0x80], [2, 2, 0, 0x80]),
            ([0, 0, 0x7F, 0], [2, 2, 0x7F, 0]), ([0xFF, 0xFF], [2, 3, 0, 0xFF, 0xFF]),
        ]
        for (bytes, der) in cases { #expect(DER.integer(bytes) == der, "\(bytes)") }
    }

    @Test("Strings and sequences keep their content unchanged")
    func containers() {
        #expect(DER.octetString([]) == [4, 0] && DER.octetString([0, 1]) == [4, 2, 0, 1])
        #expect(DER.bitString([]) == [3, 1, 0] && DER.bitString([0xFF]) == [3, 2, 0, 0xFF])
        #expect(DER.sequence() == [0x30, 0])
        #expect(DER.sequence(DER.null, DER.booleanTrue) == [0x30, 5, 5, 0, 1, 1, 0xFF])
    }

    // Certificates on tokens have such lengths.
    @Test("An overlong length is read")
    func longLengths() throws {
        for length: [UInt8] in [[0x81, 2], [0x82, 0, 2], [0x83, 0, 0, 2], [0x84, 0, 0, 0, 2]] {
            let bytes = [0x30] + length + [5, 0]
            let element = try #require(DER.read((bytes + [9])[...]))
            #expect(element.tag == 0x30 && Array(element.content) == [5, 0], "\(length)")
            #expect(Array(element.bytes) == bytes && Array(element.rest) == [9], "\(length)")
        }
    }

    // Otherwise a wrong length reads memory after the bytes.
    @Test("A truncated element and an indefinite length are rejected")
    func malformed() {
        for bytes: [UInt8] in [
            [], [0x30], [0x30, 1], [0x30, 2, 5], [0x30, 0x80], [0x30, 0x80, 0, 0], [0x30, 0x81],
            [0x30, 0x81, 1], [0x30, 0x82, 0], [0x30, 0x82, 0, 1], [0x30, 0x84, 0, 0, 0],
            [0x30, 0x84, 0x7F, 0xFF, 0xFF, 0xFF, 0], [0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 0],
            [0x30, 0x85, 0, 0, 0, 0, 0],
            [0x30, 0x88, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
            [0x30, 0xFF, 0],
        ] {
            #expect(DER.read(bytes[...])?.tag == nil, "\(bytes)")
        }
        let whole = DER.element(0x30, [UInt8](repeating: 1, count: 300))
        for count in whole.indices {
            #expect(DER.read(whole[..<count])?.tag == nil, "\(count)")
        }
    }

    @Test("An element is read from the middle of other bytes")
    func slices() throws {
        let bytes: [UInt8] = [0xFF, 0xFF, 4, 1, 65, 5, 0]
        let first = try #require(DER.read(bytes[2...]))
        #expect(first.tag == 4 && Array(first.content) == [65])
        let second = try #require(DER.read(first.rest))
        #expect(second.tag == 5 && second.content.isEmpty && second.rest.isEmpty)
        #expect(DER.read(second.rest)?.tag == nil)
        #expect(DER.read(bytes[2..<4])?.tag == nil)
    }

    @Test("A whole element has the required tag and no bytes after it")
    func whole() {
        #expect(DER.readWhole(4, [4, 1, 65]) == [65])
        for bytes: [UInt8] in [[3, 1, 65], [4, 1, 65, 0], [4, 2, 65], [], [4]] {
            #expect(DER.readWhole(4, bytes) == nil, "\(bytes)")
        }
    }

    // 2.999.3 and 2.100.3 are examples of X.690, section 8.19.
    @Test("An object identifier is encoded in groups of seven bits")
    func identifiers() throws {
        let cases: [(String, [UInt8])] = [
            ("2.999.3", [0x88, 0x37, 3]), ("1.2.840.113549", [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D]),
            ("0.0", [0]), ("0.39", [39]), ("1.0", [40]), ("1.39", [79]), ("2.0", [80]),
            ("2.47", [127]), ("2.48", [0x81, 0]), ("1.2.127", [42, 127]),
            ("1.2.128", [42, 0x81, 0]),
            ("1.2.16383", [42, 0xFF, 0x7F]), ("1.2.16384", [42, 0x81, 0x80, 0]),
            ("1.3.6.1.4.1.311.21.20", [0x2B, 6, 1, 4, 1, 0x82, 0x37, 0x15, 0x14]),
            ("1.2.0.0", [42, 0, 0]), ("2.100.3", [0x81, 0x34, 3]),
        ]
        for (dotted, content) in cases {
            let der = [6, UInt8(content.count)] + content
            #expect(DER.objectIdentifier(parsing: dotted) == der, "\(dotted)")
            #expect(dottedIdentifier(der) == dotted, "\(dotted)")
        }
    }

    @Test("An object identifier has at most 1024 characters, and other bytes are rejected")
    func identifierLimits() {
        let longest = "1.2." + String(repeating: "9", count: 1020)
        #expect(DER.objectIdentifier(parsing: longest) != nil)
        #expect(DER.objectIdentifier(parsing: longest + "9") == nil)
        for bytes: [UInt8] in [
            [], [5, 0], [6, 0], [6, 1], [6, 1, 0x80], [6, 1, 42, 0], [4, 1, 42],
        ] {
            #expect(dottedIdentifier(bytes) == nil, "\(bytes)")
        }
    }

    // Otherwise an id selects another key.
    @Test("Only hexadecimal digits are read, in either case, two for each byte")
    func hexadecimalDigits() {
        let all = (0...255).map { UInt8($0) }
        #expect(hexadecimal([0, 0x0F, 0xA0, 0xFF]) == "000fa0ff" && hexadecimal([]) == "")
        #expect(bytes(hexadecimal: hexadecimal(all)) == all)
        #expect(bytes(hexadecimal: hexadecimal(all).uppercased()) == all)
        for text in [
            "", "0", "012", "0x12", "12 34", " 12", "12\n", "1g", "g1", "-1", "12:34", "ü1",
            "\u{FF11}\u{FF12}",
            "0\u{301}1",
        ] {
            #expect(bytes(hexadecimal: text) == nil, "\(text)")
        }
    }

    @Test("Hash functions return the values of their standards")
    func digests() {
        let abc = Array("abc".utf8)
        #expect(hexadecimal(Digest.sha1.hash(abc)) == "a9993e364706816aba3e25717850c26c9cd0d89d")
        #expect(
            hexadecimal(Digest.sha256.hash([]))
                == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(hexadecimal(Digest.sha384.hash(abc)).hasPrefix("cb00753f45a35e8bb5a03d699ac65007"))
        #expect(hexadecimal(Digest.sha512.hash(abc)).hasPrefix("ddaf35a193617abacc417349ae204131"))
        #expect(Digest.sha384.hash(abc).count == 48 && Digest.sha512.hash(abc).count == 64)
    }
}
