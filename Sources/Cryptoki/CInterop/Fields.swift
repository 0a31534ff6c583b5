internal import CTokencertP11Kit

/// Reads a text field of fixed length that is padded with spaces. A NUL also ends the text, since
/// some modules pad with NULs.
func paddedText<Field>(_ field: Field) -> String {
    String(decoding: paddedBytes(field), as: UTF8.self)
}

/// The bytes of a text field without the padding.
func paddedBytes<Field>(_ field: Field) -> [UInt8] {
    unsafe withUnsafeBytes(of: field) { bytes in
        var end = bytes.count
        if let firstZero = unsafe bytes.firstIndex(of: 0) { end = firstZero }
        while end > 0, unsafe bytes[end - 1] == 0x20 { end -= 1 }
        return unsafe [UInt8](bytes.prefix(end))
    }
}

/// A version as text, such as `2.40`.
func versionText(_ version: CK_VERSION) -> String { "\(version.major).\(version.minor)" }

/// A number from a token's information, or nil if it is unavailable.
func knownNumber(_ number: CK_ULONG) -> Int? {
    number == tokencert_ck_unavailable_information() ? nil : Int(exactly: number)
}
