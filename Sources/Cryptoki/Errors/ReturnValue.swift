/// The return value of a Cryptoki function, `CK_RV`.
///
/// Unknown and vendor-defined numbers are kept unchanged. To catch an error by its return value,
/// write `catch ReturnValue.pinIncorrect`.
public struct ReturnValue: RawRepresentable, Sendable, Hashable {
    /// The number that the module returned.
    public let rawValue: UInt

    /// Makes a return value from any number.
    ///
    /// - Parameter rawValue: A `CKR_` number, known or not.
    public init(rawValue: UInt) {
        self.rawValue = rawValue
    }

    /// Whether the number is in the range that the standard reserves for vendors.
    public var isVendorDefined: Bool { rawValue >= Self.vendorDefined.rawValue }

    /// Matches a ``CryptokiError`` with this return value.
    public static func ~= (pattern: ReturnValue, error: any Error) -> Bool {
        (error as? CryptokiError)?.returnValue == pattern
    }
}

extension ReturnValue: CustomStringConvertible {
    /// The name in the standard, such as `CKR_PIN_INCORRECT`, or the number in hexadecimal.
    public var description: String {
        if let standardName { return standardName }
        let number = "0x" + String(rawValue, radix: 16)
        return isVendorDefined ? "CKR_VENDOR_DEFINED \(number)" : "CKR \(number)"
    }
}
