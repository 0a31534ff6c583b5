package import Cryptoki
package import OpenSSLX509

/// What a token, its module and a ``TokenProfile`` say, which decides what the token can do for a
/// certificate and how it wants to be asked.
///
/// Everything that is planned reads it, so that what a token cannot do is known before anything is
/// changed.
package protocol TokenDescription: Sendable {
    /// What the token says of itself.
    var info: TokenInfo { get }
    /// What the module says of itself.
    var moduleInfo: ModuleInfo { get }
    /// What is known besides what the token says, or nil.
    var profile: TokenProfile? { get }
    /// What the token can do.
    var mechanisms: Set<MechanismType> { get }
    /// The sizes of keys that it makes, by the mechanism, where the token tells them.
    var keySizes: [MechanismType: ClosedRange<Int>] { get }
    /// Whether the module has a function.
    func provides(_ function: CryptokiFunction) -> Bool
}

/// The description of a token, as the token and its module give it.
package struct TokenCapabilities: TokenDescription {
    /// The token.
    package let token: Token
    package private(set) var profile: TokenProfile?
    /// The name or the file of the profile that was chosen by hand, or nil.
    package let chosenProfile: String?
    package let mechanisms: Set<MechanismType>
    package let keySizes: [MechanismType: ClosedRange<Int>]

    package var info: TokenInfo { token.info }
    package var moduleInfo: ModuleInfo { token.module.info }

    /// Asks a token what it can do. Nothing is changed and nobody logs in.
    ///
    /// - Parameters:
    ///   - token: The token.
    ///   - profiles: Where what it does not say is looked for; the first that matches is taken.
    ///   - chosenProfile: The name or the file of the one that was chosen by hand, or nil.
    /// - Throws: `CryptokiError` where the token cannot be asked.
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
            // A token that does not tell the sizes says by its answer whether one is right.
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

    /// The kinds of keys that it makes and signs with.
    package var keyKinds: [KeyKind] { KeyKind.generated.filter { missingSupport(for: $0) == nil } }

    /// What it lacks to make and use a key of a kind, for a person to read; nil for nothing.
    package func missingSupport(for kind: KeyKind) -> String? {
        if let function = missing(.generateKeyPair, .signInit, .sign) {
            return "through this module nobody makes keys on the token: it has no \(function)"
        }
        let generators = [MechanismType.rsaPKCSKeyPairGen, .ecKeyPairGen, .ecEdwardsKeyPairGen]
        if mechanisms.isDisjoint(with: generators) {
            return "through this module nobody makes keys on the token: it has no "
                + generators.prefix(2).map(\.description).joined(separator: " and no ")
        }
        guard generator != .nobody else {
            return "through this module nobody makes keys on the token"
        }
        guard let generation = kind.generationMechanism, mechanisms.contains(generation) else {
            return "the token makes no keys of kind \(kind)"
                + (kind.generationMechanism.map { " (no \($0))" } ?? "")
        }
        guard !signingMethods(for: kind).isEmpty else {
            return "the token does not sign with keys of kind \(kind)"
        }
        if let kinds = profile?.keyKinds, !kinds.contains(kind.name) {
            return "\(profile?.title ?? "the token") makes no usable keys of kind \(kind)"
        }
        let sizes = keySizes[generation]
        if case .rsa(let bits) = kind, let sizes, !sizes.contains(bits) {
            return """
                the token makes RSA keys of \(sizes.lowerBound) to \(sizes.upperBound) bits, \
                not of \(bits)
                """
        }
        if case .ec(let curve) = kind, let sizes, sizes.upperBound > 64, !sizes.contains(curve.bits)
        {
            return """
                the token makes keys on curves of \(sizes.lowerBound) to \(sizes.upperBound) \
                bits, not of \(curve.bits)
                """
        }
        return nil
    }

    /// The ways in which it signs with a kind of key, the one that leaves most to it first.
    package func signingMethods(for kind: KeyKind) -> [SigningMethod] {
        SigningMethod.methods(for: kind).filter { mechanisms.contains($0.mechanism) }
    }

    /// The first of some functions that the module does not have, by its name, or nil.
    package func missing(_ functions: CryptokiFunction...) -> String? {
        functions.first { !provides($0) }?.rawValue
    }

    // MARK: Roles

    /// Who makes keys.
    package var generator: TokenProfile.Writer { profile?.generates ?? .user }

    /// Who writes and removes certificates.
    package var writer: TokenProfile.Writer { profile?.writes ?? .user }

    /// Whether an issue needs more than one role, so that somebody has to log out in between.
    package var changesRoles: Bool {
        generator == .securityOfficer || writer == .securityOfficer
    }

    // MARK: Ids and labels

    /// The ids that there are, those first that are taken first; nil where any will do.
    package var places: [(id: [UInt8], name: String, isOffered: Bool)]? {
        profile?.places.map { places in
            places.map { (bytes(hexadecimal: $0.id) ?? [], $0.name, $0.isOffered ?? true) }
        }
    }

    /// Why it is not known which places are free, for a person to read; nil where it is.
    package var reasonPlacesAreUnknown: String? {
        let firmware = info.firmwareVersion
        if let since = profile?.showsAllKeysSince, Self.isVersion(firmware, before: since) {
            return
                "the token, with firmware \(firmware), does not show keys that have no "
                + "certificate, so a place that is free has to be named"
        }
        let library = moduleInfo.libraryVersion
        if let hidden = profile?.hidesLaterKeys,
            !Self.isVersion(firmware, before: hidden.firmwareSince),
            Self.isVersion(library, before: hidden.libraryBefore)
        {
            return
                "the module, version \(library), does not show all keys that the token, with "
                + "firmware \(firmware), can have, so a place that is free has to be named"
        }
        return nil
    }

    private static func isVersion(_ one: String, before other: String) -> Bool {
        func numbers(_ text: String) -> [Int] { text.split(separator: ".").map { Int($0) ?? 0 } }
        return numbers(one).lexicographicallyPrecedes(numbers(other))
    }

    /// Whether objects bear the labels that they are given.
    package var keepsLabels: Bool { !(profile?.hasFixedLabels ?? false) }

    // MARK: Templates

    /// The attributes to leave out of a new public key.
    package var omittedFromPublicKeys: Set<AttributeType> { types(profile?.omits?.publicKey) }

    /// The attributes to leave out of a new private key.
    package var omittedFromPrivateKeys: Set<AttributeType> { types(profile?.omits?.privateKey) }

    /// The attributes to leave out of a certificate.
    package var omittedFromCertificates: Set<AttributeType> { types(profile?.omits?.certificate) }

    private func types(_ names: [String]?) -> Set<AttributeType> {
        Set((names ?? []).compactMap { AttributeType(name: $0) })
    }

    // MARK: Certificates

    /// How many certificates a key can have; nil for any number.
    package var certificatesPerKey: Int? { profile?.certificatesPerKey }

    /// Whether a certificate takes the place of another one with the same id.
    package var replacesCertificates: Bool { profile?.replacesCertificates ?? false }

    /// How many bytes of DER a certificate can have at most, where that is known. Some modules say
    /// 0 or 1 where they do not tell.
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
    /// `CKA_KEY_TYPE` of a key of the kind, or nil for a kind that is not made here.
    package var keyType: KeyType? {
        switch self {
        case .rsa: .rsa
        case .ec: .ec
        case .ed25519: .ecEdwards
        case .other: nil
        }
    }

    /// How a key of the kind is made, or nil for a kind that is not made here.
    package var generationMechanism: MechanismType? {
        switch self {
        case .rsa: .rsaPKCSKeyPairGen
        case .ec: .ecKeyPairGen
        case .ed25519: .ecEdwardsKeyPairGen
        case .other: nil
        }
    }
}
