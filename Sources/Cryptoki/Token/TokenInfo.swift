/// What a token says of itself, `CK_TOKEN_INFO`.
public struct TokenInfo: Sendable, Hashable {
    /// The name that was given to the token when it was set up. Not unique.
    public let label: String
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
