public import Cryptoki
public import Secrets

// What changes PINs goes through the same count of what was refused as every login.

extension TokenPINs {
    /// Gives the user a PIN: see ``TokenSetUp/setPIN(_:on:securityOfficerPIN:)``.
    ///
    /// - Parameters:
    ///   - pin: The new PIN.
    ///   - token: The token.
    /// - Throws: ``IssuanceError`` at ``Step/setUp``.
    public func settingPIN(_ pin: borrowing Secret, on token: Token) throws(IssuanceError) {
        try lending(.securityOfficer) { officer throws(IssuanceError) in
            try TokenSetUp.setPIN(pin, on: token, securityOfficerPIN: officer)
        }
    }

    /// Changes a PIN: see ``TokenSetUp/changePIN(of:from:to:on:)``.
    ///
    /// - Parameters:
    ///   - role: Whose PIN it is.
    ///   - new: The PIN as it shall be.
    ///   - token: The token.
    /// - Throws: ``IssuanceError`` at ``Step/setUp``.
    public func changing(
        _ role: UserType, to new: borrowing Secret, on token: Token
    ) throws(IssuanceError) {
        try lending(role) { old throws(IssuanceError) in
            try TokenSetUp.changePIN(of: role, from: old, to: new, on: token)
        }
    }

    /// Sets an empty token up anew with the PINs that it has.
    ///
    /// - Parameters:
    ///   - token: The token.
    ///   - label: Its new name.
    /// - Throws: ``IssuanceError`` at ``Step/setUp``.
    public func renaming(_ token: Token, _ label: String) throws(IssuanceError) {
        try lending(.securityOfficer) { officer throws(IssuanceError) in
            try lending(.user) { pin throws(IssuanceError) in
                _ = try TokenSetUp.initialize(
                    token, label: label, securityOfficerPIN: officer, pin: pin)
            }
        }
    }

    private func lending(
        _ role: UserType, _ body: (borrowing Secret) throws(IssuanceError) -> Void
    ) throws(IssuanceError) {
        var failure: IssuanceError?
        try send(role, at: .setUp) { pin throws(CryptokiError) in
            do throws(IssuanceError) {
                try body(pin)
            } catch {
                failure = error
                // Counted as refused only where it was this one that the token did not take.
                if error.code == .pinRefused, let tokenError = error.tokenError {
                    throw tokenError
                }
            }
        }
        if let failure { throw failure }
    }
}
