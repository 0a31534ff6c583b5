package import Cryptoki
package import TokencertPlatform

/// Sets up a token and its PINs, and verifies the result. Each operation first logs in the role
/// whose PIN it needs, even if the token requires no login, so a wrong PIN costs one try only and
/// is never mistaken for a rejected new PIN.
package struct TokenSetUp: Sendable {
    private let token: Token
    private let pins: TokenPINs

    package init(_ token: Token, _ pins: TokenPINs) {
        self.token = token
        self.pins = pins
    }

    /// Sets up the token, which deletes all its objects, and sets the user PIN. Returns the token with
    /// its new information.
    package func initialize(label: String, pin: borrowing Secret) throws(IssuanceError) -> Token {
        try requireSameToken()
        // NSS deletes everything and then still reports the token as not set up.
        guard token.info.manufacturer != "Mozilla Foundation" else {
            throw IssuanceError(
                .tokenUnsuitable, at: .setUp, "NSS cannot set up its database through PKCS#11",
                choices: ["to create a database: certutil -N -d sql:FOLDER"])
        }
        let others = initializedTokens()
        var isFirst = true
        try pins.send(
            .securityOfficer, at: .setUp, failing: "the token was not set up"
        ) { officer in
            // The token may have been exchanged while the user typed another PIN.
            if !isFirst { try requireSameToken() }
            isFirst = false
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

    /// The number of objects on the token, including private ones.
    package func objectCount() throws(IssuanceError) -> Int {
        var count = 0
        try loggedIn(.user, failing: "cannot search the token") { _ in
            var session = try token.openSession(ReadWrite.self)
            count = try session.findObjects().count
        }
        return count
    }

    /// Sets up an empty token again with a new label and the same PINs. Throws
    /// ``IssuanceError/Code/tokenNotWritable`` if the token is not empty.
    package func rename(_ label: String) throws(IssuanceError) -> Token {
        let count = try objectCount()
        guard count == 0 else {
            throw IssuanceError(
                .tokenNotWritable, at: .setUp,
                "the token has \(count) objects, which would be deleted")
        }
        return try pins.lend(.user, at: .setUp) { pin in
            try initialize(label: label, pin: pin)
        }
    }

    /// Sets the user PIN, as the security officer, and logs the user in with it.
    package func setPIN(_ pin: borrowing Secret) throws(IssuanceError) {
        try loggedIn(.securityOfficer) { _ in
            var session = try token.openSession(ReadWrite.self)
            try session.initializePIN(pin)
        }
        try prove(.user, pin)
    }

    /// Changes a PIN, and logs in with the new one.
    package func changePIN(of role: UserType, to new: borrowing Secret) throws(IssuanceError) {
        try loggedIn(role, evenWithExpiredPIN: role == .user) { old in
            var session = try token.openSession(ReadWrite.self)
            try session.changePIN(from: old, to: new)
        }
        try prove(role, new)
    }

    // MARK: Parts

    /// Logs in, and passes the PIN to `body`. With `evenWithExpiredPIN`, also runs `body` if the token
    /// refuses the login because the PIN must be changed first.
    private func loggedIn(
        _ role: UserType, evenWithExpiredPIN: Bool = false,
        failing doing: String = "the PIN was not set",
        _ body: (borrowing Secret) throws -> Void
    ) throws(IssuanceError) {
        var failure: CryptokiError?
        try pins.send(role, at: .setUp) { pin in
            // The user may have typed another PIN.
            failure = nil
            do {
                try token.withLogin(as: role, pin: pin, evenIfNotRequired: true) {
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
            // Some cards check the PIN of the login only now.
            if let failure, [.pinIncorrect, .pinLocked].contains(failure.returnValue) {
                throw failure
            }
        }
        guard let failure else { return }
        // The login has proved the old PIN, so the token has rejected the new one.
        throw IssuanceError(
            failure.concernsPIN ? .tokenNotWritable : .tokenFailed, at: .setUp,
            failure.concernsPIN
                ? "the token rejected the new PIN; the PIN is unchanged"
                : doing,
            tokenError: failure)
    }

    private func prove(_ role: UserType, _ pin: borrowing Secret) throws(IssuanceError) {
        // Read the token again, because its flags have changed.
        let fresh = try at(.setUp, "cannot read the token again") {
            try token.refreshed()
        }
        do {
            let _: Void = try fresh.withLogin(as: role, pin: pin, evenIfNotRequired: true) {
                () in
            }
        } catch {
            // The code is not `pinRefused`, because the PIN that authorised the change was right.
            throw IssuanceError(
                .notProved, at: .setUp, "the new PIN was set, but the token does not accept it",
                tokenError: error as? CryptokiError)
        }
    }

    /// Checks that the token was not exchanged while the program waited for the user.
    private func requireSameToken() throws(IssuanceError) {
        let now = try at(.setUp, "cannot read the token again") {
            try token.refreshed()
        }
        let (was, info) = (token.info, now.info)
        guard was.serialNumber == info.serialNumber, was.label == info.label,
            was.model == info.model,
            was.flags.contains(.tokenInitialized) == info.flags.contains(.tokenInitialized)
        else {
            throw IssuanceError(
                .noSuchObject, at: .setUp,
                "another token is in the slot now; nothing was changed")
        }
    }

    /// The URIs of the module's tokens that are set up.
    private func initializedTokens() -> Set<String> {
        Set(tokens().filter { $0.info.flags.contains(.tokenInitialized) }.compactMap(uri))
    }

    private func tokens() -> [Token] {
        // A token that cannot be read is not the one that was set up.
        ((try? token.module.slots(tokenPresent: true)) ?? []).compactMap { try? $0.token() }
    }

    private func uri(_ token: Token) -> String? { try? PKCS11URI(token: token).description }

    /// Finds the token after it was set up, in its slot or in another one.
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
                .noSuchObject, at: .setUp, "cannot find the token after it was set up")
        }
        return found[0]
    }
}
