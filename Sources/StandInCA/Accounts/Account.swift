/// A member's account in the accounts file.
package struct Account: Codable, Sendable, Hashable {
    /// The member's primary address.
    package var username: String
    /// The password, unencrypted because this CA is only for tests.
    package var password: String
    /// Assurance points. 50 allow a real name and a validity of two years, 100 allow code signing.
    package var points: Int
    /// Whether the account is enabled for code signing.
    package var codeSigning: Bool
    /// The verified addresses.
    package var emails: [String]
    package var name: Name

    /// The parts of a member's name. An empty part counts as absent.
    package struct Name: Codable, Sendable, Hashable {
        package var first: String
        package var middle: String?
        package var last: String
        /// A suffix such as `Jr.`.
        package var suffix: String?

        package init(first: String, middle: String? = nil, last: String, suffix: String? = nil) {
            self.first = first
            self.middle = middle
            self.last = last
            self.suffix = suffix
        }
    }

    package init(
        username: String, password: String, points: Int, codeSigning: Bool, emails: [String],
        name: Name
    ) {
        self.username = username
        self.password = password
        self.points = points
        self.codeSigning = codeSigning
        self.emails = emails
        self.name = name
    }

    /// The name that is allowed for every account.
    static let anonymousName = "CAcert WoT User"

    /// The real names that are allowed in a certificate, in the server's order.
    var realNames: [String] {
        guard points >= 50 else { return [] }
        let middle = name.middle ?? ""
        let suffix = name.suffix ?? ""
        let combinations: [[String]?] = [
            [name.first, name.last],
            middle.isEmpty ? nil : [name.first, middle, name.last],
            suffix.isEmpty ? nil : [name.first, name.last, suffix],
            middle.isEmpty || suffix.isEmpty ? nil : [name.first, middle, name.last, suffix],
        ]
        return combinations.compactMap { $0?.joined(separator: " ") }
    }

    /// The validity of certificates for this account, in days.
    var validityDays: Int { points >= 50 ? 730 : 180 }
}
