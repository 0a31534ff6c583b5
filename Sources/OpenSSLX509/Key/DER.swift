/// The subset of DER (X.690) that keys, certificates and extensions need.
package enum DER {
    /// An element with a one-byte tag.
    package static func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        [tag] + length(content.count) + content
    }

    /// A SEQUENCE of encoded elements.
    package static func sequence(_ elements: [UInt8]...) -> [UInt8] {
        element(0x30, elements.flatMap { $0 })
    }

    /// An unsigned big-endian number as an INTEGER, without leading zeros and never negative.
    package static func integer(_ bytes: [UInt8]) -> [UInt8] {
        var digits = Array(bytes.drop { $0 == 0 })
        if digits.isEmpty || digits[0] >= 0x80 { digits.insert(0, at: 0) }
        return element(0x02, digits)
    }

    /// An OCTET STRING.
    package static func octetString(_ bytes: [UInt8]) -> [UInt8] { element(0x04, bytes) }

    /// A BIT STRING of whole bytes.
    static func bitString(_ bytes: [UInt8]) -> [UInt8] { element(0x03, [0] + bytes) }

    static let null: [UInt8] = [0x05, 0x00]
    /// A BOOLEAN with the value TRUE.
    package static let booleanTrue: [UInt8] = [0x01, 0x01, 0xFF]

    /// An OBJECT IDENTIFIER from a constant of this library. Traps if the text is not valid.
    static func objectIdentifier(_ dotted: String) -> [UInt8] {
        guard let der = objectIdentifier(parsing: dotted) else {
            preconditionFailure("\(dotted) is not an object identifier")
        }
        return der
    }

    /// An OBJECT IDENTIFIER from dotted form (X.660); nil if the text is not valid or has more than
    /// 1024 characters. Numbers may exceed a machine word: those below 2.25 are UUIDs.
    static func objectIdentifier(parsing dotted: String) -> [UInt8]? {
        let arcs = dotted.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            .map { Array($0) }
        let isNumber = { (arc: [UInt8]) in
            !arc.isEmpty && arc.allSatisfy { (0x30...0x39).contains($0) }
                && (arc.count == 1 || arc[0] != 0x30)
        }
        guard dotted.utf8.count <= 1024, arcs.count >= 2, arcs.allSatisfy(isNumber),
            arcs[0].count == 1, arcs[0][0] <= 0x32,
            // The first two numbers are encoded as one, so the second is below 40 if the first is
            // 0 or 1.
            arcs[0][0] == 0x32 || arcs[1].count == 1 || (arcs[1].count == 2 && arcs[1][0] < 0x34)
        else { return nil }
        let first = base128(arcs[1], adding: Int(arcs[0][0] - 0x30) * 40)
        return element(0x06, first + arcs.dropFirst(2).flatMap { base128($0) })
    }

    /// A decimal number in groups of seven bits. The eighth bit is set in all groups except the
    /// last.
    private static func base128(_ decimal: [UInt8], adding number: Int = 0) -> [UInt8] {
        var groups: [Int] = [0]
        func multiply(by factor: Int, adding summand: Int) {
            var carry = summand
            for index in groups.indices {
                carry += groups[index] * factor
                groups[index] = carry & 0x7F
                carry >>= 7
            }
            if carry > 0 { groups.append(carry) }
        }
        for digit in decimal { multiply(by: 10, adding: Int(digit) - 0x30) }
        multiply(by: 1, adding: number)
        return groups.indices.reversed().map { UInt8(groups[$0]) | ($0 == 0 ? 0 : 0x80) }
    }

    private static func length(_ count: Int) -> [UInt8] {
        guard count >= 0x80 else { return [UInt8(count)] }
        var digits: [UInt8] = []
        var rest = count
        while rest > 0 {
            digits.insert(UInt8(rest & 0xFF), at: 0)
            rest >>= 8
        }
        return [0x80 | UInt8(digits.count)] + digits
    }

    /// An element at the beginning of a byte sequence, and the bytes after it.
    struct Element {
        let tag: UInt8
        /// The whole element, including its tag and length.
        let bytes: ArraySlice<UInt8>
        let content: ArraySlice<UInt8>
        let rest: ArraySlice<UInt8>
    }

    /// Reads the first element; nil if the bytes do not begin with one. Overlong lengths are
    /// accepted, because some certificates on tokens have them.
    static func read(_ bytes: ArraySlice<UInt8>) -> Element? {
        guard bytes.count >= 2 else { return nil }
        let tag = bytes[bytes.startIndex]
        var position = bytes.startIndex + 1
        var count = Int(bytes[position])
        position += 1
        if count >= 0x80 {
            let digits = count & 0x7F
            guard digits > 0, digits <= 4, bytes.endIndex - position >= digits else { return nil }
            count = bytes[position..<position + digits].reduce(0) { $0 << 8 | Int($1) }
            position += digits
        }
        guard bytes.endIndex - position >= count else { return nil }
        return Element(
            tag: tag, bytes: bytes[..<(position + count)],
            content: bytes[position..<position + count],
            rest: bytes[(position + count)...])
    }

    /// Returns the content of an element with this tag; nil if bytes follow the element.
    static func readWhole(_ tag: UInt8, _ bytes: [UInt8]) -> [UInt8]? {
        guard let element = read(bytes[...]), element.tag == tag, element.rest.isEmpty else {
            return nil
        }
        return Array(element.content)
    }
}
