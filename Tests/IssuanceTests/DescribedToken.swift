import TokencertTokens

@testable import Cryptoki

/// A token with the properties that a test chooses. By default, a user PIN is set and required, and
/// all mechanisms are available.
struct DescribedToken: TokenDescription {
    var flags: TokenFlags = [.loginRequired, .userPINInitialized]
    var pinLengths = 4...8
    var firmwareVersion = "1.0"
    var profile: TokenProfile?
    var mechanisms: Set<MechanismType> = [
        .rsaPKCSKeyPairGen, .ecKeyPairGen, .ecEdwardsKeyPairGen, .sha256RSAPKCS, .ecdsa, .eddsa,
    ]
    var keySizes: [MechanismType: ClosedRange<Int>] = [:]
    var missingFunctions: Set<CryptokiFunction> = []

    var info: TokenInfo {
        TokenInfo(
            label: "label", labelBytes: Array("label".utf8), manufacturer: "maker",
            model: "model", serialNumber: "1", flags: flags, pinLengths: pinLengths,
            freePublicMemory: nil, freePrivateMemory: nil, hardwareVersion: "1.0",
            firmwareVersion: firmwareVersion)
    }

    var moduleInfo: ModuleInfo {
        ModuleInfo(
            cryptokiVersion: "2.40", manufacturer: "maker", libraryDescription: "library",
            libraryVersion: "1.0")
    }

    func provides(_ function: CryptokiFunction) -> Bool { !missingFunctions.contains(function) }

    /// A token with a profile for all tokens.
    static func with(_ change: (inout TokenProfile) -> Void) -> DescribedToken {
        var profile = TokenProfile(name: "a", title: "The token", tested: "", match: .all)
        change(&profile)
        return DescribedToken(profile: profile)
    }
}
