internal import Cryptoki
internal import TokencertInventory

extension TokenLogin {
    /// Reinitialises the token's module, logs the user in again, and opens a new session that
    /// replaces the one that ended.
    ///
    /// - Returns: Whether that was done: false if the user would have to enter the PIN again.
    /// - Throws: ``IssuanceError`` if no session with the same token can be opened.
    func initializeModuleAnew(
        _ session: inout Session<ReadWrite>, at step: Step
    ) throws(IssuanceError) -> Bool {
        let flags = token.info.flags
        let needsLogin = flags.contains(.loginRequired)
        guard
            !needsLogin
                || (pins.wasAccepted(.user) && !flags.contains(.protectedAuthenticationPath))
        else { return false }
        let found = try TokencertIssuance.at(step, "the module cannot be reinitialised") {
            () throws(CryptokiError) in
            try token.module.reinitialize()
            return try token.refreshed()
        }
        guard found.info.label == token.info.label,
            found.info.serialNumber == token.info.serialNumber
        else {
            throw IssuanceError(
                .tokenFailed, at: step,
                "the token is not in its slot after the module was reinitialised")
        }
        // Opened before the login, which would end with the only session.
        session = try TokencertIssuance.at(step, "no session can be opened") {
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
