/// What a Cryptoki function returned, `CK_RV`.
///
/// Numbers that this library does not know, those of vendors among them, are kept as they are.
/// A value matches an error in a `catch`: `catch ReturnValue.pinIncorrect`.
public struct ReturnValue: RawRepresentable, Sendable, Hashable {
    /// The number as the module gave it.
    public let rawValue: UInt

    /// Makes a value of any number.
    ///
    /// - Parameter rawValue: A `CKR_` number, known or not.
    public init(rawValue: UInt) {
        self.rawValue = rawValue
    }

    /// Whether the number is from the range that the standard leaves to vendors.
    public var isVendorDefined: Bool { rawValue >= Self.vendorDefined.rawValue }

    /// Matches an error that carries this value.
    public static func ~= (pattern: ReturnValue, error: any Error) -> Bool {
        (error as? CryptokiError)?.returnValue == pattern
    }
}

extension ReturnValue: CustomStringConvertible {
    /// The standard's name of the value, as `CKR_PIN_INCORRECT`, or its number in hexadecimal.
    public var description: String {
        if let name = Self.names[rawValue] { return name }
        let number = "0x" + String(rawValue, radix: 16)
        return isVendorDefined ? "CKR_VENDOR_DEFINED \(number)" : "CKR \(number)"
    }
}
