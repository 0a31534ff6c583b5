package import Cryptoki

/// What a person said about which token is meant.
package enum TokenChoice: Sendable {
    /// A URI after RFC 7512.
    case uri(PKCS11URI)
    /// The whole label or the whole serial number of the token.
    case name(String)
    /// Whether a token is what was said.
    ///
    /// - Throws: `CryptokiError` where the token or its module cannot be asked.
    package func fits(_ token: Token) throws(CryptokiError) -> Bool {
        switch self {
        case .uri(let uri): try uri.matches(token)
        // Compared as bytes: use a URI for a label that is not UTF-8.
        case .name(let name):
            token.info.labelBytes == Array(name.utf8) || token.info.serialNumber == name
        }
    }

    /// Whether it fits one token at most, so that a token that cannot be read is not the one that
    /// is meant. Several tokens may have the same label, model and manufacturer, and some modules
    /// give all tokens a serial number of zeros.
    fileprivate func isUnique(in modules: [Module]) -> Bool {
        guard case .uri(let uri) = self else { return false }
        let hasSerialNumber = uri.serialNumber?.contains { $0 != "0" && $0 != " " } ?? false
        return hasSerialNumber || uri.namesSlotID && modules.count == 1
    }
}

extension [TokenChoice] {
    /// Whether a token is all that was said.
    ///
    /// - Throws: `CryptokiError` where the token or its module cannot be asked.
    package func fit(_ token: Token) throws(CryptokiError) -> Bool {
        for choice in self where try !choice.fits(token) { return false }
        return true
    }
}

/// Why a choice did not lead to exactly one token.
package struct TokenSelectionError: Error, Sendable {
    /// What kind of failure this is. Later versions may add to these.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        private let value: String
        /// The code's name. It stays the same in later versions.
        package var description: String { value }

        /// No token fits.
        package static let none = Code(value: "none")
        /// More than one token fits.
        package static let several = Code(value: "several")
        /// What fits is not set up.
        package static let uninitialized = Code(value: "uninitialized")
    }

    /// The kind of failure.
    package let code: Code
    /// The tokens that could be meant: those that fit, or, where none does, all that are there.
    package let candidates: [Token]
}

/// Finds exactly one token.
///
/// Tokens that are not set up are passed over where others fit, since some modules always show one.
/// A token that is seen through two modules at once counts twice: which module is used is a choice
/// too. A token that cannot be read at the moment makes the choice uncertain, unless a serial
/// number or the slot of the only module is named.
///
/// - Parameters:
///   - choices: What was said about the token; it has to fit all of it.
///   - modules: Where it is looked for.
/// - Returns: The token.
/// - Throws: ``TokenSelectionError``, or `CryptokiError` if a module or a token failed and nothing
///   fits, or the choice is uncertain.
package func selectToken(_ choices: [TokenChoice], in modules: [Module]) throws -> Token {
    var (all, trouble) = readableTokens(in: modules)
    var fitting: [Token] = []
    for token in all {
        do throws(CryptokiError) {
            if try choices.fit(token) { fitting.append(token) }
        } catch {
            all.removeAll { $0.slot.id == token.slot.id && $0.module === token.module }
            if !error.saysNoToken { trouble = error }
        }
    }
    let ready = fitting.filter { $0.info.flags.contains(.tokenInitialized) }
    if ready.count == 1 {
        // A token that cannot be read may be the one that is meant.
        if let trouble, !choices.contains(where: { $0.isUnique(in: modules) }) { throw trouble }
        return ready[0]
    }
    guard ready.isEmpty else {
        throw TokenSelectionError(code: .several, candidates: ready)
    }
    if let trouble { throw trouble }
    if !fitting.isEmpty {
        throw TokenSelectionError(code: .uninitialized, candidates: fitting)
    }
    throw TokenSelectionError(
        code: .none, candidates: all.filter { $0.info.flags.contains(.tokenInitialized) })
}

