/// The few forms of DER (X.690) that keys and extensions are made of.
enum DER {
    static func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        [tag] + length(content.count) + content
    }

    static func sequence(_ elements: [UInt8]...) -> [UInt8] {
        element(0x30, elements.flatMap { $0 })
    }

    /// An unsigned big-endian number as an INTEGER: no needless zeros, never negative.
    static func integer(_ bytes: [UInt8]) -> [UInt8] {
        var digits = Array(bytes.drop { $0 == 0 })
        if digits.isEmpty || digits[0] >= 0x80 { digits.insert(0, at: 0) }
        return element(0x02, digits)
    }

    static func octetString(_ bytes: [UInt8]) -> [UInt8] { element(0x04, bytes) }

    /// A BIT STRING of whole bytes.
    static func bitString(_ bytes: [UInt8]) -> [UInt8] { element(0x03, [0] + bytes) }

    static let null: [UInt8] = [0x05, 0x00]
    static let booleanTrue: [UInt8] = [0x01, 0x01, 0xFF]

    /// An OBJECT IDENTIFIER of numbers that are written in dots.
    static func objectIdentifier(_ dotted: String) -> [UInt8] {
        let arcs = dotted.split(separator: ".").compactMap { UInt($0) }
        guard arcs.count >= 2 else { return element(0x06, []) }
        let content = ([arcs[0] * 40 + arcs[1]] + arcs.dropFirst(2)).flatMap { arc in
            var digits = [UInt8(arc & 0x7F)]
            var rest = arc >> 7
            while rest > 0 {
                digits.insert(UInt8(rest & 0x7F) | 0x80, at: 0)
                rest >>= 7
            }
            return digits
        }
        return element(0x06, content)
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

    /// One element read from the front of some bytes.
    struct Element {
        let tag: UInt8
        let content: ArraySlice<UInt8>
        let rest: ArraySlice<UInt8>
    }

    /// Reads the first element; nil where the bytes are not one.
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
            tag: tag, content: bytes[position..<position + count],
            rest: bytes[(position + count)...])
    }

    /// Reads an element of which nothing follows, and that has the tag.
    static func readWhole(_ tag: UInt8, _ bytes: [UInt8]) -> [UInt8]? {
        guard let element = read(bytes[...]), element.tag == tag, element.rest.isEmpty else {
            return nil
        }
        return Array(element.content)
    }
}
