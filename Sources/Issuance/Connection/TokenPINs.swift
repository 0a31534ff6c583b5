package import Cryptoki
internal import Synchronization
package import TokencertPlatform

/// The PINs of one token during one run. A PIN that the token has refused is never sent again.
package final class TokenPINs: Sendable {
    /// The roles of these PINs, in the order of their first login.
    let roles: [UserType]
    private let user: Secret
    private let securityOfficer: Secret
    private let watch: PINWatch?
    /// The PINs that the user typed after a refusal, the current one last.
    private let retyped = Mutex<[UserType: [Kept]]>([:])
    private let refused = Mutex<Set<UserType>>([])
    private let accepted = Mutex<Set<UserType>>([])
    private let renewed = Mutex<Set<UserType>>([])

    /// A copyable reference to a PIN.
    private final class Kept: Sendable {
        let secret: Secret
        init(_ secret: consuming Secret) { self.secret = secret }
    }

    package init(
        of roles: [UserType], user: consuming Secret, securityOfficer: consuming Secret = Secret(),
        watch: PINWatch? = nil
    ) {
        self.watch = watch
        self.roles = roles
        self.user = user
        self.securityOfficer = securityOfficer
    }

    /// Passes the PIN of a role to `body`, which sends it, and remembers whether it was refused. If the
    /// user may type another PIN, runs `body` again with that one.
    func send<Result>(
        _ role: UserType, at step: Step, failing doing: String = "the login failed",
        _ body: (borrowing Secret) throws -> Result
    ) throws(IssuanceError) -> Result {
        let owner: UserType = role == .contextSpecific ? .user : role
        guard roles.contains(owner) else {
            throw IssuanceError(.pinRefused, at: step, "no PIN was provided for this role")
        }
        guard !refused.withLock({ $0.contains(owner) }) else {
            throw IssuanceError(
                .pinRefused, at: step, "the token refused this PIN before; it was not sent again")
        }
        while true {
            if !wasAccepted(owner), let reason = watch?.willSend(owner) {
                throw IssuanceError(.pinRefused, at: step, reason)
            }
            do {
                let result: Result
                if let typed = typedAgain(owner) {
                    result = try body(typed.secret)
                } else {
                    result = owner == .securityOfficer ? try body(securityOfficer) : try body(user)
                }
                accept(owner)
                return result
            } catch let error as CryptokiError {
                // Some modules return this for a wrong PIN.
                let isWrongRole = error.returnValue == .userTypeInvalid && role != .contextSpecific
                if error.concernsPIN || isWrongRole {
                    refused.withLock { _ = $0.insert(owner) }
                    watch?.didSend(owner, .refused)
                    if error.returnValue == .pinIncorrect, role == owner, !wasAccepted(owner),
                        let isOther = typeAgain(owner)
                    {
                        if isOther { continue }
                        throw IssuanceError(
                            error, at: step,
                            while: "the token has refused this PIN; it was not sent again")
                    }
                } else if !wasAccepted(owner) {
                    watch?.didSend(owner, .unknown)
                }
                let wasRetyped = retyped.withLock { $0[owner] != nil }
                throw IssuanceError(
                    error, at: step,
                    while: wasRetyped && error.returnValue == .pinIncorrect
                        ? "this PIN is wrong, too; two wrong PINs were sent, and no more will be"
                        : error.loginFailure(of: owner, doing))
            } catch {
                throw IssuanceError(any: error, at: step)
            }
        }
    }

    private func typedAgain(_ role: UserType) -> Kept? { retyped.withLock { $0[role]?.last } }

    /// Lets the user type another PIN in place of a refused one. Returns nil if there is none, and false
    /// if the token refused it before.
    private func typeAgain(_ role: UserType) -> Bool? {
        guard let watch, let next = watch.nextPIN(role) else { return nil }
        let earlier = retyped.withLock { $0[role] ?? [] }
        let isFirst =
            role == .securityOfficer
            ? next.isSame(as: securityOfficer) : next.isSame(as: user)
        let isEarlier = earlier.contains { next.isSame(as: $0.secret) }
        guard !isFirst, !isEarlier else { return false }
        let kept = Kept(next)
        retyped.withLock { $0[role, default: []].append(kept) }
        refused.withLock { _ = $0.remove(role) }
        return true
    }

    /// Records that the token has accepted the PIN of a role. Call this immediately after the login,
    /// because the work that follows may take long.
    func accept(_ role: UserType) {
        let isFirst = accepted.withLock { $0.insert(role).inserted }
        if isFirst { watch?.didSend(role, .accepted) }
    }

    /// Passes the PIN of a role to `body`, which sets it as a new PIN, and remembers nothing.
    func lend<Result>(
        _ role: UserType, at step: Step, _ body: (borrowing Secret) throws -> Result
    ) throws(IssuanceError) -> Result {
        do {
            if let typed = typedAgain(role) { return try body(typed.secret) }
            return role == .securityOfficer ? try body(securityOfficer) : try body(user)
        } catch {
            throw IssuanceError(any: error, at: step)
        }
    }

    /// Whether a lost login of the role may be repeated; true only once.
    func mayRenew(_ role: UserType) -> Bool {
        renewed.withLock { $0.insert(role).inserted }
    }

    /// Whether the token has accepted the PIN of a role.
    package func wasAccepted(_ role: UserType) -> Bool { accepted.withLock { $0.contains(role) } }

    /// Whether the token has refused any of the PINs.
    var wasAnyRefused: Bool { refused.withLock { !$0.isEmpty } }
}

extension CryptokiError {
    /// Whether the token reports a problem with the PIN.
    var concernsPIN: Bool {
        let values: [ReturnValue] = [
            .pinIncorrect, .pinInvalid, .pinLenRange, .pinExpired, .pinLocked,
        ]
        return returnValue.map { values.contains($0) } ?? false
    }

    fileprivate func loginFailure(of role: UserType, _ doing: String) -> String {
        let name = role == .securityOfficer ? "the security officer's PIN" : "the PIN"
        return switch returnValue {
        case .pinIncorrect: "\(name) is wrong; it was sent once and will not be sent again"
        case .pinLocked: "\(name) is locked"
        case .pinExpired: "\(name) must be changed before it can be used"
        case .pinInvalid, .pinLenRange: "the token does not accept a PIN of this form"
        case .userTypeInvalid: "the token does not accept this PIN for this role"
        default: doing
        }
    }
}

/// The token's answer to a PIN.
package enum PINOutcome: Sendable {
    case accepted
    /// The token reports that the PIN is wrong or unusable.
    case refused
    /// The call failed for another reason.
    case unknown
}

/// Decides whether a PIN that the token has not accepted yet may be sent, and receives the result.
package struct PINWatch: Sendable {
    let willSend: @Sendable (UserType) -> String?
    let didSend: @Sendable (UserType, PINOutcome) -> Void
    /// Returns another PIN that the user typed after a refusal, or nil.
    package var nextPIN: @Sendable (UserType) -> Secret? = { _ in nil }
}
