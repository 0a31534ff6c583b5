/// The type of an attribute, `CK_ATTRIBUTE_TYPE`, without the type of its value.
public struct AttributeType: RawRepresentable, Sendable, Hashable {
    /// The `CKA_` number.
    public let rawValue: UInt

    /// Makes an attribute type from any number, including vendor-defined ones.
    ///
    /// - Parameter rawValue: The `CKA_` number.
    public init(rawValue: UInt) {
        self.rawValue = rawValue
    }
}

extension AttributeType: CustomStringConvertible {
    /// The name in the standard, such as `CKA_LABEL`, or the number in hexadecimal.
    public var description: String {
        standardName ?? "CKA 0x" + String(rawValue, radix: 16)
    }
}

/// The type of an attribute, with the Swift type of its value.
///
/// Since the key includes the type of the value, `template[.token] = true` compiles and
/// `template[.token] = "yes"` does not.
public struct AttributeKey<Value: AttributeValue>: Sendable, Hashable {
    /// The attribute type without the Swift type of its value.
    public let type: AttributeType

    /// Makes a key for an attribute that this library does not name.
    ///
    /// - Parameter rawValue: The `CKA_` number.
    public init(rawValue: UInt) {
        type = AttributeType(rawValue: rawValue)
    }
}
