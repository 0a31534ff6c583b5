package import Cryptoki
package import TokencertPlatform
package import TokencertTokens

extension TokenDescription {
    /// The roles that operations need, in the order in which they log in first.
    func roles(for operations: Set<TokenOperation>) -> [UserType] {
        inOrder(Set(operations.map(role(for:))))
    }
}

/// The user first: that costs the least, and shows what is on the token.
private func inOrder(_ roles: Set<UserType>) -> [UserType] {
    [UserType.user, .securityOfficer].filter(roles.contains)
}

/// Which PINs a job needs, known before the first of them is asked for.
package struct PINPlan: PINRules {
    /// The token.
    package let token: Token
    package let roles: [UserType]
    package let profile: TokenProfile?
    package let isForSetUp: Bool
    package let allowsLastTry: Bool

    package var info: TokenInfo { token.info }

    /// Finds out which PINs a job needs, and insists that each of them can be sent.
    ///
    /// - Parameters:
    ///   - capabilities: What is known of the token, as it was just looked at.
    ///   - operations: What will be done.
    ///   - allowsLastTry: Whether a PIN may be sent that would lock the token if it were wrong.
    /// - Throws: ``IssuanceError`` at ``Step/plan``; nothing was sent.
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

    /// The same for setting up a token or its PINs.
    ///
    /// - Parameters:
    ///   - token: The token, as it was just looked at.
    ///   - profile: What is known of it, or nil.
    ///   - needed: Whose PINs are needed.
    ///   - allowsLastTry: Whether a PIN may be sent that would lock the token if it were wrong.
    /// - Throws: ``IssuanceError`` at ``Step/plan``; nothing was sent.
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

/// What decides whether a PIN may be sent.
package protocol PINRules: Sendable {
    /// What the token says of itself, as it was just looked at.
    var info: TokenInfo { get }
    /// What else is known of the token, or nil.
    var profile: TokenProfile? { get }
    /// Whose PINs are needed, in the order in which they are sent first.
    var roles: [UserType] { get }
    /// Whether a token or its PINs are set up: PINs are needed even if the token requires no login,
    /// and one that has to be changed can be changed.
    var isForSetUp: Bool { get }
    /// Whether a PIN may be sent that would lock the token if it were wrong.
    var allowsLastTry: Bool { get }
}

extension PINRules {
    /// Insists that each PIN can be sent.
    func requireUsable() throws(IssuanceError) {
        guard needsPINs else { return }
        for role in roles {
            let state = PINState(role, info.flags)
            try state.requireUsable(allowingLastTry: allowsLastTry)
            if !isForSetUp { try state.requireUnexpired() }
        }
    }

    /// Whether a person enters the PINs at the token's own keys.
    package var hasReaderKeys: Bool {
        info.flags.contains(.protectedAuthenticationPath)
    }

    /// Whether a PIN is needed at all.
    package var needsPINs: Bool {
        (isForSetUp || info.flags.contains(.loginRequired)) && !roles.isEmpty
    }

    /// What people call the PIN of a role.
    package func name(of role: UserType) -> String {
        role == .securityOfficer ? profile?.securityOfficerPIN?.name ?? "SO PIN" : "PIN"
    }

    /// What is known about the tries that are left, for a person to read; nil for nothing.
    ///
    /// - Parameters:
    ///   - role: The role.
    ///   - refusals: How many PINs the token has refused lately, as far as that is remembered.
    package func triesLeft(of role: UserType, afterRefusals refusals: Int) -> String? {
        let state = PINState(role, info.flags)
        if state.isFinalTry { return "last try" }
        if state.isCountLow { return "a wrong one was sent before" }
        guard let tries = profile?.pinTries else { return nil }
        guard profile?.countsPINsTogether ?? false else {
            return role == .user ? "\(tries) wrong ones lock the token" : nil
        }
        let left = max(tries - refusals, 1)
        return left == 1 ? "last try" : "\(left) wrong ones lock the token"
    }

    /// Insists that a wrong PIN would not lock a token whose flags do not tell how many tries are
    /// left.
    ///
    /// - Throws: ``IssuanceError`` with code ``IssuanceError/Code/pinLastTry``; nothing was sent.
    package func requireTriesLeft(afterRefusals refusals: Int) throws(IssuanceError) {
        guard !allowsLastTry, profile?.countsPINsTogether ?? false, let tries = profile?.pinTries,
            refusals > 0, refusals >= tries - 1
        else { return }
        throw IssuanceError(
            .pinLastTry, at: .plan,
            "\(refusals) wrong PINs were sent, and one more may lock the token; no PIN was sent")
    }

    /// Insists that a PIN can be right by its form, before it is sent.
    ///
    /// - Throws: ``IssuanceError``; nothing was sent.
    package func requirePossible(
        _ pin: borrowing Secret, of role: UserType
    ) throws(IssuanceError) {
        guard needsPINs, !hasReaderKeys else { return }
        if role == .securityOfficer, let lengths = profile?.securityOfficerPIN?.hexadecimalDigits {
            let isNumber = pin.withBytes { bytes in
                for index in bytes.indices where !Self.isHexadecimalDigit(bytes[index]) {
                    return false
                }
                return true
            }
            let others = profile?.securityOfficerPIN?.otherLengths ?? []
            guard isNumber && lengths.contains(pin.count) || others.contains(pin.count) else {
                let counts = lengths.map { "\($0)" }.joined(separator: " or ")
                throw IssuanceError(
                    .pinRefused, at: .plan,
                    "the \(name(of: role)) has \(counts) hexadecimal digits; what was given has "
                        + "another form and was not sent")
            }
            if others.contains(pin.count) {
                // A module that takes it for the user's PIN counts it as one.
                try PINState(.user, info.flags).requireUsable(allowingLastTry: allowsLastTry)
            }
            return
        }
        // What a token says of lengths is about the user's PIN: the other's may be a long key.
        guard role == .user else { return }
        let lengths = info.pinLengths
        guard !lengths.contains(pin.count) else { return }
        let form =
            lengths.upperBound == Int.max
            ? "at least \(lengths.lowerBound)" : "\(lengths.lowerBound) to \(lengths.upperBound)"
        throw IssuanceError(
            .pinRefused, at: .plan,
            "the token's PINs have \(form) bytes; a PIN of another length was not sent")
    }

    private static func isHexadecimalDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }
}

/// What the flags of a token say of one of its PINs.
private struct PINState {
    let role: UserType
    let flags: TokenFlags

    init(_ role: UserType, _ flags: TokenFlags) {
        self.role = role
        self.flags = flags
    }

    var isCountLow: Bool { has(.userPINCountLow, .soPINCountLow) }
    var isFinalTry: Bool { has(.userPINFinalTry, .soPINFinalTry) }

    func requireUsable(allowingLastTry: Bool) throws(IssuanceError) {
        let name = role == .securityOfficer ? "security officer's PIN" : "PIN"
        if role == .user, !flags.contains(.userPINInitialized) {
            throw IssuanceError(
                .tokenNotWritable, at: .plan, "the token has no user PIN yet")
        }
        if has(.userPINLocked, .soPINLocked) {
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
            "the token's \(name) has to be changed before it can be used")
    }

    private func has(_ user: TokenFlags, _ securityOfficer: TokenFlags) -> Bool {
        flags.contains(role == .securityOfficer ? securityOfficer : user)
    }
}
