package import Cryptoki
package import TokencertPlatform
package import TokencertTokens

extension TokenDescription {
    /// The roles that the operations need, in the order of their first login.
    func roles(for operations: Set<TokenOperation>) -> [UserType] {
        inOrder(Set(operations.map(role(for:))))
    }
}

/// The user comes first: a wrong user PIN costs the least, and the login shows the objects.
private func inOrder(_ roles: Set<UserType>) -> [UserType] {
    [UserType.user, .securityOfficer].filter(roles.contains)
}

/// The PINs that a job needs, determined before the first one is requested.
package struct PINPlan: PINRules {
    package let token: Token
    package let roles: [UserType]
    package let profile: TokenProfile?
    package let isForSetUp: Bool
    package let allowsLastTry: Bool

    package var info: TokenInfo { token.info }

    /// Checks, without sending anything, that each required PIN may be sent. The capabilities must
    /// have been read just before.
    package init(
        _ capabilities: TokenCapabilities, for operations: Set<TokenOperation>,
        allowingLastTry allowsLastTry: Bool
    ) throws(IssuanceError) {
        token = capabilities.token
        profile = capabilities.profile
        isForSetUp = false
        self.allowsLastTry = allowsLastTry
        roles = capabilities.roles(for: operations)
        try requireUsable()
    }

    /// The plan for setting up a token or its PINs. The token must have been read just before.
    package init(
        settingUp token: Token, _ profile: TokenProfile?, with needed: Set<UserType>,
        allowingLastTry allowsLastTry: Bool
    ) throws(IssuanceError) {
        self.token = token
        self.profile = profile
        isForSetUp = true
        self.allowsLastTry = allowsLastTry
        roles = inOrder(needed)
        try requireUsable()
    }
}

/// The facts that decide whether a PIN may be sent.
package protocol PINRules: Sendable {
    /// The token's information, read just before.
    var info: TokenInfo { get }
    var profile: TokenProfile? { get }
    /// The roles whose PINs are needed, in the order of their first login.
    var roles: [UserType] { get }
    /// Whether the job sets up a token or its PINs. Then PINs are needed even if the token requires no
    /// login, and an expired PIN is permitted.
    var isForSetUp: Bool { get }
    /// Whether a PIN may be sent even if a wrong one would lock the token.
    var allowsLastTry: Bool { get }
}

extension PINRules {
    /// Checks that each PIN may be sent.
    func requireUsable() throws(IssuanceError) {
        guard needsPINs else { return }
        for role in roles {
            let state = PINState(role: role, flags: info.flags)
            try state.requireUsable(allowingLastTry: allowsLastTry)
            if !isForSetUp { try state.requireUnexpired() }
        }
    }

    /// Whether the PINs are entered on the reader's PIN pad.
    package var hasReaderKeys: Bool {
        info.flags.contains(.protectedAuthenticationPath)
    }

    package var needsPINs: Bool {
        (isForSetUp || info.flags.contains(.loginRequired)) && !roles.isEmpty
    }

    /// The usual name of a role's PIN.
    package func name(of role: UserType) -> String {
        role == .securityOfficer ? profile?.securityOfficerPIN?.name ?? "SO PIN" : "PIN"
    }

    /// A note for the prompt on the remaining tries, or nil if nothing is known. `refusals` counts the
    /// recent refusals that are on record.
    package func triesLeft(of role: UserType, afterRefusals refusals: Int) -> String? {
        let state = PINState(role: role, flags: info.flags)
        if state.isFinalTry { return "last try" }
        if state.isCountLow { return "wrong PIN sent before" }
        guard let tries = profile?.pinTries,
            role == .user || refusals > 0 || countsTogether
        else { return nil }
        let left = max(tries - refusals, 1)
        return left == 1 ? "last try" : "\(left) wrong PINs lock the token"
    }

    /// Whether the device counts the wrong PINs of all roles together.
    package var countsTogether: Bool { profile?.countsPINsTogether ?? false }

    /// Whether the flags of a token show that a wrong PIN was sent.
    func showsWrongPIN(of role: UserType, _ info: TokenInfo) -> Bool {
        let state = PINState(role: role, flags: info.flags)
        return state.isCountLow || state.isFinalTry || state.isLocked
    }

