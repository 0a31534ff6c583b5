package import Cryptoki
internal import TokencertPlatform

/// How the user selected a token.
package enum TokenChoice: Sendable {
    /// A URI (RFC 7512).
    case uri(PKCS11URI)
    /// The complete label or the complete serial number of the token.
    case name(String)
    /// Whether the token matches.
    ///
    /// - Throws: `CryptokiError` if the token or its module fails.
    package func fits(_ token: Token) throws(CryptokiError) -> Bool {
        switch self {
        case .uri(let uri): try uri.matches(token)
        case .name(let name):
            isTokenName(name, label: token.info.labelBytes, serialNumber: token.info.serialNumber)
        }
    }

    /// Whether it matches at most one token, so a token that cannot be read is certainly another
    /// one. Several tokens may have the same label, model and manufacturer, and some modules give
    /// every token a serial number of zeros.
    fileprivate func isUnique(in modules: [Module]) -> Bool {
        guard case .uri(let uri) = self else { return false }
        let hasSerialNumber = uri.serialNumber?.contains { $0 != "0" && $0 != " " } ?? false
        return hasSerialNumber || uri.namesSlotID && modules.count == 1
    }
}

/// Whether a name is the complete label or the complete serial number of a token.
///
/// They are compared as bytes. For a label that is not UTF-8, use a URI.
package func isTokenName(_ name: String, label: [UInt8], serialNumber: String) -> Bool {
    label == Array(name.utf8)
        // Some modules report a serial number of zeros for every token.
        || serialNumber.utf8.elementsEqual(name.utf8)
            && name.contains { $0 != "0" && $0 != " " }
}

extension [TokenChoice] {
    /// Whether a token matches all choices.
    ///
    /// - Throws: `CryptokiError` if the token or its module fails.
    package func fit(_ token: Token) throws(CryptokiError) -> Bool {
        for choice in self where try !choice.fits(token) { return false }
        return true
    }
}

/// Why the choices did not select exactly one token.
package struct TokenSelectionError: Error, Sendable {
    /// The kind of failure. Later versions may add codes.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        private let value: String
        /// The name of the code, which later versions keep.
        package var description: String { value }

        package static let none = Code(value: "none")
        /// More than one token matches; one of them may be a token that cannot be read, which is not among
        /// the candidates.
        package static let several = Code(value: "several")
        package static let uninitialized = Code(value: "uninitialized")
    }

    package let code: Code
    /// The matching tokens or, if none matches, all tokens that are set up.
    package let candidates: [Token]
    /// Whether a token that is not set up is visible.
    package var seesUninitialized = false
    /// Why a token cannot be read, or nil.
    package var trouble: CryptokiError?

    /// Whether only a token that cannot be read makes the choice ambiguous.
    package var isOfUnreadable: Bool {
        code == .several && candidates.count == 1 && trouble != nil
    }
}

/// Selects exactly one token; one that is visible through two modules counts twice. Tokens that are not
/// initialized are skipped if others match, because some modules always show one. A token that cannot be
/// read makes the choice ambiguous, unless a serial number or the slot of the only module is given.
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
        guard let trouble, !choices.contains(where: { $0.isUnique(in: modules) }) else {
            return ready[0]
        }
        // The token that cannot be read may be the one that was selected.
        guard choices.isEmpty else { throw trouble }
        throw TokenSelectionError(code: .several, candidates: ready, trouble: trouble)
    }
    guard ready.isEmpty else {
        throw TokenSelectionError(code: .several, candidates: ready, trouble: trouble)
    }
    if let trouble { throw trouble }
    if !fitting.isEmpty {
        throw TokenSelectionError(
            code: .uninitialized, candidates: fitting, seesUninitialized: true)
    }
    let initialized = all.filter { $0.info.flags.contains(.tokenInitialized) }
    throw TokenSelectionError(
        code: .none, candidates: initialized, seesUninitialized: initialized.count < all.count)
}

/// Selects exactly one token to initialize: the one that matches, whatever it contains, or without
/// choices the only one that was never initialized.
package func selectTokenToSetUp(_ choices: [TokenChoice], in modules: [Module]) throws -> Token {
    let (all, trouble) = readableTokens(in: modules)
    let fitting = try all.filter { token in
        try choices.fit(token)
            && (!choices.isEmpty || !token.info.flags.contains(.tokenInitialized))
    }
    // The token that cannot be read may be the one that was selected.
    if let trouble, fitting.count != 1 || !choices.contains(where: { $0.isUnique(in: modules) }) {
        throw trouble
    }
    if fitting.count == 1 { return fitting[0] }
    throw TokenSelectionError(
        code: fitting.isEmpty ? .none : .several, candidates: fitting.isEmpty ? all : fitting)
}

/// Selects exactly one token and reads its capabilities. If it is absent, calls `whileWaiting` once
/// and waits for at most this number of seconds.
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
        } catch let error as TokenSelectionError
            where error.code != .several || error.isOfUnreadable
        {
            // Some modules always show a token that is not initialized.
            guard ContinuousClock.now < deadline else { throw error }
        } catch let error as CryptokiError {
            // A token that was just inserted may not respond yet.
            guard seconds > 0, ContinuousClock.now < deadline else { throw error }
        }
        if !hasTold { whileWaiting() }
        hasTold = true
        waitForSlotEvent(in: modules)
    }
}

/// Waits at most one second for a token to be inserted or removed. `C_WaitForSlotEvent` is polled,
/// because a blocking call could not be interrupted.
private func waitForSlotEvent(in modules: [Module]) {
    for _ in 0..<4 {
        pause(milliseconds: 250)
        for module in modules where module.hasSlotEvent() { return }
    }
}

/// The tokens that can be read, and the last error of a token that cannot. All modules are asked at the
/// same time, because some take seconds to read a card.
private func readableTokens(in modules: [Module]) -> (tokens: [Token], trouble: CryptokiError?) {
    let found = sideBySide(modules, readableTokens)
    return (found.flatMap(\.tokens), found.compactMap(\.trouble).last)
}

@Sendable private func readableTokens(
    of module: Module
) -> (tokens: [Token], trouble: CryptokiError?) {
    var tokens: [Token] = []
    var trouble: CryptokiError?
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
    return (tokens, trouble)
}

extension CryptokiError {
    /// Whether the slot contains no usable token: it was just removed, or the module does not
    /// support the card.
    fileprivate var saysNoToken: Bool {
        returnValue == .tokenNotPresent || returnValue == .tokenNotRecognized
    }
}
