/// Writes bytes as lower-case hexadecimal, two digits for each byte.
///
/// - Parameter bytes: The bytes.
public func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(
        decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}

/// Reads hexadecimal text, two digits for each byte.
///
/// - Parameter text: The digits, in either case.
/// - Returns: The bytes; nil if the text is empty or not hexadecimal.
public func bytes(hexadecimal text: String) -> [UInt8]? {
    let digits = text.compactMap { $0.isASCII ? $0.hexDigitValue.map { UInt8($0) } : nil }
    guard !digits.isEmpty, digits.count == text.count, digits.count.isMultiple(of: 2) else {
        return nil
    }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}
