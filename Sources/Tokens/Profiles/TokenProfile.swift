package import Cryptoki

/// What is known of a module and its tokens that they do not say of themselves.
///
/// A profile is data: a small JSON file, described in the documentation of `tokencert tokens
/// --profiles`. What a profile leaves out is as the standard has it.
package struct TokenProfile: Sendable, Hashable, Codable {
    /// Who does something on a token.
    package enum Writer: String, Sendable, Hashable, Codable {
        /// The user, with the user's PIN.
        case user
        /// The security officer, with the SO PIN.
        case securityOfficer
        /// Nobody through this module.
        case nobody
    }

    /// What `C_GetInfo` and `C_GetTokenInfo` have to say. Each is a whole text, or the beginning of
    /// one before a `*`; what is nil matches all.
    package struct Match: Sendable, Hashable, Codable {
        /// `CK_INFO.libraryDescription`.
        package var libraryDescription: String?
        /// `CK_INFO.manufacturerID`.
        package var libraryManufacturer: String?
        /// `CK_TOKEN_INFO.manufacturerID`.
        package var tokenManufacturer: String?
        /// `CK_TOKEN_INFO.model`.
        package var tokenModel: String?
        /// `CK_TOKEN_INFO.label`.
        package var tokenLabel: String?

        /// Names what has to be said.
        package init(
            libraryDescription: String?, libraryManufacturer: String?, tokenManufacturer: String?,
            tokenModel: String?
        ) {
            self.libraryDescription = libraryDescription
            self.libraryManufacturer = libraryManufacturer
            self.tokenManufacturer = tokenManufacturer
            self.tokenModel = tokenModel
        }

        /// What every token matches.
        package static let all = Match(
            libraryDescription: nil, libraryManufacturer: nil, tokenManufacturer: nil,
            tokenModel: "*")
    }

    /// A `CKA_ID` that a token has a place for.
    package struct Place: Sendable, Hashable, Codable {
        /// The id, in hexadecimal.
        package var id: String
        /// What people call the place.
        package var name: String
        /// Whether it is taken for a new key without being asked for by name.
        package var isOffered: Bool?
    }

    /// How the security officer's PIN has to look.
    package struct SecurityOfficerPIN: Sendable, Hashable, Codable {
        /// What people call it.
        package var name: String
        /// The numbers of hexadecimal digits that it can have, or nil where it is no number.
        package var hexadecimalDigits: [Int]?
        /// The lengths in bytes that it can have where it is no such number.
        package var otherLengths: [Int]?
    }

    /// A certificate that a module makes for itself and that is nobody's.
    package struct Placeholder: Sendable, Hashable, Codable {
        /// How its subject begins; its issuer is the same.
        package var subject: String
    }

    /// Which tokens have kinds of keys that modules do not know.
    package struct HiddenKeys: Sendable, Hashable, Codable {
        /// The first firmware, as `5.70`, that has them.
        package var firmwareSince: String
        /// The first library, as `2.60`, that shows them.
        package var libraryBefore: String
    }

    /// Attributes that a module refuses, by the names of the standard.
    package struct Omissions: Sendable, Hashable, Codable {
        /// Of public keys that are made.
        package var publicKey: [String]?
        /// Of private keys that are made. What is proved by reading back may be left out.
        package var privateKey: [String]?
        /// Of certificates that are written.
        package var certificate: [String]?
    }

    /// The name, by which it is chosen.
    package var name: String
    /// What it is for.
    package var title: String
    /// On what it was tested, or that it was not.
    package var tested: String
    /// Which modules and tokens it is for.
    package var match: Match
    /// What a person should know.
    package var notes: [String]?
    /// Kinds of keys that are made, by ``KeyKind/name``; nil for all that the mechanisms tell.
    package var keyKinds: [String]?
    /// Who makes keys; nil for the user.
    package var generates: Writer?
    /// Who writes and removes certificates; nil for the user.
    package var writes: Writer?
    /// What to use where nobody can write through this module.
    package var instead: String?
    /// How the security officer's PIN has to look.
    package var securityOfficerPIN: SecurityOfficerPIN?
    /// The only ids that there are, those first that are taken first; nil where any will do.
    package var places: [Place]?
    /// Whether the module has labels of its own, so that none can be given.
    package var hasFixedLabels: Bool?
    /// How many certificates a key can have; nil for any number.
    package var certificatesPerKey: Int?
    /// Whether a certificate takes the place of one with the same id, which is lost.
    package var replacesCertificates: Bool?
    /// The first firmware, as `5.30`, that shows keys without certificates; nil for all.
    package var showsAllKeysSince: String?
    /// Keys that a token can have and that its module does not show; nil for none.
    package var hidesLaterKeys: HiddenKeys?
    /// How many bytes of DER a certificate can have at most; nil where the token tells.
    package var largestCertificate: Int?
    /// Attributes that are left out.
    package var omits: Omissions?
    /// A certificate that is nobody's.
    package var placeholder: Placeholder?
    /// Whether what a new key is like is told right only in a session that is opened later.
    package var tellsKeysInNewSessions: Bool?
    /// Whether the module does not claim that keys were made on the token, though they were.
    package var hidesOrigin: Bool?
    /// Whether a key stays on the token although the module says that it is destroyed.
    package var keepsDestroyedKeys: Bool?
    /// Whether a token that was never set up has a security officer's PIN all the same, which setting
    /// it up asks for.
    package var hasFactorySecurityOfficerPIN: Bool?
    /// What sets a new user PIN where the module cannot, as a command; nil where it can.
    package var newPINTool: String?
    /// How many wrong PINs lock the token, where its flags do not tell.
    package var pinTries: Int?
    /// Whether wrong PINs of the user and of the security officer count together, and the flags tell
    /// nothing of it.
    package var countsPINsTogether: Bool?
}

extension TokenProfile {
    /// Begins a profile for a token that does everything as the standard has it.
    package init(name: String, title: String, tested: String, match: Match) {
        self.name = name
        self.title = title
        self.tested = tested
        self.match = match
    }

    /// Whether the profile is for a token.
    package func matches(_ token: Token) -> Bool { matches(token.info, of: token.module.info) }

    /// Whether the profile is for a token that says this, of a module that says that.
    func matches(_ token: TokenInfo, of module: ModuleInfo) -> Bool {
        let pairs: [(String?, String)] = [
            (match.libraryDescription, module.libraryDescription),
            (match.libraryManufacturer, module.manufacturer),
            (match.tokenManufacturer, token.manufacturer), (match.tokenModel, token.model),
            (match.tokenLabel, token.label),
        ]
        return pairs.contains { $0.0 != nil }
            && pairs.allSatisfy { pattern, text in pattern.map { fits($0, text) } ?? true }
    }

    private func fits(_ pattern: String, _ text: String) -> Bool {
        pattern.hasSuffix("*") ? text.hasPrefix(pattern.dropLast()) : text == pattern
    }
}
