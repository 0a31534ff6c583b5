/// Text that CAcert's server has escaped: byte by byte, as if it were ISO-8859-1, in any encoding.
enum HTMLText {
    /// Replaces entities by bytes, and decodes the result as UTF-8, or as ISO-8859-1 if it is not
    /// valid UTF-8.
    static func decode(_ escaped: ArraySlice<UInt8>) -> String {
        text(unescape(escaped))
    }

    /// Decodes bytes as UTF-8, or as ISO-8859-1 if they are not valid UTF-8.
    static func text(_ bytes: [UInt8]) -> String {
        String(validating: bytes, as: UTF8.self)
            ?? String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
    }

    /// The number of bytes of a message that are shown.
    private static let maximum = 4096

    /// Converts an HTML message to plain text. Tags are removed, and a link is followed by its
    /// address, with `//` completed to `https://`. Only the first 4096 bytes are used.
    static func plainText(_ markup: ArraySlice<UInt8>) -> String {
        var text: [UInt8] = []
        var address: String?
        var rest = beginning(of: markup)
        // Searched only once: otherwise each `<` without `>` takes a search to the end of the
        // message.
        let lastEnd = rest.lastIndex(of: UInt8(ascii: ">")) ?? rest.startIndex
        while let character = rest.first {
            guard character == UInt8(ascii: "<"), rest.startIndex < lastEnd,
                let end = rest.firstIndex(of: UInt8(ascii: ">"))
            else {
                text.append(character)
                rest = rest.dropFirst()
                continue
            }
            let tag = decode(rest[rest.startIndex + 1..<end])
            rest = rest[(end + 1)...]
            var name = tag.prefix { $0.isLetter || $0.isNumber || $0 == "/" }.lowercased()
            if name.count > 1, name.hasSuffix("/") { name.removeLast() }
            switch name {
            case "a": address = link(in: tag)
            case "/a":
                if let address, !address.isEmpty { text.append(contentsOf: " (\(address))".utf8) }
                address = nil
            case "br", "p", "/p", "div", "/div", "tr", "/tr", "li", "/li", "h1", "/h1", "h2", "/h2",
                "h3", "/h3":
                text.append(UInt8(ascii: " "))
            default: break
            }
        }
        let decoded = decode(text[...])
        // Text from the network must not control the user's terminal.
        let printable = decoded.unicodeScalars.map { isPrintable($0) ? $0 : " " }
        return String(String.UnicodeScalarView(printable)).split(whereSeparator: \.isWhitespace)
            .joined(separator: " ")
    }

    /// The part of a message that is shown. It does not end inside a UTF-8 character.
    private static func beginning(of markup: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard markup.count > maximum else { return markup }
        var end = markup.startIndex + maximum
        for _ in 0..<3 where markup[end] & 0xC0 == 0x80 { end -= 1 }
        return markup[..<end]
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        // Persian and Indic languages use these two.
        if scalar == "\u{200C}" || scalar == "\u{200D}" { return true }
        return switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned: false
        default: true
        }
    }

    private static func link(in tag: String) -> String? {
        guard let start = tag.firstRange(of: "href=") else { return nil }
        let value = tag[start.upperBound...]
        guard let quote = value.first else { return nil }
        let isQuoted = quote == "'" || quote == "\""
        let address =
            isQuoted
            ? value.dropFirst().prefix { $0 != quote } : value.prefix { !$0.isWhitespace }
        return address.hasPrefix("//") ? "https:" + address : String(address)
    }

    static func unescape(_ escaped: ArraySlice<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = escaped
        while let character = rest.first {
            if character == UInt8(ascii: "&"),
                let end = rest.prefix(12).firstIndex(of: UInt8(ascii: ";")),
                let value = entity(rest[rest.startIndex + 1..<end])
            {
                bytes.append(contentsOf: value)
                rest = rest[(end + 1)...]
            } else {
                bytes.append(character)
                rest = rest.dropFirst()
            }
        }
        return bytes
    }

    /// The bytes of an entity; nil if the name is not that of an entity.
    private static func entity(_ name: ArraySlice<UInt8>) -> [UInt8]? {
        let name = String(decoding: name, as: UTF8.self)
        guard name.hasPrefix("#") else { return named[name].map { [$0] } }
        let isHexadecimal = name.dropFirst().lowercased().hasPrefix("x")
        let digits = name.dropFirst(isHexadecimal ? 2 : 1)
        // UInt32 accepts a sign.
        guard digits.allSatisfy(\.isHexDigit),
            let number = UInt32(digits, radix: isHexadecimal ? 16 : 10),
            let scalar = Unicode.Scalar(number)
        else { return nil }
        // The server escapes bytes, so a number below 256 is a byte. Others are characters.
        return number < 256 ? [UInt8(number)] : Array(String(Character(scalar)).utf8)
    }

    private static let named: [String: UInt8] = {
        var table: [String: UInt8] = ["quot": 34, "amp": 38, "apos": 39, "lt": 60, "gt": 62]
        for (offset, name) in latin1.split(separator: " ").enumerated() {
            table[String(name)] = UInt8(160 + offset)
        }
        return table
    }()

    /// The names of the characters 160 to 255 (HTML 4.01, section 24.2.1), in their order.
    private static let latin1 = """
        nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr \
        deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 \
        iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave \
        Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute \
        Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave \
        eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml \
        divide oslash ugrave uacute ucirc uuml yacute thorn yuml
        """
}
