package import Cryptoki

/// What is known about a module and its tokens that they do not report: a small JSON file,
/// documented with `tokencert tokens --profiles`. For a property that it omits, the standard
/// applies.
package struct TokenProfile: Sendable, Hashable, Codable {
    /// Who performs an operation on a token.
    package enum Writer: String, Sendable, Hashable, Codable {
        /// The user, with the user's PIN.
        case user
        /// The security officer, with the SO PIN.
        case securityOfficer
        /// Not possible through this module.
        case nobody
    }

    /// Conditions on `C_GetInfo` and `C_GetTokenInfo`. Each is an exact text, or a prefix followed
    /// by `*`; nil matches everything.
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

        package init(
            libraryDescription: String?, libraryManufacturer: String?, tokenManufacturer: String?,
            tokenModel: String?
        ) {
            self.libraryDescription = libraryDescription
            self.libraryManufacturer = libraryManufacturer
            self.tokenManufacturer = tokenManufacturer
            self.tokenModel = tokenModel
        }

        /// Matches every token.
        package static let all = Match(
            libraryDescription: nil, libraryManufacturer: nil, tokenManufacturer: nil,
            tokenModel: "*")
    }

    /// A `CKA_ID` that a token has a place for.
    package struct Place: Sendable, Hashable, Codable {
        /// The id, in hexadecimal.
        package var id: String
        /// The usual name of the place.
        package var name: String
        /// Whether it is used for a new key that has no chosen id; nil for true.
        package var isOffered: Bool?
    }

    /// The format of the security officer's PIN.
    package struct SecurityOfficerPIN: Sendable, Hashable, Codable {
        package var name: String
        /// The permitted numbers of hexadecimal digits; nil if it is not a number.
        package var hexadecimalDigits: [Int]?
        /// The permitted lengths in bytes of any other PIN.
        package var otherLengths: [Int]?
    }

    /// A certificate that a module generates on its own.
    package struct Placeholder: Sendable, Hashable, Codable {
        /// The prefix of its subject; its issuer is the same.
        package var subject: String
    }

    /// Keys of a newer firmware that older modules do not show.
    package struct HiddenKeys: Sendable, Hashable, Codable {
        /// The first firmware with such keys, such as `5.70`.
        package var firmwareSince: String
        /// The first library that shows them, such as `2.60`.
        package var libraryBefore: String
    }

    /// Attributes that a module refuses, by their standard names.
    package struct Omissions: Sendable, Hashable, Codable {
        /// For new public keys.
        package var publicKey: [String]?
        /// For new private keys. Attributes that are checked by reading back may be omitted.
        package var privateKey: [String]?
        /// For certificates.
        package var certificate: [String]?
    }

    /// The name by which the user chooses it.
    package var name: String
    /// The module and tokens that it describes.
    package var title: String
    /// The versions that it was tested with, or that it was not tested.
    package var tested: String
    /// The module and tokens that it applies to.
    package var match: Match
    package var notes: [String]?
    /// Kinds of keys to generate, by ``KeyKind/name``; nil for all that the mechanisms support.
    package var keyKinds: [String]?
    /// Who generates keys; nil for the user.
    package var generates: Writer?
    /// Who writes and removes certificates; nil for the user.
    package var writes: Writer?
    /// What to use if this module cannot write.
    package var instead: String?
    package var securityOfficerPIN: SecurityOfficerPIN?
    /// The only ids that the token supports, in the order in which they are used; nil if any id
    /// works.
    package var places: [Place]?
    /// Whether the module assigns the labels, so that none can be set.
    package var hasFixedLabels: Bool?
    /// The number of certificates that a key can have; nil for any number.
    package var certificatesPerKey: Int?
    /// Whether a certificate silently replaces one with the same id.
    package var replacesCertificates: Bool?
    /// The first firmware that shows keys without certificates, such as `5.30`; nil for all.
    package var showsAllKeysSince: String?
    /// Keys that a token can have and its module does not show; nil for none.
    package var hidesLaterKeys: HiddenKeys?
    /// The largest size of a certificate in bytes of DER; nil if the token reports it.
    package var largestCertificate: Int?
    package var omits: Omissions?
    package var placeholder: Placeholder?
    /// Whether the attributes of a new key are correct only in a session opened later.
    package var tellsKeysInNewSessions: Bool?
    /// Whether the module does not report that keys were generated on the token although they were.
    package var hidesOrigin: Bool?
    /// Whether a key stays on the token although the module reports that it was destroyed.
    package var keepsDestroyedKeys: Bool?
    /// Whether a process sees the objects as it first read them, apart from its own changes.
    package var cachesObjects: Bool?
    /// Whether the public key of a private key is read from its certificate, and lost with it.
    package var storesPublicKeysInCertificates: Bool?
    /// Whether a token that was never initialized already has a security officer's PIN, which the
    /// initialization requires.
    package var hasFactorySecurityOfficerPIN: Bool?
    /// The command that sets a new user PIN if the module cannot; nil if it can.
    package var newPINTool: String?
    /// The number of wrong PINs that lock the token; nil if its flags show it.
    package var pinTries: Int?
    /// Whether wrong PINs of the user and of the security officer count together, without any flag
    /// that shows it.
    package var countsPINsTogether: Bool?
}

extension TokenProfile {
    /// A profile for a token that follows the standard.
    package init(name: String, title: String, tested: String, match: Match) {
        self.name = name
        self.title = title
        self.tested = tested
        self.match = match
    }

    package func matches(_ token: Token) -> Bool { matches(token.info, of: token.module.info) }

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
