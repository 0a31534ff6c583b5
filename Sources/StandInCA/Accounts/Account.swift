/// A member's account, as the accounts file has it.
package struct Account: Codable, Sendable, Hashable {
    /// The primary address, with which the member logs in.
    package var username: String
    /// The password, in clear: this is a CA for tests.
    package var password: String
    /// Assurance points. 50 give a real name and two years, 100 may sign code.
    package var points: Int
    /// Whether the account is marked for code signing.
    package var codeSigning: Bool
    /// The verified addresses.
    package var emails: [String]
    /// The parts of the member's name.
    package var name: Name

    /// The parts of a member's name. Empty parts do not exist.
    package struct Name: Codable, Sendable, Hashable {
        /// First name.
        package var first: String
        /// Middle names.
        package var middle: String?
        /// Family name.
        package var last: String
        /// What follows the name, as `Jr.`.
        package var suffix: String?

        /// Makes a name of its parts.
        package init(first: String, middle: String? = nil, last: String, suffix: String? = nil) {
            self.first = first
            self.middle = middle
            self.last = last
            self.suffix = suffix
        }
    }

    /// Makes an account.
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

    /// The name that everybody may have.
    static let anonymousName = "CAcert WoT User"

    /// The real names that a certificate may bear, in the order in which the server lists them.
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

    /// How long certificates of this account are valid, in days.
    var validityDays: Int { points >= 50 ? 730 : 180 }
}
