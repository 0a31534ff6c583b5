package import Cryptoki
package import OpenSSLX509

/// What a token, its module and a ``TokenProfile`` report. Every plan is based on it, so that
/// unsupported operations are refused before anything changes.
package protocol TokenDescription: Sendable {
    var info: TokenInfo { get }
    var moduleInfo: ModuleInfo { get }
    /// What is known besides the token's own information, or nil.
    var profile: TokenProfile? { get }
    var mechanisms: Set<MechanismType> { get }
    /// The sizes of the keys that it generates, if the token reports them.
    var keySizes: [MechanismType: ClosedRange<Int>] { get }
    func provides(_ function: CryptokiFunction) -> Bool
}

/// The description that a token and its module give.
package struct TokenCapabilities: TokenDescription {
    package let token: Token
    package private(set) var profile: TokenProfile?
    /// The name or file of the profile that the user chose, or nil.
    package let chosenProfile: String?
    package let mechanisms: Set<MechanismType>
    package let keySizes: [MechanismType: ClosedRange<Int>]

    package var info: TokenInfo { token.info }
    package var moduleInfo: ModuleInfo { token.module.info }

    /// Reads what a token can do, without a login and without changes. Uses the first profile that
    /// matches.
    package init(
        _ token: Token, profiles: [TokenProfile], chosenProfile: String? = nil
    ) throws(CryptokiError) {
        self.token = token
        self.chosenProfile = chosenProfile
        profile = profiles.first { $0.matches(token) }
        mechanisms = Set(try token.mechanisms())
        var keySizes: [MechanismType: ClosedRange<Int>] = [:]
        for mechanism in [MechanismType.rsaPKCSKeyPairGen, .ecKeyPairGen, .ecEdwardsKeyPairGen]
        where mechanisms.contains(mechanism) {
            // If the token does not report sizes, it refuses an unsupported size when the key is
            // generated.
            keySizes[mechanism] = try? token.mechanismInfo(mechanism).keySizes
        }
        self.keySizes = keySizes
    }

    /// The same token with another profile.
    package func with(_ profile: TokenProfile) -> TokenCapabilities {
        var capabilities = self
        capabilities.profile = profile
        return capabilities
    }

    package func provides(_ function: CryptokiFunction) -> Bool { token.module.provides(function) }
}

extension TokenDescription {
    // MARK: Keys

    /// The kinds of keys that it generates and signs with.
    package var keyKinds: [KeyKind] { KeyKind.generated.filter { missingSupport(for: $0) == nil } }

    /// Why it cannot generate and use keys of a kind, as text for the user; nil if it can.
    package func missingSupport(for kind: KeyKind) -> String? {
        if let function = missing(.generateKeyPair, .signInit, .sign) {
            return
                "this PKCS#11 module cannot generate key pairs and sign with them "
                + "(\(function) is missing)"
        }
        let generators = [MechanismType.rsaPKCSKeyPairGen, .ecKeyPairGen, .ecEdwardsKeyPairGen]
        if mechanisms.isDisjoint(with: generators) {
            let names = generators.prefix(2).map(\.description).joined(separator: " and ")
            return "this PKCS#11 module cannot generate key pairs (\(names) are missing)"
        }
        guard generator != .nobody else {
            return "this PKCS#11 module cannot generate key pairs"
        }
        guard let generation = kind.generationMechanism, mechanisms.contains(generation) else {
            return "the token cannot generate keys of kind \(kind)"
                + (kind.generationMechanism.map { " (\($0) is missing)" } ?? "")
        }
        guard !signingMethods(for: kind).isEmpty else {
            return "the token cannot sign with keys of kind \(kind)"
        }
        if let kinds = profile?.keyKinds, !kinds.contains(kind.name) {
            return "\(profile?.title ?? "the token") generates no usable keys of kind \(kind)"
        }
        let sizes = keySizes[generation]
        if case .rsa(let bits) = kind, let sizes, !sizes.contains(bits) {
            return """
                the token generates RSA keys of \(sizes.lowerBound) to \(sizes.upperBound) bits, \
                not \(bits)
                """
        }
        if case .ec(let curve) = kind, let sizes, sizes.upperBound > 64, !sizes.contains(curve.bits)
        {
            return """
                the token generates EC keys of \(sizes.lowerBound) to \(sizes.upperBound) bits, \
                not \(curve.bits)
                """
        }
        return nil
    }

