/// The type of a mechanism, `CK_MECHANISM_TYPE`.
public struct MechanismType: RawRepresentable, Sendable, Hashable {
    /// The `CKM_` number.
    public let rawValue: UInt

    /// Makes a mechanism type from any number.
    ///
    /// - Parameter rawValue: The `CKM_` number.
    public init(rawValue: UInt) {
        self.rawValue = rawValue
    }
}

extension MechanismType: CustomStringConvertible {
    /// The name in the standard, such as `CKM_ECDSA`, or the number in hexadecimal.
    public var description: String {
        standardName ?? "CKM 0x" + String(rawValue, radix: 16)
    }
}

/// A mechanism with its parameter, `CK_MECHANISM`.
public struct Mechanism: Sendable, Hashable {
    /// The type of the mechanism.
    public let type: MechanismType
    /// The bytes of the parameter, laid out as the standard requires for the mechanism, or empty.
    public let parameter: [UInt8]

    /// Makes a mechanism.
    ///
    /// - Parameters:
    ///   - type: The type of the mechanism.
    ///   - parameter: The bytes of the parameter; most signature mechanisms have none.
    public init(_ type: MechanismType, parameter: [UInt8] = []) {
        self.type = type
        self.parameter = parameter
    }
}

/// What a token can do with a mechanism, `CK_MECHANISM_INFO`.
public struct MechanismInfo: Sendable, Hashable {
    /// The smallest and the largest key size, in bits for RSA and curves with nearly every module;
    /// nil if the token reports no valid range.
    public let keySizes: ClosedRange<Int>?
    /// Whether the mechanism generates key pairs, `CKF_GENERATE_KEY_PAIR`.
    public let generatesKeyPairs: Bool
    /// Whether the mechanism signs, `CKF_SIGN`.
    public let signs: Bool
    /// Whether the mechanism decrypts, `CKF_DECRYPT`.
    public let decrypts: Bool
    /// Whether the device performs the mechanism, `CKF_HW`.
    public let isHardware: Bool
}
