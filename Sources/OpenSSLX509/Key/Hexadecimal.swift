/// Bytes in hexadecimal, lower case.
public func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(
        decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}

/// Reads hexadecimal digits, two for each byte.
///
/// - Parameter text: The digits, in either case.
/// - Returns: nil where the text is anything else, or is empty.
public func bytes(hexadecimal text: String) -> [UInt8]? {
    let digits = text.compactMap { $0.isASCII ? $0.hexDigitValue.map { UInt8($0) } : nil }
    guard !digits.isEmpty, digits.count == text.count, digits.count.isMultiple(of: 2) else {
        return nil
    }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}
