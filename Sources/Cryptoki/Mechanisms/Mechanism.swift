/// Which mechanism is meant, `CK_MECHANISM_TYPE`.
public struct MechanismType: RawRepresentable, Sendable, Hashable {
    /// The `CKM_` number.
    public let rawValue: UInt

    /// Makes a mechanism type of any number.
    ///
    /// - Parameter rawValue: The `CKM_` number.
    public init(rawValue: UInt) {
        self.rawValue = rawValue
    }
}

extension MechanismType: CustomStringConvertible {
    /// The standard's name, as `CKM_ECDSA`, or the number in hexadecimal.
    public var description: String {
        Self.names[rawValue] ?? "CKM 0x" + String(rawValue, radix: 16)
    }
}

/// A mechanism with its parameter, `CK_MECHANISM`.
public struct Mechanism: Sendable, Hashable {
    /// Which mechanism.
    public let type: MechanismType
    /// The parameter's bytes as the mechanism's section of the standard lays them out, or none.
    public let parameter: [UInt8]

    /// Makes a mechanism.
    ///
    /// - Parameters:
    ///   - type: Which mechanism.
    ///   - parameter: The bytes of the parameter; most mechanisms that sign have none.
    public init(_ type: MechanismType, parameter: [UInt8] = []) {
        self.type = type
        self.parameter = parameter
    }
}

/// What a token can do with a mechanism, `CK_MECHANISM_INFO`.
public struct MechanismInfo: Sendable, Hashable {
    /// The smallest and the largest key, in bits for RSA and curves as nearly every module has it;
    /// nil where the token gives no range that makes sense.
    public let keySizes: ClosedRange<Int>?
    /// Whether it makes key pairs, `CKF_GENERATE_KEY_PAIR`.
    public let generatesKeyPairs: Bool
    /// Whether it signs, `CKF_SIGN`.
    public let signs: Bool
    /// Whether it decrypts, `CKF_DECRYPT`.
    public let decrypts: Bool
    /// Whether the token itself works it out, `CKF_HW`.
    public let isHardware: Bool
}