/// Finds exactly one token that is to be set up: the one that was named, whatever is on it, or the
/// only one that never was.
///
/// - Parameters:
///   - choices: What was said about the token; nothing for one that was never set up.
///   - modules: Where it is looked for.
/// - Returns: The token.
/// - Throws: ``TokenSelectionError``, or `CryptokiError` where a module cannot be asked.
package func selectTokenToSetUp(_ choices: [TokenChoice], in modules: [Module]) throws -> Token {
    let (all, trouble) = readableTokens(in: modules)
    let fitting = try all.filter { token in
        try choices.fit(token)
            && (!choices.isEmpty || !token.info.flags.contains(.tokenInitialized))
    }
    // A token that cannot be read may be the one that is meant.
    if let trouble, fitting.count != 1 || !choices.contains(where: { $0.isUnique(in: modules) }) {
        throw trouble
    }
    if fitting.count == 1 { return fitting[0] }
    throw TokenSelectionError(
        code: fitting.isEmpty ? .none : .several, candidates: fitting.isEmpty ? all : fitting)
}

/// Finds exactly one token and asks it what it can do, and waits for it where it is not there.
///
/// - Parameters:
///   - choices: What was said about the token; it has to fit all of it.
///   - modules: Where it is looked for.
///   - seconds: How long a token that is not there is waited for.
///   - profiles: As for ``TokenCapabilities``.
///   - chosenProfile: As for ``TokenCapabilities``.
///   - whileWaiting: Called once where it has to be waited for.
/// - Returns: The token and what is known of it.
/// - Throws: As ``selectToken(_:in:)``, once the time is over.
package func selectToken(
    _ choices: [TokenChoice], in modules: [Module], waitingSeconds seconds: Int,
    profiles: [TokenProfile], chosenProfile: String?, whileWaiting: () -> Void
) throws -> TokenCapabilities {
    let deadline = ContinuousClock.now + .seconds(seconds)
    var hasTold = false
    while true {
        do {
            return try TokenCapabilities(
                try selectToken(choices, in: modules), profiles: profiles,
                chosenProfile: chosenProfile)
        } catch let error as TokenSelectionError where error.code != .several {
            // Some modules always show a token that is not set up.
            guard ContinuousClock.now < deadline else { throw error }
        } catch let error as CryptokiError {
            // A token that is being put in may not answer yet.
            guard seconds > 0, ContinuousClock.now < deadline else { throw error }
        }
        if !hasTold { whileWaiting() }
        hasTold = true
        waitForSlotEvent(in: modules)
    }
}

/// Waits until a token may have been put in or taken out, a second at most.
///
/// Where a module tells of events, it is asked for them a few times; else the second is waited for.
/// The C function is `C_WaitForSlotEvent`, which is never left blocking: nothing could end it.
private func waitForSlotEvent(in modules: [Module]) {
    for _ in 0..<4 {
        pause(milliseconds: 250)
        for module in modules where module.hasSlotEvent() { return }
    }
}

/// The tokens that can be read, and the last reason why one cannot be read.
private func readableTokens(in modules: [Module]) -> (tokens: [Token], trouble: CryptokiError?) {
    var tokens: [Token] = []
    var trouble: CryptokiError?
    for module in modules {
        do throws(CryptokiError) {
            for slot in try module.slots(tokenPresent: true) {
                // A failure of one token does not hide the others.
                do throws(CryptokiError) {
                    tokens.append(try slot.token())
                } catch {
                    if !error.saysNoToken { trouble = error }
                }
            }
        } catch {
            trouble = error
        }
    }
    return (tokens, trouble)
}

extension CryptokiError {
    /// Whether it means that the slot contains no token of the module: it was just removed, or it
    /// is a card that the module does not support.
    fileprivate var saysNoToken: Bool {
        returnValue == .tokenNotPresent || returnValue == .tokenNotRecognized
    }
}
