/// The type of user that logs in, `CK_USER_TYPE`.
public struct UserType: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    /// The `CKU_` number.
    public let rawValue: UInt

    /// Makes a user type from any number.
    ///
    /// - Parameter rawValue: The `CKU_` number.
    public init(rawValue: UInt) {
        self.rawValue = rawValue
    }

    /// The type of user as text, for messages.
    public var description: String {
        switch self {
        case .user: "user"
        case .securityOfficer: "security officer"
        case .contextSpecific: "user, for one use of a key"
        default: "user type \(rawValue)"
        }
    }
}
