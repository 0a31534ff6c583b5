public import Cryptoki

/// What a person said about which token is meant.
public enum TokenChoice: Sendable {
    /// A URI after RFC 7512.
    case uri(PKCS11URI)
    /// The whole label of the token.
    case label(String)
    /// Nothing: there has to be only one.
    case onlyOne

    /// Whether a token is what was said.
    ///
    /// - Parameter token: The token.
    /// - Throws: `CryptokiError` where the token or its module cannot be asked.
    public func fits(_ token: Token) throws(CryptokiError) -> Bool {
        switch self {
        case .uri(let uri): try uri.matches(token)
        case .label(let label): token.info.label == label
        case .onlyOne: true
        }
    }
}

/// Why a choice did not lead to exactly one token.
public struct TokenSelectionError: Error, Sendable {
    /// What kind of failure this is. Later versions may add to these.
    public struct Code: Sendable, Hashable {
        private let value: String

        /// No token fits.
        public static let none = Code(value: "none")
        /// More than one token fits.
        public static let several = Code(value: "several")
        /// What fits is not set up.
        public static let uninitialized = Code(value: "uninitialized")
    }

    /// The kind of failure.
    public let code: Code
    /// The tokens that could be meant: those that fit, or, where none does, all that are there.
    public let candidates: [Token]
}

/// Finds exactly one token.
///
/// Tokens that are not set up are passed over where others fit, since some modules always show one.
/// A token that is seen through two modules at once counts twice: which module is used is a choice
/// too.
///
/// - Parameters:
///   - choice: Which token.
///   - modules: Where it is looked for.
/// - Returns: The token.
/// - Throws: ``TokenSelectionError``, or `CryptokiError` where there is no token and a module does
///   not list its slots.
public func selectToken(_ choice: TokenChoice, in modules: [Module]) throws -> Token {
    var all: [Token] = []
    var fitting: [Token] = []
    var trouble: CryptokiError?
    for module in modules {
        // One sick module or token does not keep the others away.
        do throws(CryptokiError) {
            for token in try module.tokens() {
                all.append(token)
                do throws(CryptokiError) {
                    if try choice.fits(token) { fitting.append(token) }
                } catch {
                    trouble = error
                }
            }
        } catch {
            trouble = error
        }
    }
    let ready = fitting.filter { $0.info.flags.contains(.tokenInitialized) }
    if ready.count == 1 { return ready[0] }
    guard ready.isEmpty else {
        throw TokenSelectionError(code: .several, candidates: ready)
    }
    if !fitting.isEmpty {
        throw TokenSelectionError(code: .uninitialized, candidates: fitting)
    }
    if all.isEmpty, let trouble { throw trouble }
    throw TokenSelectionError(
        code: .none, candidates: all.filter { $0.info.flags.contains(.tokenInitialized) })
}
