public import Cryptoki

/// What is known of a module and its tokens that they do not say of themselves.
///
/// A profile is data: a small JSON file, described in the documentation of `tokencert tokens
/// --profiles`. What a profile leaves out is as the standard has it.
public struct TokenProfile: Sendable, Hashable, Codable {
    /// Who does something on a token.
    public enum Writer: String, Sendable, Hashable, Codable {
        /// The user, with the user's PIN.
        case user
        /// The security officer, with the SO PIN.
        case securityOfficer
        /// Nobody through this module.
        case nobody
    }

    /// What `C_GetInfo` and `C_GetTokenInfo` have to say. Each is a whole text, or the beginning of
    /// one before a `*`; what is nil matches all.
    public struct Match: Sendable, Hashable, Codable {
        /// `CK_INFO.libraryDescription`.
        public var libraryDescription: String?
        /// `CK_INFO.manufacturerID`.
        public var libraryManufacturer: String?
        /// `CK_TOKEN_INFO.manufacturerID`.
        public var tokenManufacturer: String?
        /// `CK_TOKEN_INFO.model`.
        public var tokenModel: String?
        /// `CK_TOKEN_INFO.label`.
        public var tokenLabel: String?

        /// Names what has to be said.
        ///
        /// - Parameters:
        ///   - libraryDescription: `CK_INFO.libraryDescription`.
        ///   - libraryManufacturer: `CK_INFO.manufacturerID`.
        ///   - tokenManufacturer: `CK_TOKEN_INFO.manufacturerID`.
        ///   - tokenModel: `CK_TOKEN_INFO.model`.
        public init(
            libraryDescription: String?, libraryManufacturer: String?, tokenManufacturer: String?,
            tokenModel: String?
        ) {
            self.libraryDescription = libraryDescription
            self.libraryManufacturer = libraryManufacturer
            self.tokenManufacturer = tokenManufacturer
            self.tokenModel = tokenModel
        }

        /// What every token matches.
        public static let all = Match(
            libraryDescription: nil, libraryManufacturer: nil, tokenManufacturer: nil,
            tokenModel: "*")
    }

    /// A `CKA_ID` that a token has a place for.
    public struct Place: Sendable, Hashable, Codable {
        /// The id, in hexadecimal.
        public var id: String
        /// What people call the place.
        public var name: String
        /// Whether it is taken for a new key without being asked for by name.
        public var isOffered: Bool?
    }

    /// How the security officer's PIN has to look.
    public struct SecurityOfficerPIN: Sendable, Hashable, Codable {
        /// What people call it.
        public var name: String
        /// The numbers of hexadecimal digits that it can have, or nil where it is no number.
        public var hexadecimalDigits: [Int]?
        /// The lengths in bytes that it can have where it is no such number.
        public var otherLengths: [Int]?
    }

    /// A certificate that a module makes for itself and that is nobody's.
    public struct Placeholder: Sendable, Hashable, Codable {
        /// How its subject begins; its issuer is the same.
        public var subject: String
    }

    /// Which tokens have kinds of keys that modules do not know.
    public struct HiddenKeys: Sendable, Hashable, Codable {
        /// The first firmware, as `5.70`, that has them.
        public var firmwareSince: String
        /// The first library, as `2.60`, that shows them.
        public var libraryBefore: String
    }

    /// Attributes that a module refuses, by the names of the standard.
    public struct Omissions: Sendable, Hashable, Codable {
        /// Of public keys that are made.
        public var publicKey: [String]?
        /// Of private keys that are made. What is proved by reading back may be left out.
        public var privateKey: [String]?
        /// Of certificates that are written.
        public var certificate: [String]?
    }

    /// The name, by which it is chosen.
    public var name: String
    /// What it is for.
    public var title: String
    /// On what it was tested, or that it was not.
    public var tested: String
    /// Which modules and tokens it is for.
    public var match: Match
    /// What a person should know.
    public var notes: [String]?
    /// Kinds of keys that are made, as `rsa:2048`; nil for all that the mechanisms tell.
    public var keyKinds: [String]?
    /// Who makes keys; nil for the user.
    public var generates: Writer?
    /// Who writes and removes certificates; nil for the user.
    public var writes: Writer?
    /// What to use where nobody can write through this module.
    public var instead: String?
    /// How the security officer's PIN has to look.
    public var securityOfficerPIN: SecurityOfficerPIN?
    /// The only ids that there are, those first that are taken first; nil where any will do.
    public var places: [Place]?
    /// Whether the module has labels of its own, so that none can be given.
    public var hasFixedLabels: Bool?
    /// How many certificates a key can have; nil for any number.
    public var certificatesPerKey: Int?
    /// Whether a certificate takes the place of one with the same id, which is lost.
    public var replacesCertificates: Bool?
    /// The first firmware, as `5.30`, that shows keys without certificates; nil for all.
    public var showsAllKeysSince: String?
    /// Keys that a token can have and that its module does not show; nil for none.
    public var hidesLaterKeys: HiddenKeys?
    /// How many bytes of DER a certificate can have at most; nil where the token tells.
    public var largestCertificate: Int?
    /// Attributes that are left out.
    public var omits: Omissions?
    /// A certificate that is nobody's.
    public var placeholder: Placeholder?
    /// Whether what a new key is like is told right only in a session that is opened later.
    public var tellsKeysInNewSessions: Bool?
    /// Whether the module does not claim that keys were made on the token, though they were.
    public var hidesOrigin: Bool?
    /// Whether a key stays on the token although the module says that it is destroyed.
    public var keepsDestroyedKeys: Bool?
    /// Whether a token that was never set up has a security officer's PIN all the same, which setting
    /// it up asks for.
    public var hasFactorySecurityOfficerPIN: Bool?
    /// What sets a new user PIN where the module cannot, as a command; nil where it can.
    public var newPINTool: String?
    /// How many wrong PINs lock the token, where its flags do not tell.
    public var pinTries: Int?
    /// Whether wrong PINs of the user and of the security officer count together, and the flags tell
    /// nothing of it.
    public var countsPINsTogether: Bool?
}

extension TokenProfile {
    /// Begins a profile for a token that does everything as the standard has it.
    ///
    /// - Parameters:
    ///   - name: The name, by which it is chosen.
    ///   - title: What it is for.
    ///   - tested: On what it was tested.
    ///   - match: Which modules and tokens it is for.
    public init(name: String, title: String, tested: String, match: Match) {
        self.name = name
        self.title = title
        self.tested = tested
        self.match = match
    }

    /// Whether the profile is for a token.
    ///
    /// - Parameter token: The token.
    public func matches(_ token: Token) -> Bool {
        let module = token.module.info
        let pairs: [(String?, String)] = [
            (match.libraryDescription, module.libraryDescription),
            (match.libraryManufacturer, module.manufacturer),
            (match.tokenManufacturer, token.info.manufacturer),
            (match.tokenModel, token.info.model),
            (match.tokenLabel, token.info.label),
        ]
        return pairs.contains { $0.0 != nil }
            && pairs.allSatisfy { pattern, text in pattern.map { fits($0, text) } ?? true }
    }

    /// Whether a certificate is one that the module makes for itself.
    ///
    /// - Parameter content: What the certificate says.
    public func isPlaceholder(_ content: CertificateEntry.Content) -> Bool {
        guard let placeholder else { return false }
        return content.subject == content.issuer && content.subject.hasPrefix(placeholder.subject)
    }

    private func fits(_ pattern: String, _ text: String) -> Bool {
        pattern.hasSuffix("*") ? text.hasPrefix(pattern.dropLast()) : text == pattern
    }
}