    /// The methods by which it signs with a kind of key, in the order of preference.
    package func signingMethods(for kind: KeyKind) -> [SigningMethod] {
        SigningMethod.methods(for: kind).filter { mechanisms.contains($0.mechanism) }
    }

    /// The name of the first function that the module does not have, or nil.
    package func missing(_ functions: CryptokiFunction...) -> String? {
        functions.first { !provides($0) }?.rawValue
    }

    // MARK: Roles

    package var generator: TokenProfile.Writer { profile?.generates ?? .user }

    /// The role that writes and removes certificates.
    package var writer: TokenProfile.Writer { profile?.writes ?? .user }

    /// Whether an issue needs more than one role, with a logout in between.
    package var changesRoles: Bool {
        generator == .securityOfficer || writer == .securityOfficer
    }

    // MARK: Ids and labels

    /// The only ids that the token supports, in the order in which they are used; nil if any id
    /// works.
    package var places: [(id: [UInt8], name: String, isOffered: Bool)]? {
        profile?.places.map { places in
            places.map { (bytes(hexadecimal: $0.id) ?? [], $0.name, $0.isOffered ?? true) }
        }
    }

    /// Why it is unknown which places are free, as text for the user; nil if it is known.
    package var reasonPlacesAreUnknown: String? {
        let firmware = info.firmwareVersion
        if let since = profile?.showsAllKeysSince, Self.isVersion(firmware, before: since) {
            return
                "the token, with firmware \(firmware), does not show keys without a certificate, "
                + "so its free places are unknown"
        }
        let library = moduleInfo.libraryVersion
        if let hidden = profile?.hidesLaterKeys,
            !Self.isVersion(firmware, before: hidden.firmwareSince),
            Self.isVersion(library, before: hidden.libraryBefore)
        {
            return
                "the module, version \(library), does not show all keys of a token with "
                + "firmware \(firmware), so its free places are unknown"
        }
        return nil
    }

    private static func isVersion(_ one: String, before other: String) -> Bool {
        func numbers(_ text: String) -> [Int] { text.split(separator: ".").map { Int($0) ?? 0 } }
        return numbers(one).lexicographicallyPrecedes(numbers(other))
    }

    /// Whether objects keep the labels that they are given.
    package var keepsLabels: Bool { !(profile?.hasFixedLabels ?? false) }

    // MARK: Templates

    package var omittedFromPublicKeys: Set<AttributeType> { types(profile?.omits?.publicKey) }

    package var omittedFromPrivateKeys: Set<AttributeType> { types(profile?.omits?.privateKey) }

    package var omittedFromCertificates: Set<AttributeType> { types(profile?.omits?.certificate) }

    private func types(_ names: [String]?) -> Set<AttributeType> {
        Set((names ?? []).compactMap { AttributeType(name: $0) })
    }

    // MARK: Certificates

    /// The number of certificates that a key can have; nil for any number.
    package var certificatesPerKey: Int? { profile?.certificatesPerKey }

    /// Whether a certificate replaces another one with the same id.
    package var replacesCertificates: Bool { profile?.replacesCertificates ?? false }

    /// The largest size of a certificate in bytes of DER, or nil if it is unknown. Some modules
    /// report 0 or 1 for an unknown amount of free memory.
    package var largestCertificate: Int? {
        let free = info.freePublicMemory.flatMap { $0 < 128 ? nil : $0 }
        return [profile?.largestCertificate, free].compactMap { $0 }.min()
    }
}

extension NamedCurve {
    fileprivate var bits: Int {
        switch self {
        case .p256: 256
        case .p384: 384
        case .p521: 521
        }
    }
}

extension KeyKind {
    /// `CKA_KEY_TYPE` of a key of this kind; nil for a kind that tokencert does not generate.
    package var keyType: KeyType? {
        switch self {
        case .rsa: .rsa
        case .ec: .ec
        case .ed25519: .ecEdwards
        case .other: nil
        }
    }

    /// The mechanism that generates keys of this kind; nil for a kind that tokencert does not
    /// generate.
    package var generationMechanism: MechanismType? {
        switch self {
        case .rsa: .rsaPKCSKeyPairGen
        case .ec: .ecKeyPairGen
        case .ed25519: .ecEdwardsKeyPairGen
        case .other: nil
        }
    }
}
