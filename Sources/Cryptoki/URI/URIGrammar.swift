/// A PKCS#11 URI according to RFC 7512, section 2.3: its attributes with their decoded values.
///
/// p11-kit's parser can select more than the text says (it drops white space, for example), so the
/// grammar is checked first. Unlike the RFC, it rejects empty values and unknown attributes, and
/// accepts unescaped characters that have no special meaning.
struct URIGrammar {
    /// The attributes of path and query by name, values decoded. Each name occurs once.
    let values: [String: [UInt8]]

    /// Throws ``CryptokiError/Code/invalidURI``. Its context gives the position of the error,
    /// counted from 1, and contains no value, which might be a PIN.
    init(_ text: String) throws(CryptokiError) {
        let characters = Array(text.unicodeScalars)
        if let position = characters.firstIndex(where: \.isBlankOrControl) {
            throw Self.blank(characters[position], position)
        }
        guard text.lowercased().hasPrefix(Self.scheme) else {
            throw Self.error("it does not begin with \"\(Self.scheme)\"")
        }
        let start = Self.scheme.count
        let mark = characters.firstIndex(of: "?") ?? characters.count
        var values: [String: [UInt8]] = [:]
        try Self.read(
            characters, start..<mark, separator: ";", of: Self.pathAttributes, into: &values)
        if mark < characters.count {
            try Self.read(
                characters, mark + 1..<characters.count, separator: "&", of: Self.queryAttributes,
                into: &values)
        }
        if values["pin-source"] != nil, values["pin-value"] != nil {
            throw Self.error("it has both pin-source and pin-value")
        }
        self.values = values
    }

    private static let scheme = "pkcs11:"

    /// The form of an attribute's value.
    private enum Form {
        /// A field of at most this many bytes, which may be padded with NUL.
        case field(Int)
        /// UTF-8 without NUL.
        case text
        /// Bytes without NUL: a token may have a PIN that is not UTF-8.
        case pin
        /// Any bytes.
        case bytes
        case objectType
        case version
        case number
    }

    private static let pathAttributes: [String: Form] = [
        // The fields of CK_INFO, CK_SLOT_INFO and CK_TOKEN_INFO have these sizes.
        "token": .field(32), "manufacturer": .field(32), "model": .field(16), "serial": .field(16),
        "library-manufacturer": .field(32), "library-description": .field(32),
        "library-version": .version, "slot-description": .field(64),
        "slot-manufacturer": .field(32), "slot-id": .number,
        "object": .bytes, "id": .bytes, "type": .objectType,
    ]

    private static let queryAttributes: [String: Form] = [
        "pin-source": .text, "pin-value": .pin, "module-name": .text,
        "module-path": .text,
    ]

    private static let objectTypes = ["public", "private", "cert", "secret-key", "data"]

    // MARK: Segments

    private static func read(
        _ characters: [Unicode.Scalar], _ range: Range<Int>, separator: Unicode.Scalar,
        of known: [String: Form], into values: inout [String: [UInt8]]
    ) throws(CryptokiError) {
        guard !range.isEmpty else {
            // "pkcs11:" is valid and matches everything; a "?" at the end is an error.
            if separator == ";" { return }
            throw error("nothing follows the \"?\"", at: range.lowerBound - 1)
        }
        var begin = range.lowerBound
        while true {
            let end =
                characters[begin..<range.upperBound].firstIndex(of: separator)
                ?? range.upperBound
            guard begin < end else {
                throw error("an attribute is missing before or after \"\(separator)\"", at: begin)
            }
            try readSegment(characters, begin..<end, separator, known, &values)
            guard end < range.upperBound else { return }
            begin = end + 1
        }
    }

    private static func readSegment(
        _ characters: [Unicode.Scalar], _ segment: Range<Int>, _ separator: Unicode.Scalar,
        _ known: [String: Form], _ values: inout [String: [UInt8]]
    ) throws(CryptokiError) {
        guard let equals = characters[segment].firstIndex(of: "=") else {
            throw error("an attribute has no \"=\"", at: segment.lowerBound)
        }
        let name = String(String.UnicodeScalarView(characters[segment.lowerBound..<equals]))
        guard let form = known[name] else {
            throw unknown(name, in: separator, at: segment.lowerBound)
        }
        guard values[name] == nil else {
            throw error("the attribute \"\(name)\" occurs twice", at: segment.lowerBound)
        }
        let value = try decode(
            characters, equals + 1..<segment.upperBound, isQuery: separator == "&")
        guard !value.isEmpty else {
            throw error("the attribute \"\(name)\" has no value", at: equals)
        }
        try check(value, form, name, at: equals + 1)
        values[name] = value
    }

