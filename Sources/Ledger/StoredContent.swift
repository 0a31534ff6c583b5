internal import FoundationEssentials

/// The contents of an event as the ledger stores them.
///
/// They are the event's JSON with two changes, so that each order has a certificate or a request only
/// once. A long text that an earlier event of the order has is a reference to it, such as
/// `{"count":1190,"event":5,"start":47}`: 1190 bytes of the stored contents of event 5, from byte 47, are
/// the text between the quotation marks. An answer of the CA that is UTF-8 is stored as
/// `{"text":"200,..."}` instead of in base64.
///
/// A name, a colon and `{` follow a quotation mark that is not escaped, so no text contains them.
package struct StoredContent {
    /// The event's position in the ledger.
    let sequence: Int64
    /// JSON in UTF-8, as stored.
    let bytes: [UInt8]

    package init(sequence: Int64, text: String) {
        self.sequence = sequence
        bytes = Array(text.utf8)
    }

    /// Shorter texts, in bytes, are stored again, since a reference to them would save little.
    private static let shortest = 100
    private static let body = Array(#""body":"#.utf8)
    private static let text = Array(#"{"text":"#.utf8)
    private static let count = Array(#"{"count":"#.utf8)
    private static let event = Array(#","event":"#.utf8)
    private static let start = Array(#","start":"#.utf8)
    /// The names of the properties that may be references, each once in an event.
    private static let properties = ["certificate", "others", "request", "uri"].map {
        Array("\"\($0)\":".utf8)
    }

    // MARK: Writing

    /// Whether events of a kind may have texts of earlier ones.
    static func mayRepeat(_ event: OrderEvent) -> Bool {
        switch event {
        case .sending, .certified, .chainWritten, .requested, .written, .proved, .retiring,
            .retired:
            true
        case .begun, .made, .found, .signed, .notSent, .answered, .fetched, .refused, .unclear,
            .stopped, .closed, .revoked:
            false
        }
    }

    /// The JSON of an event as it is stored, after the earlier events of the order, oldest first,
    /// whose texts it may repeat.
    package static func shortened(_ json: String, after earlier: [StoredContent]) -> String {
        var bytes = Array(json.utf8)
        if let answer = withText(bytes) { bytes = answer }
        for property in properties {
            guard let key = bytes.range(of: property),
                let end = endOfLiteral(bytes[key.upperBound...])
            else { continue }
            let repeated = bytes[key.upperBound..<end].dropFirst().dropLast()
            guard repeated.count >= shortest else { continue }
            let found = earlier.lazy.compactMap { other in
                other.bytes.range(of: Array(repeated)).map { (other.sequence, $0.lowerBound) }
            }.first
            guard let (event, start) = found else { continue }
            let reference = "{\"count\":\(repeated.count),\"event\":\(event),\"start\":\(start)}"
            bytes.replaceSubrange(key.upperBound..<end, with: reference.utf8)
        }
        let stored = String(decoding: bytes, as: UTF8.self)
        // What cannot be read again exactly is stored as it is.
        return whole(stored, after: earlier)?.utf8.elementsEqual(json.utf8) == true ? stored : json
    }

    /// JSON whose `body` is text instead of base64; nil if it has none, if it is not UTF-8, or if the text
    /// is longer.
    private static func withText(_ bytes: [UInt8]) -> [UInt8]? {
        guard let key = bytes.range(of: body), let end = endOfLiteral(bytes[key.upperBound...]),
            let data = Data(
                base64Encoded: Data(bytes[key.upperBound..<end].dropFirst().dropLast())),
            let text = String(validating: data, as: UTF8.self)
        else { return nil }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        guard let literal = try? encoder.encode(text) else { return nil }
        let stored = Self.text + literal + [UInt8(ascii: "}")]
        guard stored.count < end - key.upperBound else { return nil }
        return bytes[..<key.upperBound] + stored + bytes[end...]
    }

    // MARK: Reading

    /// The JSON of an event, after the earlier events of the order; nil if it refers to something
    /// that does not exist, as in a damaged ledger.
    package static func whole(_ stored: String, after earlier: [StoredContent]) -> String? {
        // Most events have neither.
        guard stored.utf8.dropFirst().contains(UInt8(ascii: "{")) else { return stored }
        var bytes = Array(stored.utf8)
        for property in properties {
            guard let found = bytes.range(of: property + count) else { continue }
            var rest = bytes[found.upperBound...]
            guard let count = number(&rest), skip(event, &rest), let sequence = number(&rest),
                skip(start, &rest), let start = number(&rest), rest.first == UInt8(ascii: "}"),
                let other = earlier.first(where: { $0.sequence == Int64(sequence) }),
                start <= other.bytes.count, count <= other.bytes.count - start
            else { return nil }
            let text = other.bytes[start..<start + count]
            guard !text.contains(UInt8(ascii: "\"")) else { return nil }
            let literal = [UInt8(ascii: "\"")] + text + [UInt8(ascii: "\"")]
            bytes.replaceSubrange(
                found.lowerBound + property.count...rest.startIndex, with: literal)
        }
        if let key = bytes.range(of: body + text) {
            let rest = bytes[key.upperBound...]
            guard let end = endOfLiteral(rest), rest[end...].first == UInt8(ascii: "}"),
                let text = try? JSONDecoder().decode(
                    String.self, from: Data(rest[rest.startIndex..<end]))
            else { return nil }
            let literal = "\"" + Data(text.utf8).base64EncodedString() + "\""
            bytes.replaceSubrange(key.lowerBound + body.count...end, with: literal.utf8)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The position after the string literal with which JSON begins, or nil.
    private static func endOfLiteral(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard bytes.first == UInt8(ascii: "\"") else { return nil }
        var index = bytes.startIndex + 1
        while index < bytes.endIndex {
            switch bytes[index] {
            case UInt8(ascii: "\\"): index += 2
            case UInt8(ascii: "\""): return index + 1
            default: index += 1
            }
        }
        return nil
    }

    /// Takes a number in decimal digits from the beginning of bytes.
    private static func number(_ bytes: inout ArraySlice<UInt8>) -> Int? {
        let digits = bytes.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        bytes = bytes.dropFirst(digits.count)
        return Int(String(decoding: digits, as: UTF8.self))
    }

    private static func skip(_ text: [UInt8], _ bytes: inout ArraySlice<UInt8>) -> Bool {
        guard bytes.starts(with: text) else { return false }
        bytes = bytes.dropFirst(text.count)
        return true
    }
}

extension RandomAccessCollection<UInt8> where Index == Int {
    /// The first place with some bytes.
    fileprivate func range(of searched: [UInt8]) -> Range<Int>? {
        guard let first = searched.first else { return nil }
        var rest = self[...]
        while let start = rest.firstIndex(of: first) {
            rest = rest[start...]
            if rest.starts(with: searched) { return start..<start + searched.count }
            rest = rest.dropFirst()
        }
        return nil
    }
}
