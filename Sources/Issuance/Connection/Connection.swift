package import Cryptoki
internal import OpenSSLX509
internal import Synchronization
package import TokencertPlatform
package import TokencertTokens

/// A session with a token, and the role that is logged in: the user, who can do everything on most
/// tokens, or the security officer, if that role generates keys or writes. The connection changes
/// roles as needed, and logs out when it ends.
package struct Connection: ~Copyable {
    package let capabilities: TokenCapabilities
    let pins: TokenPINs
    let tokenURI: PKCS11URI
    /// Shows only the objects that the current role may see.
    var session: Session<ReadWrite>
    /// The id of the key, if its short name may be an id. It is then found by label or id.
    package var possibleKeyID: [UInt8]?
    /// Whether certificates were written or removed since the module was initialised.
    var hasChangedCertificates = false
    private var role: UserType?
    /// Whether this connection logged the role in.
    private var hasLoggedIn = false
    /// Whether the module showed the login in the state of the session.
    private var showsLogin = false
    /// Whether a lost login was repeated, so that handles of private objects from before may be invalid.
    private(set) var hasRenewedLogin = false

    package var token: Token { capabilities.token }

    /// Opens a session without logging in.
    package init(_ capabilities: TokenCapabilities, _ pins: TokenPINs) throws(IssuanceError) {
        let uri = try TokencertIssuance.tokenURI(capabilities.token)
        session = try at(.generate, "cannot open a session with the token") {
            try capabilities.token.openSession(ReadWrite.self)
        }
        self.capabilities = capabilities
        self.pins = pins
        tokenURI = uri
    }

    deinit {
        endLogin()
    }

    // MARK: Roles

    /// Logs in the role that an operation needs. A change of the role invalidates the handles of
    /// private objects.
    package mutating func logIn(
        for operation: TokenOperation, at step: Step
    ) throws(IssuanceError) {
        try logIn(as: capabilities.role(for: operation), at: step)
    }

    /// Logs in each required role in turn, to detect a wrong PIN before the job starts.
    package mutating func logInAll(at step: Step) throws(IssuanceError) {
        guard capabilities.changesRoles else { return try logIn(as: .user, at: step) }
        // On a reader's PIN pad the user types the PIN for each login, and each time may mistype it.
        guard !token.info.flags.contains(.protectedAuthenticationPath) else { return }
        for role in pins.roles where !pins.wasAccepted(role) { try logIn(as: role, at: step) }
    }

    /// Runs `body` while the user is logged in, so private objects are visible.
    /// If the token loses the login meanwhile, logs in and runs `body` once more.
    package mutating func seeingPrivateObjects<Seen>(
        at step: Step, _ body: () throws -> Seen
    ) throws -> Seen {
        try logIn(for: .read, at: step)
        let seen = Result { try body() }
        guard hasLostLogin else { return try seen.get() }
        let role = capabilities.role(for: .read)
        guard pins.mayRenew(role) else { throw IssuanceError(loginLostAt: step) }
        try renewLogin(role, at: step)
        let seenAgain = Result { try body() }
        guard !hasLostLogin else { throw IssuanceError(loginLostAt: step) }
        return try seenAgain.get()
    }

    private mutating func logIn(as needed: UserType, at step: Step) throws(IssuanceError) {
        guard token.info.flags.contains(.loginRequired), role != needed else { return }
        logOut()
        hasLoggedIn = try pins.send(needed, at: step, proving: \.self) { pin in
            try session.logIn(as: needed, pin: pin)
        }
        role = needed
        showsLogin = (try? session.loggedInUser()) == needed
    }

    /// Whether the role is no longer logged in, as far as the module shows that. Private objects are
    /// then not found.
    private var hasLostLogin: Bool {
        guard let role, showsLogin, !session.isOver else { return false }
        do {
            return try session.loggedInUser() != role
        } catch {
            return false
        }
    }

    private mutating func logOut() {
        endLogin()
        hasLoggedIn = false
        showsLogin = false
        role = nil
    }

    private func endLogin() {
        guard role != nil, !session.isOver else { return }
        if hasLoggedIn {
            // This fails if the token was removed.
            try? session.logOut()
        } else {
            session.forgetLogin()
        }
    }

    /// Runs `body` while the role for an operation is logged in. If the token has lost the login,
    /// logs in and runs `body` once more with the error, since the failed call may have taken effect. An
    /// operation that only reads runs again if the login was lost without an error.
    mutating func perform<Result>(
        _ operation: TokenOperation, at step: Step,
        _ body: (inout Connection, _ refusal: IssuanceError?) throws -> Result
    ) throws(IssuanceError) -> Result {
        try logIn(for: operation, at: step)
        let refusal: IssuanceError
        do {
            let result = try body(&self, nil)
            // Without the login, a search finds less and reports no error.
            guard operation == .read, hasLostLogin else { return result }
            refusal = IssuanceError(loginLostAt: step)
        } catch {
            refusal = IssuanceError(any: error, at: step)
            guard refusal.tokenError?.returnValue == .userNotLoggedIn || hasLostLogin else {
                throw refusal
            }
        }
        // Another program may have reset the card.
        let role = capabilities.role(for: operation)
        guard pins.mayRenew(role) else { throw refusal }
        try renewLogin(role, at: step)
        do {
            let result = try body(&self, refusal)
            guard operation == .read, hasLostLogin else { return result }
            throw IssuanceError(loginLostAt: step)
        } catch {
            throw IssuanceError(any: error, at: step)
        }
    }

    private mutating func renewLogin(_ role: UserType, at step: Step) throws(IssuanceError) {
        let isOurs = try pins.send(role, at: step, proving: \.self) { pin in
            try token.renewLogin(as: role, pin: pin)
        }
        hasLoggedIn = hasLoggedIn || isOurs
        hasRenewedLogin = true
    }

    // MARK: Sessions

    /// Objects left by interrupted calls; nil if the roles change, because such cards leave none.
    mutating func leftovers() -> LeftoverObjects? {
        capabilities.changesRoles ? nil : LeftoverObjects(&session)
    }

    /// Continues in a new session, because some modules show a new key correctly only there.
    mutating func openNewSession(at step: Step) throws(IssuanceError) {
        // Open it before the old one closes: the login ends with the last session.
        let new = try at(step, "cannot open a new session with the token") {
            try token.openSession(ReadWrite.self)
        }
        session = new
    }

    /// Reinitialises the module, logs the user in again and opens a new session. Returns false, and
    /// does nothing, if the user would have to enter the PIN again.
    mutating func reinitializeModule(at step: Step) throws(IssuanceError) -> Bool {
        let flags = token.info.flags
        let needsLogin = flags.contains(.loginRequired)
        guard
            !needsLogin
                || (pins.wasAccepted(.user) && !flags.contains(.protectedAuthenticationPath))
        else { return false }
        // Other code in this process may keep the module initialised, and with it the login.
        let wasOurs = hasLoggedIn
        hasLoggedIn = false
        role = nil
        let found = try at(step, "cannot reinitialise the module") {
            try token.module.reinitialize()
            return try token.refreshed()
        }
        guard found.info.label == token.info.label,
            found.info.serialNumber == token.info.serialNumber
        else {
            throw IssuanceError(
                .tokenFailed, at: step,
                "the token is no longer in its slot after the module was reinitialised")
        }
        session = try at(step, "cannot open a session with the token") {
            try token.openSession(ReadWrite.self)
        }
        try logIn(as: .user, at: step)
        hasLoggedIn = hasLoggedIn || (wasOurs && role != nil)
        return true
    }
}

