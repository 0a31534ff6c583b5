/// Writes bytes as lower-case hexadecimal, two digits for each byte.
///
/// - Parameter bytes: The bytes.
public func hexadecimal(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count * 2)
    for byte in bytes {
        text.append(digit(byte >> 4))
        text.append(digit(byte & 15))
    }
    return String(decoding: text, as: UTF8.self)
}

/// The ASCII digit of a number below 16.
private func digit(_ value: UInt8) -> UInt8 {
    value + (value < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10)
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
