internal import Cryptoki
internal import OpenSSLX509
internal import TokencertPlatform
internal import TokencertTokens

struct TokenReport: Encodable {
    let label: String
    let manufacturer: String
    let model: String
    let serialNumber: String
    let uri: String
    let isInitialized: Bool
    let isPINSet: Bool
    let isPINCountLow: Bool
    let isPINFinalTry: Bool
    let isPINLocked: Bool
    let isPINToBeChanged: Bool
    let isWriteProtected: Bool
    let needsLogin: Bool
    let hasPINPad: Bool
    /// The profile, with `--verbose`; nil if none matches.
    let profile: String?
    /// The kinds of keys that the token can make, with `--verbose`.
    let keyKinds: [String]?
    /// The mechanisms with their key sizes, with `--verbose`.
    let mechanisms: [String]?

    /// Details are included only with `profiles`.
    init(_ token: Token, detailedBy profiles: [TokenProfile]? = nil) throws(CryptokiError) {
        let info = token.info
        label = info.label
        manufacturer = info.manufacturer
        model = info.model
        serialNumber = info.serialNumber
        uri = try token.selectingURI
        isInitialized = info.flags.contains(.tokenInitialized)
        isPINSet = info.flags.contains(.userPINInitialized)
        isPINCountLow = info.flags.contains(.userPINCountLow)
        isPINFinalTry = info.flags.contains(.userPINFinalTry)
        isPINLocked = info.flags.contains(.userPINLocked)
        isPINToBeChanged = info.flags.contains(.userPINToBeChanged)
        isWriteProtected = info.flags.contains(.writeProtected)
        needsLogin = info.flags.contains(.loginRequired)
        hasPINPad = info.flags.contains(.protectedAuthenticationPath)
        guard let profiles else {
            (profile, keyKinds, mechanisms) = (nil, nil, nil)
            return
        }
        let capabilities = try TokenCapabilities(token, profiles: profiles)
        profile = capabilities.profile?.name
        keyKinds = capabilities.keyKinds.map(\.name)
        mechanisms = try Self.mechanisms(token)
    }

    /// The lines of `--verbose` below the token.
    var details: [String] {
        guard let keyKinds, let mechanisms else { return [] }
        let kinds = keyKinds.isEmpty ? "none" : keyKinds.joined(separator: ", ")
        return [
            quoted(uri), "profile: \(profile ?? "none matches")", "keys that can be made: \(kinds)",
        ]
            + mechanisms
    }

    private static func mechanisms(_ token: Token) throws(CryptokiError) -> [String] {
        try token.mechanisms().map { type in
            let sizes = try? token.mechanismInfo(type).keySizes
            return "\(type)" + (sizes.map { " \($0.lowerBound)-\($0.upperBound)" } ?? "")
        }
    }

    var state: [String] {
        guard isInitialized else { return ["not initialised"] }
        var state: [String] = []
        if needsLogin, !isPINSet { state.append("no PIN set") }
        if isPINLocked {
            state.append("PIN locked")
        } else if isPINFinalTry {
            state.append("last PIN try")
        } else if isPINCountLow {
            state.append("wrong PIN entered")
        }
        if isPINToBeChanged { state.append("PIN must be changed") }
        if isWriteProtected { state.append("write-protected") }
        if hasPINPad { state.append("PIN pad") }
        return state.isEmpty ? ["ready"] : state
    }
}