func tokenURI(_ token: Token) throws(IssuanceError) -> PKCS11URI {
    try at(.plan, "cannot read the token") { try PKCS11URI(token: token) }
}

/// The PINs of one token during one run. A PIN that the token has refused is never sent again.
package final class TokenPINs: Sendable {
    /// The roles of these PINs, in the order of their first login.
    let roles: [UserType]
    private let user: Secret
    private let securityOfficer: Secret
    private let watch: PINWatch?
    /// The PINs that the user typed after a refusal, the current one last.
    private let retyped = Mutex<[UserType: [SharedSecret]]>([:])
    private let refused = Mutex<Set<UserType>>([])
    private let accepted = Mutex<Set<UserType>>([])
    private let renewed = Mutex<Set<UserType>>([])

    package init(
        of roles: [UserType], user: consuming Secret, securityOfficer: consuming Secret = Secret(),
        watch: PINWatch? = nil
    ) {
        self.watch = watch
        self.roles = roles
        self.user = user
        self.securityOfficer = securityOfficer
    }

    /// Passes the PIN of a role to `body`, which sends it, and remembers whether it was refused. If
    /// the user may type another PIN, runs `body` again with that one. `isProof` decides whether
    /// the result proves the PIN: a token whose user is logged in already accepts any.
    func send<Result>(
        _ role: UserType, at step: Step, failing doing: String = "the login failed",
        proving isProof: (Result) -> Bool = { _ in true },
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
            do {
                return try sendOnce(role, owner, at: step, isProof, body)
            } catch let error as CryptokiError {
                if error.returnValue == .pinIncorrect, role == owner, !wasAccepted(owner),
                    let isOther = typeAgain(owner)
                {
                    if isOther { continue }
                    throw IssuanceError(
                        error, at: step,
                        while: "the token has refused this PIN; it was not sent again")
                }
                let wasRetyped = retyped.withLock { $0[owner] != nil }
                throw IssuanceError(
                    error, at: step,
                    while: wasRetyped && error.returnValue == .pinIncorrect
                        ? "this PIN is also wrong; two wrong PINs were sent, and no more will be "
                            + "sent"
                        : error.loginFailure(of: owner, doing))
            } catch {
                throw IssuanceError(any: error, at: step)
            }
        }
    }

    private func sendOnce<Result>(
        _ role: UserType, _ owner: UserType, at step: Step, _ isProof: (Result) -> Bool,
        _ body: (borrowing Secret) throws -> Result
    ) throws -> Result {
        // Some modules write to the token meanwhile, and it is recorded whether they accept the PIN.
        Interruption.beginDeferral()
        defer { Interruption.endDeferral() }
        if !wasAccepted(owner), let reason = watch?.willSend(owner) {
            throw IssuanceError(.pinRefused, at: step, reason)
        }
        do {
            let result = try withPIN(of: owner, body)
            if isProof(result) {
                accept(owner)
            } else if !wasAccepted(owner) {
                watch?.didSend(owner, .unknown)
            }
            return result
        } catch let error as CryptokiError {
            // Some modules return this for a wrong PIN.
            let isWrongRole = error.returnValue == .userTypeInvalid && role != .contextSpecific
            if error.concernsPIN || isWrongRole {
                refused.withLock { _ = $0.insert(owner) }
                let isWrong = error.returnValue == .pinIncorrect || isWrongRole
                // An expired PIN is right, and is needed to change it.
                let isExpired = error.returnValue == .pinExpired
                watch?.didSend(owner, isWrong ? .refused : isExpired ? .unknown : .unusable)
            } else if !wasAccepted(owner) {
                watch?.didSend(owner, .unknown)
            }
            throw error
        }
    }

    /// Passes the current PIN of a role to `body`.
    private func withPIN<Result>(
        of role: UserType, _ body: (borrowing Secret) throws -> Result
    ) rethrows -> Result {
        if let typed = retyped.withLock({ $0[role]?.last }) { return try body(typed.secret) }
        return role == .securityOfficer ? try body(securityOfficer) : try body(user)
    }

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
        let kept = SharedSecret(next)
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
            return try withPIN(of: role, body)
        } catch {
            throw IssuanceError(any: error, at: step)
        }
    }

    /// Passes the user's PIN, which the token has accepted, to `body`, which lends it to another program.
    /// Passes no bytes if the token has accepted none.
    package func withAcceptedPIN<Result>(
        _ body: (borrowing Secret) throws -> Result
    ) rethrows -> Result {
        guard wasAccepted(.user) else { return try body(Secret()) }
        return try withPIN(of: .user, body)
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
    /// The token reports that the PIN is wrong.
    case refused
    /// The token reports that the PIN cannot be used, for example because it is locked.
    case unusable
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

/// Runs a part of a step, and turns a token's error into an ``IssuanceError`` with this description.
func at<Result: ~Copyable>(
    _ step: Step, _ doing: String, _ body: () throws -> Result
) throws(IssuanceError) -> Result {
    do {
        return try body()
    } catch let error as CryptokiError {
        throw IssuanceError(error, at: step, while: doing)
    } catch {
        throw IssuanceError(any: error, at: step)
    }
}

extension IssuanceError {
    /// The failure if the token has lost the login and it cannot be repeated.
    fileprivate init(loginLostAt step: Step) {
        self.init(
            .tokenFailed, at: step,
            "the token has lost the login; another program may have reset it")
    }

    /// Keeps an ``IssuanceError`` unchanged, and wraps any other error as ``Code/tokenFailed``.
    init(any error: any Error, at step: Step) {
        self = error as? IssuanceError ?? IssuanceError(.tokenFailed, at: step, "\(error)")
    }
}
