internal import Cryptoki
internal import Inventory

extension TokenLogin {
    /// Initialises the token's module anew, logs the user in once more and opens a new session in
    /// the place of one that is over.
    ///
    /// - Returns: Whether that was done: not where somebody would have to enter the PIN again.
    /// - Throws: ``IssuanceError`` where it came to no session of the same token.
    func initializeModuleAnew(
        _ session: inout Session<ReadWrite>, at step: Step
    ) throws(IssuanceError) -> Bool {
        let flags = token.info.flags
        let needsLogin = flags.contains(.loginRequired)
        guard
            !needsLogin
                || (pins.wasAccepted(.user) && !flags.contains(.protectedAuthenticationPath))
        else { return false }
        let found = try Issuance.at(step, "the module cannot be initialised anew") {
            () throws(CryptokiError) in
            try token.module.reinitialize()
            return try token.refreshed()
        }
        guard found.info.label == token.info.label,
            found.info.serialNumber == token.info.serialNumber
        else {
            throw IssuanceError(
                .tokenFailed, at: step,
                "the token is not in its slot after the module was initialised anew")
        }
        // Before the login, which would be over with the only session.
        session = try Issuance.at(step, "no session can be opened") {
            () throws(CryptokiError) in try token.openSession(ReadWrite.self)
        }
        if needsLogin {
            try pins.send(.user, at: step) { pin throws(CryptokiError) in
                try token.renewLogin(as: .user, pin: pin)
            }
        }
        return true
    }
}
