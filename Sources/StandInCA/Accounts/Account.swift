/// A member's account in the accounts file.
package struct Account: Sendable, Hashable {
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
    /// Whether the web site refuses the login. The API does not check this.
    package var isLocked = false
    /// Whether the member has accepted the current agreement. Otherwise the web site refuses the login.
    package var hasAcceptedAgreement = true
    /// Whether the account has questions for a lost password. Otherwise the web site shows only the
    /// page for them.
    package var hasQuestions = true
    /// Whether the pass phrase is weak. If it is, the web site shows only the page for a new one.
    package var hasWeakPassphrase = false

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

/// The properties of the web site are absent from the file if they have their default values.
extension Account: Codable {
    private enum CodingKeys: String, CodingKey {
        case username, password, points, codeSigning, emails, name
        case isLocked, hasAcceptedAgreement, hasQuestions, hasWeakPassphrase
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func flag(_ key: CodingKeys, default value: Bool) throws -> Bool {
            try values.decodeIfPresent(Bool.self, forKey: key) ?? value
        }
        self.init(
            username: try values.decode(String.self, forKey: .username),
            password: try values.decode(String.self, forKey: .password),
            points: try values.decode(Int.self, forKey: .points),
            codeSigning: try values.decode(Bool.self, forKey: .codeSigning),
            emails: try values.decode([String].self, forKey: .emails),
            name: try values.decode(Name.self, forKey: .name))
        isLocked = try flag(.isLocked, default: false)
        hasAcceptedAgreement = try flag(.hasAcceptedAgreement, default: true)
        hasQuestions = try flag(.hasQuestions, default: true)
        hasWeakPassphrase = try flag(.hasWeakPassphrase, default: false)
    }

    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(username, forKey: .username)
        try values.encode(password, forKey: .password)
        try values.encode(points, forKey: .points)
        try values.encode(codeSigning, forKey: .codeSigning)
        try values.encode(emails, forKey: .emails)
        try values.encode(name, forKey: .name)
        if isLocked { try values.encode(true, forKey: .isLocked) }
        if !hasAcceptedAgreement { try values.encode(false, forKey: .hasAcceptedAgreement) }
        if !hasQuestions { try values.encode(false, forKey: .hasQuestions) }
        if hasWeakPassphrase { try values.encode(true, forKey: .hasWeakPassphrase) }
    }
}
