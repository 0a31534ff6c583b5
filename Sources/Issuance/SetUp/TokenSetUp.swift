public import Cryptoki
public import Secrets

/// Sets up tokens and their PINs, and insists afterwards that it worked.
public enum TokenSetUp {
    /// Sets up a token: everything on it is lost. Then it gives the user a PIN.
    ///
    /// - Parameters:
    ///   - token: The token as it was looked at; no session of it is open.
    ///   - label: Its new name.
    ///   - securityOfficerPIN: The one that it has, or the one that it gets where it never was set
    ///     up.
    ///   - pin: The user's new PIN.
    /// - Returns: The token as it is now.
    /// - Throws: ``IssuanceError`` at ``Step/setUp``; it says how far it came.
    public static func initialize(
        _ token: Token, label: String, securityOfficerPIN: borrowing Secret,
        pin: borrowing Secret
    ) throws(IssuanceError) -> Token {
        let usesReaderKeys = token.info.flags.contains(.protectedAuthenticationPath)
        do throws(CryptokiError) {
            try token.slot.initializeToken(
                label: label, securityOfficerPIN: securityOfficerPIN,
                usesReaderKeys: usesReaderKeys)
        } catch {
            throw IssuanceError(
                error, at: .setUp,
                while: error.concernsPIN
                    ? "the security officer's PIN is wrong; it was sent once, nothing was changed"
                    : "the token was not set up")
        }
        let fresh = try find(label, insteadOf: token)
        do throws(IssuanceError) {
            try setPIN(pin, on: fresh, securityOfficerPIN: securityOfficerPIN)
            return try find(label, insteadOf: token)
        } catch {
            throw IssuanceError(
                error.code, at: .setUp,
                "the token is set up and empty, but has no PIN yet: \(error.reason)",
                tokenError: error.tokenError)
        }
    }

    /// Gives the user a PIN, and has the user log in with it.
    ///
    /// - Parameters:
    ///   - pin: The new PIN.
    ///   - token: The token.
    ///   - securityOfficerPIN: The security officer's PIN; sent once.
    /// - Throws: ``IssuanceError`` at ``Step/setUp``.
    public static func setPIN(
        _ pin: borrowing Secret, on token: Token, securityOfficerPIN: borrowing Secret
    ) throws(IssuanceError) {
        try asCryptoki("the PIN was not set") {
            try token.withLogin(as: .securityOfficer, pin: securityOfficerPIN) {
                var session = try token.openSession(ReadWrite.self)
                try takingNewPIN { () throws(CryptokiError) in try session.initializePIN(pin) }
            }
        }
        try proveLogin(.user, pin, token)
    }

    /// Changes a PIN, and has its owner log in with the new one.
    ///
    /// - Parameters:
    ///   - role: Whose PIN it is.
    ///   - old: The PIN as it is; sent once.
    ///   - new: The PIN as it shall be.
    ///   - token: The token.
    /// - Throws: ``IssuanceError`` at ``Step/setUp``.
    public static func changePIN(
        of role: UserType, from old: borrowing Secret, to new: borrowing Secret, on token: Token
    ) throws(IssuanceError) {
        try asCryptoki("the PIN was not changed") {
            if role == .securityOfficer {
                try token.withLogin(as: role, pin: old) {
                    var session = try token.openSession(ReadWrite.self)
                    try takingNewPIN { () throws(CryptokiError) in
                        try session.changePIN(from: old, to: new)
                    }
                }
            } else {
                // Without a login before: C_SetPIN proves the old PIN itself, and counts once.
                var session = try token.openSession(ReadWrite.self)
                try takingNewPIN { () throws(CryptokiError) in
                    try session.changePIN(from: old, to: new)
                }
            }
        }
        try proveLogin(role, new, token)
    }

    private static func proveLogin(
        _ role: UserType, _ pin: borrowing Secret, _ token: Token
    ) throws(IssuanceError) {
        // As it is now: the flags have changed.
        let token = try at(.setUp, "the token cannot be read again") {
            () throws(CryptokiError) in try token.refreshed()
        }
        do {
            try token.withLogin(as: role, pin: pin) {}
        } catch {
            // Not a refused PIN: the one that was sent before was right.
            throw IssuanceError(
                .notProved, at: .setUp, "the new PIN was set, but the token does not take it",
                tokenError: error as? CryptokiError)
        }
    }

    /// The token after it was set up, wherever its module shows it now.
    private static func find(
        _ label: String, insteadOf token: Token
    ) throws(IssuanceError) -> Token {
        try at(.setUp, "the token is not found after it was set up") {
            () throws(CryptokiError) -> Token in
            let again = try token.refreshed()
            if again.info.flags.contains(.tokenInitialized) { return again }
            for slot in try token.module.slots(tokenPresent: true) {
                let other = try slot.token()
                if other.info.label == label, other.info.flags.contains(.tokenInitialized) {
                    return other
                }
            }
            return again
        }
    }

    /// Why a token does not take a new PIN; the old one was right.
    private struct NewPINRefused: Error {
        let reason: CryptokiError
    }

    private static func takingNewPIN(_ body: () throws(CryptokiError) -> Void) throws {
        do throws(CryptokiError) {
            try body()
        } catch {
            let isAboutNew = [ReturnValue.pinInvalid, .pinLenRange].contains(error.returnValue)
            if isAboutNew { throw NewPINRefused(reason: error) }
            throw error
        }
    }

    private static func asCryptoki(
        _ doing: String, _ body: () throws -> Void
    ) throws(IssuanceError) {
        do {
            try body()
        } catch let error as NewPINRefused {
            throw IssuanceError(
                .tokenNotWritable, at: .setUp, "\(doing): the token takes no such PIN",
                tokenError: error.reason)
        } catch let error as CryptokiError {
            throw IssuanceError(
                error, at: .setUp,
                while: error.concernsPIN ? "\(doing): the token refuses the PIN" : doing)
        } catch {
            throw IssuanceError(.tokenFailed, at: .setUp, "\(doing): \(error)")
        }
    }
}
