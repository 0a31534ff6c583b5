/// What a token says of itself, `CK_TOKEN_INFO`.
public struct TokenInfo: Sendable, Hashable {
    /// The name that was given to the token when it was set up. Not unique.
    public let label: String
    /// The bytes of ``label`` without their padding, which need not be UTF-8.
    public let labelBytes: [UInt8]
    /// Who made the token.
    public let manufacturer: String
    /// What kind of token it is.
    public let model: String
    /// The serial number. Some modules give several tokens the same.
    public let serialNumber: String
    /// What the token tells about itself, its PINs among it.
    public let flags: TokenFlags
    /// How long a PIN may be, in bytes.
    public let pinLengths: ClosedRange<Int>
    /// The bytes that are free for public objects, or nil where the token does not tell.
    public let freePublicMemory: Int?
    /// The bytes that are free for private objects, or nil where the token does not tell.
    public let freePrivateMemory: Int?
    /// The version of the hardware, as `1.0`.
    public let hardwareVersion: String
    /// The version of the firmware, as `5.4`.
    public let firmwareVersion: String
}

extension TokenInfo {
    /// Whether this is the same token as in an earlier reading: by manufacturer, model and serial
    /// number, and by label if the serial number identifies nothing.
    ///
    /// The label is not compared otherwise: OpenSC's PIV driver (0.23) takes it from a certificate
    /// on the card, so it changes when one is written.
    ///
    /// - Parameter earlier: The earlier reading.
    public func isSameToken(as earlier: TokenInfo) -> Bool {
        guard manufacturer == earlier.manufacturer, model == earlier.model,
            serialNumber == earlier.serialNumber
        else { return false }
        // tpm2-pkcs11 (1.9) gives every token the serial number 0000000000000000.
        return serialNumber.contains { $0 != "0" && $0 != " " }
            || labelBytes == earlier.labelBytes
    }
}

/// The flags of a token, `CKF_` in `CK_TOKEN_INFO`. Unknown ones are kept.
public struct TokenFlags: OptionSet, Sendable, Hashable {
    /// The bits as the module gave them.
    public let rawValue: UInt

    /// Makes a set of flags of its bits.
    ///
    /// - Parameter rawValue: The bits.
    public init(rawValue: UInt) {
        self.rawValue = rawValue
    }
}