    /// Checks that a wrong PIN would not lock the token, if its flags do not show the remaining tries. A
    /// token without a profile is assumed to lock after three, as most do.
    /// Throws ``IssuanceError/Code/pinLastTry``.
    package func requireTriesLeft(
        of role: UserType, afterRefusals refusals: Int
    ) throws(IssuanceError) {
        let isShown = showsWrongPIN(of: role, info)
        let tries = profile == nil && !isShown ? 3 : profile?.pinTries
        guard !allowsLastTry, let tries, refusals > 0, refusals >= tries - 1 else { return }
        throw IssuanceError(
            .pinLastTry, at: .plan,
            "\(refusals) wrong PINs were sent, and one more may lock the token; no PIN was sent")
    }

    /// Whether the user may type another PIN after the token refused one: only if the token reports that
    /// a wrong PIN was sent and that tries are left. `now` must have been read after the refusal.
    package func mayAskAgain(
        for role: UserType, _ now: TokenInfo, afterRefusals refusals: Int
    ) -> Bool {
        let before = PINState(role: role, flags: info.flags)
        let state = PINState(role: role, flags: now.flags)
        // Some tokens set no flags and lock after three wrong PINs. If a wrong PIN was sent before this
        // run, their number is unknown.
        return !before.isCountLow && state.isCountLow && !state.isFinalTry && !state.isLocked
            && refusals < min(profile?.pinTries ?? 3, 3) - 1
    }

    /// Checks the length and form of a PIN before it is sent.
    package func requirePossible(_ pin: borrowing Secret, of role: UserType) throws(IssuanceError) {
        guard needsPINs, !hasReaderKeys else { return }
        if role == .securityOfficer, let lengths = profile?.securityOfficerPIN?.hexadecimalDigits {
            let isNumber = pin.withBytes { bytes in
                for index in bytes.indices {
                    let digit = Unicode.Scalar(bytes[index])
                    guard digit.properties.isASCIIHexDigit else { return false }
                }
                return true
            }
            let others = profile?.securityOfficerPIN?.otherLengths ?? []
            guard isNumber && lengths.contains(pin.count) || others.contains(pin.count) else {
                let counts = lengths.map { "\($0)" }.joined(separator: " or ")
                throw IssuanceError(
                    .pinRefused, at: .plan,
                    "the \(name(of: role)) must have \(counts) hexadecimal digits; the given value "
                        + "was not sent")
            }
            if others.contains(pin.count) {
                // The module may check it as a user PIN, and then counts a failed try for the user.
                try PINState(role: .user, flags: info.flags)
                    .requireUsable(allowingLastTry: allowsLastTry)
            }
            return
        }
        // The token's length limits are for the user PIN; the other may be a long key.
        guard role == .user else { return }
        let lengths = info.pinLengths
        guard !lengths.contains(pin.count) else { return }
        let form =
            lengths.upperBound == Int.max
            ? "at least \(lengths.lowerBound)" : "\(lengths.lowerBound) to \(lengths.upperBound)"
        throw IssuanceError(
            .pinRefused, at: .plan,
            "the token requires a PIN of \(form) bytes; the given PIN was not sent")
    }
}

/// The state of one PIN according to the token's flags.
private struct PINState {
    let role: UserType
    let flags: TokenFlags

    var isCountLow: Bool { has(.userPINCountLow, .soPINCountLow) }
    var isFinalTry: Bool { has(.userPINFinalTry, .soPINFinalTry) }
    var isLocked: Bool { has(.userPINLocked, .soPINLocked) }

    func requireUsable(allowingLastTry: Bool) throws(IssuanceError) {
        let name = role == .securityOfficer ? "security officer's PIN" : "PIN"
        if role == .user, !flags.contains(.userPINInitialized) {
            throw IssuanceError(.tokenNotWritable, at: .plan, "the token has no user PIN yet")
        }
        if isLocked {
            throw IssuanceError(.pinRefused, at: .plan, "the token's \(name) is locked")
        }
        if isFinalTry, !allowingLastTry {
            throw IssuanceError(
                .pinLastTry, at: .plan,
                "one more wrong \(name) locks the token; no PIN was sent")
        }
    }

    func requireUnexpired() throws(IssuanceError) {
        guard has(.userPINToBeChanged, .soPINToBeChanged) else { return }
        let name = role == .securityOfficer ? "security officer's PIN" : "PIN"
        throw IssuanceError(
            .pinExpired, at: .plan,
            "the token's \(name) must be changed before it can be used")
    }

    private func has(_ user: TokenFlags, _ securityOfficer: TokenFlags) -> Bool {
        flags.contains(role == .securityOfficer ? securityOfficer : user)
    }
}
