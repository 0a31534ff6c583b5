internal import CTokencertP11Kit

/// Reads a field of fixed length that is padded with spaces, as Cryptoki has them for text. NULs,
/// which some modules pad with, end it too.
func paddedText<Field>(_ field: Field) -> String {
    String(decoding: paddedBytes(field), as: UTF8.self)
}

/// The bytes of such a field without the padding.
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

/// A number of a token's memory or sessions; nil where the token does not tell.
func knownNumber(_ number: CK_ULONG) -> Int? {
    number == tokencert_ck_unavailable_information() ? nil : Int(exactly: number)
}