    private static func decode(
        _ characters: [Unicode.Scalar], _ range: Range<Int>, isQuery: Bool
    ) throws(CryptokiError) -> [UInt8] {
        var bytes: [UInt8] = []
        var index = range.lowerBound
        while index < range.upperBound {
            let character = characters[index]
            switch character {
            case "%":
                let digits = characters[index..<range.upperBound].dropFirst().prefix(2)
                let numbers = digits.compactMap {
                    Character($0).isASCII ? Character($0).hexDigitValue : nil
                }
                guard numbers.count == 2 else {
                    throw error("two hexadecimal digits must follow \"%\"", at: index)
                }
                bytes.append(UInt8(numbers[0] << 4 | numbers[1]))
                index += 3
                continue
            case "#":
                throw error("\"#\" must be written as %23", at: index)
            case ";" where isQuery:
                // A path attribute after the "?", or an unescaped character of a value.
                throw error(
                    "\";\" separates path attributes, which must come before the \"?\"; "
                        + "in a value, write it as %3B", at: index)
            default:
                bytes += String(Character(character)).utf8
            }
            index += 1
        }
        return bytes
    }

    // MARK: Values

    private static func check(
        _ value: [UInt8], _ form: Form, _ name: String, at position: Int
    ) throws(CryptokiError) {
        let problem: String? =
            switch form {
            case .bytes: nil
            case .field(let limit): fieldProblem(value, limit)
            case .pin: value.contains(0) ? "has a NUL byte" : nil
            case .text: textProblem(value)
            case .objectType:
                objectTypes.contains(String(decoding: value, as: UTF8.self))
                    ? nil : "is not one of \(objectTypes.joined(separator: ", "))"
            case .version: isVersion(value) ? nil : "is not a version such as 2.40"
            case .number:
                isDecimal(value[...], most: UInt64(Int64.max)) ? nil : "is not a slot number"
            }
        if let problem { throw error("the value of \"\(name)\" \(problem)", at: position) }
    }

    private static func fieldProblem(_ value: [UInt8], _ limit: Int) -> String? {
        // p11-kit treats a field that begins with NUL as absent.
        if value.first == 0 { return "begins with a NUL byte" }
        return value.count > limit ? "has more than \(limit) bytes" : nil
    }

    private static func textProblem(_ value: [UInt8]) -> String? {
        if value.contains(0) { return "has a NUL byte" }
        return String(validating: value, as: UTF8.self) == nil ? "is not UTF-8" : nil
    }

    private static func isVersion(_ value: [UInt8]) -> Bool {
        let parts = value.split(
            separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        return parts.allSatisfy { isDecimal($0, most: 255) }
    }

    private static func isDecimal(_ digits: ArraySlice<UInt8>, most: UInt64) -> Bool {
        guard digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let number = UInt64(String(decoding: digits, as: UTF8.self))
        else { return false }
        return number <= most
    }

    // MARK: Errors

    private static func error(_ problem: String, at position: Int? = nil) -> CryptokiError {
        let place = position.map { " (character \($0 + 1))" } ?? ""
        return CryptokiError(
            .invalidURI, function: "p11_kit_uri_parse", context: problem + place)
    }

    private static func blank(_ character: Unicode.Scalar, _ position: Int) -> CryptokiError {
        let escape = String(Character(character)).utf8.map {
            "%" + ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true)
        }.joined()
        let isSpace = character == " "
        return error(
            "\(isSpace ? "a space" : "white space or a control character") must be written as "
                + "\(escape)", at: position)
    }

    private static func unknown(
        _ name: String, in separator: Unicode.Scalar, at position: Int
    ) -> CryptokiError {
        if separator == "&", pathAttributes[name] != nil {
            return error(
                "\"\(name)\" is a path attribute and must come before the \"?\", after a \";\"",
                at: position)
        }
        if separator == ";", queryAttributes[name] != nil {
            return error(
                "\"\(name)\" is a query attribute and must come after the \"?\"", at: position)
        }
        // A text that does not look like a name may be a secret in the wrong place.
        let isName =
            name.first?.isLetter == true && name.count <= 32
            && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
        return error(
            isName ? "the attribute \"\(name)\" is unknown" : "an attribute is unknown",
            at: position)
    }
}

extension Unicode.Scalar {
    fileprivate var isBlankOrControl: Bool {
        // Properties are slow to look up.
        if isASCII { return value <= 0x20 || value == 0x7F }
        return properties.isWhitespace || properties.generalCategory == .control
            || properties.generalCategory == .format
    }
}
