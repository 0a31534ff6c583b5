/// Which attribute of an object is meant, `CK_ATTRIBUTE_TYPE`, whatever the type of its value.
public struct AttributeType: RawRepresentable, Sendable, Hashable {
    /// The `CKA_` number.
    public let rawValue: UInt

    /// Makes an attribute type of any number, a vendor's among them.
    ///
    /// - Parameter rawValue: The `CKA_` number.
    public init(rawValue: UInt) {
        self.rawValue = rawValue
    }
}

extension AttributeType: CustomStringConvertible {
    /// The standard's name, as `CKA_LABEL`, or the number in hexadecimal.
    public var description: String {
        Self.names[rawValue] ?? "CKA 0x" + String(rawValue, radix: 16)
    }

    /// Finds an attribute by the standard's name.
    ///
    /// - Parameter name: As `CKA_LABEL`.
    public init?(name: String) {
        guard let number = Self.names.first(where: { $0.value == name })?.key else { return nil }
        self.init(rawValue: number)
    }
}

/// Which attribute of an object is meant, with the type of its value.
///
/// The type of the value is part of the key, so that `template[.token] = true` compiles and
/// `template[.token] = "yes"` does not.
public struct AttributeKey<Value: AttributeValue>: Sendable, Hashable {
    /// The attribute without the type of its value.
    public let type: AttributeType

    /// Makes a key for an attribute that this library has no name for.
    ///
    /// - Parameter rawValue: The `CKA_` number.
    public init(rawValue: UInt) {
        type = AttributeType(rawValue: rawValue)
    }
}
