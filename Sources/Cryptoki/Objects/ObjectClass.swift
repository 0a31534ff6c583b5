/// What kind of object it is, `CK_OBJECT_CLASS`.
public struct ObjectClass: RawRepresentable, AttributeValue, Hashable {
    /// The `CKO_` number.
    public let rawValue: UInt

    /// Makes an object class of any number.
    ///
    /// - Parameter rawValue: The `CKO_` number.
    public init(rawValue: UInt) {
        self.rawValue = rawValue
    }
}

/// What kind of key it is, `CK_KEY_TYPE`.
public struct KeyType: RawRepresentable, AttributeValue, Hashable {
    /// The `CKK_` number.
    public let rawValue: UInt

    /// Makes a key type of any number.
    ///
    /// - Parameter rawValue: The `CKK_` number.
    public init(rawValue: UInt) {
        self.rawValue = rawValue
    }
}

/// What kind of certificate it is, `CK_CERTIFICATE_TYPE`.
public struct CertificateType: RawRepresentable, AttributeValue, Hashable {
    /// The `CKC_` number.
    public let rawValue: UInt

    /// Makes a certificate type of any number.
    ///
    /// - Parameter rawValue: The `CKC_` number.
    public init(rawValue: UInt) {
        self.rawValue = rawValue
    }
}

/// An object as a module names it to one application, `CK_OBJECT_HANDLE`.
///
/// A handle holds as long as its module says: a logout or the end of the session may end it.
public struct ObjectHandle: RawRepresentable, Sendable, Hashable {
    /// The number.
    public let rawValue: UInt

    /// Makes a handle of a number that a module gave.
    ///
    /// - Parameter rawValue: The number.
    public init(rawValue: UInt) {
        self.rawValue = rawValue
    }
}
