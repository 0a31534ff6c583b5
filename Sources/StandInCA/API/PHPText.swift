/// Functions of PHP that the server applies to what a member types.
enum PHPText {
    /// Removes blanks at both ends, like `trim`.
    static func trimmed(_ text: String) -> String {
        let isBlank: (Character) -> Bool = { " \t\n\r\0\u{0B}\r\n".contains($0) }
        var slice = text.drop(while: isBlank)
        while let last = slice.last, isBlank(last) { slice = slice.dropLast() }
        return String(slice)
    }

    /// Removes one level of backslashes, like `stripslashes`: `\x` becomes `x`, `\\` becomes `\`, and
    /// a backslash at the end is lost.
    static func withoutBackslashes(_ text: String) -> String {
        let backslash = UInt8(ascii: "\\")
        var bytes: [UInt8] = []
        // Bytes, because a backslash and a combining character after it are one Character.
        var isEscaped = false
        for byte in text.utf8 {
            if byte == backslash, !isEscaped {
                isEscaped = true
            } else {
                bytes.append(byte)
                isEscaped = false
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
