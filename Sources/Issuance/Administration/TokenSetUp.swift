package import Cryptoki
package import TokencertPlatform

/// Sets up a token and its PINs, and insists afterwards that it worked.
///
/// Whoever's PIN is needed is logged in for it, whether the token asks for logins or not, so that a
/// wrong PIN is found where it counts once, and is never taken for a refused new one.
package struct TokenSetUp: Sendable {
    private let token: Token
    private let pins: TokenPINs

    /// Prepares it. Nothing is sent yet.
    package init(_ token: Token, _ pins: TokenPINs) {
        self.token = token
        self.pins = pins
    }

    /// Sets up the token: everything on it is lost. Then it gives the user a PIN.
    ///
    /// - Returns: The token as it is now.
    /// - Throws: ``IssuanceError`` at ``Step/setUp``; it says how far it came.
    package func initialize(
        label: String, pin: borrowing Secret
    ) throws(IssuanceError) -> Token {
        try requireSameToken()
        // NSS removes everything and then still shows the token as not set up.
        guard token.info.manufacturer != "Mozilla Foundation" else {
            throw IssuanceError(
                .tokenUnsuitable, at: .setUp, "NSS does not set up its database through PKCS#11",
                choices: ["to make a database: certutil -N -d sql:FOLDER"])
        }
        let others = initializedTokens()
        try pins.send(
            .securityOfficer, at: .setUp, failing: "the token was not set up"
        ) { officer in
            try token.slot.initializeToken(
                label: label, securityOfficerPIN: officer,
                usesReaderKeys: token.info.flags.contains(.protectedAuthenticationPath))
        }
        do throws(IssuanceError) {
            let fresh = try find(label, besides: others)
            try TokenSetUp(fresh, pins).setPIN(pin)
            return try find(label, besides: others)
        } catch {
            throw IssuanceError(
                error.code == .pinRefused ? .tokenFailed : error.code, at: .setUp,
                "the token is set up and empty, but has no PIN yet: \(error.reason)",
                tokenError: error.tokenError)
        }
    }

    /// How many objects are on the token, private ones too: the user is logged in for it, whether
    /// the token asks for that or not.
    ///
    /// - Throws: ``IssuanceError`` at ``Step/setUp``.
    package func objectCount() throws(IssuanceError) -> Int {
        var count = 0
        try loggedIn(.user, failing: "the token cannot be searched") { _ in
            var session = try token.openSession(ReadWrite.self)
            count = try session.findObjects().count
        }
        return count
    }

    /// Sets an empty token up anew with the PINs that it has.
    ///
    /// - Returns: The token as it is now.
    /// - Throws: ``IssuanceError`` at ``Step/setUp``; with code ``IssuanceError/Code/tokenNotWritable``
    ///   where the token is not empty.
    package func rename(_ label: String) throws(IssuanceError) -> Token {
        let count = try objectCount()
        guard count == 0 else {
            throw IssuanceError(
                .tokenNotWritable, at: .setUp,
                "the token has \(count) objects on it, which would be lost")
        }
        return try pins.lend(.user, at: .setUp) { pin in
            try initialize(label: label, pin: pin)
        }
    }

    /// Gives the user a PIN, and has the user log in with it.
    ///
    /// - Throws: ``IssuanceError`` at ``Step/setUp``.
    package func setPIN(_ pin: borrowing Secret) throws(IssuanceError) {
        try loggedIn(.securityOfficer) { _ in
            var session = try token.openSession(ReadWrite.self)
            try session.initializePIN(pin)
        }
        try prove(.user, pin)
    }

    /// Changes a PIN, and has its owner log in with the new one.
    ///
    /// - Throws: ``IssuanceError`` at ``Step/setUp``.
    package func changePIN(
        of role: UserType, to new: borrowing Secret
    ) throws(IssuanceError) {
        try loggedIn(role, evenWithExpiredPIN: role == .user) { old in
            var session = try token.openSession(ReadWrite.self)
            try session.changePIN(from: old, to: new)
        }
        try prove(role, new)
    }

    // MARK: Parts

    /// Does something with the PIN that a login has proved right.
    ///
    /// - Parameter evenWithExpiredPIN: Whether it is done without a login where the token says that
    ///   the PIN is right and has to be changed first.
    private func loggedIn(
        _ role: UserType, evenWithExpiredPIN: Bool = false,
        failing doing: String = "the PIN was not set",
        _ body: (borrowing Secret) throws -> Void
    ) throws(IssuanceError) {
        var failure: CryptokiError?
        try pins.send(role, at: .setUp) { pin in
            do {
                try token.withLogin(as: role, pin: pin, evenWhereNotRequired: true) {
                    do {
                        try body(pin)
                    } catch let error as CryptokiError {
                        failure = error
                    }
                }
            } catch let error as CryptokiError {
                guard evenWithExpiredPIN, error.returnValue == .pinExpired else { throw error }
                try body(pin)
            }
            // Some cards look at the PIN of a login only now.
            if let failure, [.pinIncorrect, .pinLocked].contains(failure.returnValue) {
                throw failure
            }
        }
        guard let failure else { return }
        // The old PIN was right: what is refused is the new one.
        throw IssuanceError(
            failure.concernsPIN ? .tokenNotWritable : .tokenFailed, at: .setUp,
            failure.concernsPIN
                ? "the token takes no such new PIN; the PIN is as it was"
                : doing,
            tokenError: failure)
    }

    private func prove(_ role: UserType, _ pin: borrowing Secret) throws(IssuanceError) {
        // As it is now: the flags have changed.
        let fresh = try at(.setUp, "the token cannot be read again") {
            try token.refreshed()
        }
        do {
            let _: Void = try fresh.withLogin(as: role, pin: pin, evenWhereNotRequired: true) {
                () in
            }
        } catch {
            // Not a refused PIN: the one that was sent before was right.
            throw IssuanceError(
                .notProved, at: .setUp, "the new PIN was set, but the token does not take it",
                tokenError: error as? CryptokiError)
        }
    }

    /// Insists that the token was not swapped for another one while a person was asked.
    private func requireSameToken() throws(IssuanceError) {
        let now = try at(.setUp, "the token cannot be read again") {
            try token.refreshed()
        }
        let (was, info) = (token.info, now.info)
        guard was.serialNumber == info.serialNumber, was.label == info.label,
            was.model == info.model,
            was.flags.contains(.tokenInitialized) == info.flags.contains(.tokenInitialized)
        else {
            throw IssuanceError(
                .noSuchObject, at: .setUp,
                "another token is in the slot now than when it was looked at; nothing was changed")
        }
    }

    /// The tokens of the module that are set up, by their URIs.
    private func initializedTokens() -> Set<String> {
        Set(tokens().filter { $0.info.flags.contains(.tokenInitialized) }.compactMap(uri))
    }

    private func tokens() -> [Token] {
        // One that cannot be read is not the one that was set up.
        ((try? token.module.slots(tokenPresent: true)) ?? []).compactMap { try? $0.token() }
    }

    private func uri(_ token: Token) -> String? { try? PKCS11URI(token: token).description }

    /// The token after it was set up: in its slot, or where its module shows it now.
    private func find(_ label: String, besides others: Set<String>) throws(IssuanceError) -> Token {
        if let again = try? token.refreshed(), again.info.flags.contains(.tokenInitialized) {
            return again
        }
        let found = tokens().filter { other in
            other.info.flags.contains(.tokenInitialized) && other.info.label == label
                && !others.contains(uri(other) ?? "")
        }
        guard found.count == 1 else {
            throw IssuanceError(
                .noSuchObject, at: .setUp, "the token is not found after it was set up")
        }
        return found[0]
    }
}
