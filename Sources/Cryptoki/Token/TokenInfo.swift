/// Information about a token, `CK_TOKEN_INFO`.
public struct TokenInfo: Sendable, Hashable {
    /// The label that the token got when it was initialised. It need not be unique.
    public let label: String
    /// The bytes of ``label`` without padding. They need not be UTF-8.
    public let labelBytes: [UInt8]
    /// The manufacturer of the token.
    public let manufacturer: String
    /// The model of the token.
    public let model: String
    /// The serial number. Some modules report the same one for several tokens.
    public let serialNumber: String
    /// The flags of the token, including the state of its PINs.
    public let flags: TokenFlags
    /// The permitted length of a PIN in bytes.
    public let pinLengths: ClosedRange<Int>
    /// The free memory for public objects in bytes, or nil if unknown.
    public let freePublicMemory: Int?
    /// The free memory for private objects in bytes, or nil if unknown.
    public let freePrivateMemory: Int?
    /// The version of the hardware, such as `1.0`.
    public let hardwareVersion: String
    /// The version of the firmware, such as `5.4`.
    public let firmwareVersion: String
}

extension TokenInfo {
    /// Whether this is the same token as in an earlier reading: manufacturer, model and serial
    /// number are equal, and also the label if the serial number is zero or blank.
    ///
    /// Otherwise the label is not compared: OpenSC's PIV driver (0.23) takes it from a certificate
    /// on the card, so it changes when a certificate is written.
    ///
    /// - Parameter earlier: The earlier reading.
    public func isSameToken(as earlier: TokenInfo) -> Bool {
        guard manufacturer == earlier.manufacturer, model == earlier.model,
            serialNumber == earlier.serialNumber
        else { return false }
        // tpm2-pkcs11 (1.9) reports the serial number 0000000000000000 for every token.
        return serialNumber.contains { $0 != "0" && $0 != " " }
            || labelBytes == earlier.labelBytes
    }
}

/// The flags of a token, `CKF_` in `CK_TOKEN_INFO`. Unknown flags are kept.
public struct TokenFlags: OptionSet, Sendable, Hashable {
    /// The bits as the module reported them.
    public let rawValue: UInt

    /// Makes a set of flags from its bits.
    ///
    /// - Parameter rawValue: The bits.
    public init(rawValue: UInt) {
        self.rawValue = rawValue
    }
}
