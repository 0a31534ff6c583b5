/// The class of an object, `CK_OBJECT_CLASS`.
public struct ObjectClass: RawRepresentable, AttributeValue, Hashable {
    /// The `CKO_` number.
    public let rawValue: UInt

    /// Makes an object class from any number.
    ///
    /// - Parameter rawValue: The `CKO_` number.
    public init(rawValue: UInt) {
        self.rawValue = rawValue
    }
}

/// The type of a key, `CK_KEY_TYPE`.
public struct KeyType: RawRepresentable, AttributeValue, Hashable {
    /// The `CKK_` number.
    public let rawValue: UInt

    /// Makes a key type from any number.
    ///
    /// - Parameter rawValue: The `CKK_` number.
    public init(rawValue: UInt) {
        self.rawValue = rawValue
    }
}

/// The type of a certificate, `CK_CERTIFICATE_TYPE`.
public struct CertificateType: RawRepresentable, AttributeValue, Hashable {
    /// The `CKC_` number.
    public let rawValue: UInt

    /// Makes a certificate type from any number.
    ///
    /// - Parameter rawValue: The `CKC_` number.
    public init(rawValue: UInt) {
        self.rawValue = rawValue
    }
}

/// A handle for an object in one application, `CK_OBJECT_HANDLE`.
///
/// A logout or the end of the session may invalidate a handle.
public struct ObjectHandle: RawRepresentable, Sendable, Hashable {
    /// The number.
    public let rawValue: UInt

    /// Makes a handle from a number that a module returned.
    ///
    /// - Parameter rawValue: The number.
    public init(rawValue: UInt) {
        self.rawValue = rawValue
    }
}
