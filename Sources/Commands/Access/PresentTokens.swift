internal import Cryptoki
internal import TokencertPlatform
internal import TokencertTokens

/// The tokens that a command goes over: the one that is selected or, if none is, all that are present.
/// A PIN from a file, a variable or a program belongs to one token: with `--pin-source`, one must be
/// selected; with a setting, no PIN is sent to several tokens.
struct PresentTokens {
    enum Work: String {
        case list = "listed"
        case check = "checked"
        case renew = "renewed"

        /// Whether a token whose description cannot be read is a failure and not only a warning.
        fileprivate var needsEveryToken: Bool { self != .list }
    }

    /// One token or more.
    let tokens: [TokenCapabilities]
    /// Whether the user types the PIN of each token.
    let hasPINsOfAll: Bool
    private let options: TokenOptions
    private let uri: PKCS11URI?
    private let work: Work
    /// Why the description of one more token cannot be read, or nil.
    let unseen: Failure?

    /// Finds the tokens. A named object is searched for on one token only. Throws ``Failure`` if no token
    /// is present, or if several match and one must be selected.
    init(_ options: TokenOptions, _ name: ObjectName?, for work: Work) throws {
        // A renewal needs every PIN; the others log in only if a source is given.
        let asksForAll =
            work == .renew
            ? (try? options.asksForAllPINs) ?? false
            : (try? options.source(nil))?.asksPerson ?? false
        self.options = options
        self.work = work
        uri = name?.uri
        hasPINsOfAll = asksForAll
        guard name == nil, setting(options.token, .token) == nil,
            asksForAll || options.pinSource == nil && work != .renew
        else {
            do {
                tokens = [try findTokenToRead(options, name?.uri)]
            } catch let failure as Failure
                where failure.code == Failure.severalTokens && name == nil && work == .renew
            {
                throw failure.with(
                    message: "several tokens are present, but a PIN that is not typed belongs to "
                        + "one token")
            }
            unseen = nil
            return
        }
        var trouble: Failure?
        tokens = try findTokens(options, onlyReading: try options.source(nil) == nil) { error in
            trouble = error.trouble.map { Failure($0) }
            if let trouble, !work.needsEveryToken {
                printError(
                    "warning: a token is not \(work.rawValue): \(printable(trouble.message))")
            }
            return error.candidates
        }
        unseen = work.needsEveryToken ? trouble : nil
    }

    var areSeveral: Bool { tokens.count > 1 || unseen != nil }

    /// Whether to log in to each token; nil if there is one, whose source of the PIN decides.
    var logsIn: Bool? { areSeveral ? hasPINsOfAll : nil }

    /// The line above what is printed about a token: among several, with what distinguishes it.
    func title(of token: TokenCapabilities) -> String {
        let info = token.token.info
        let name = "token \"\(printable(info.label))\""
        guard areSeveral else { return name }
        let hasSeveralModules = Set(tokens.map(\.token.module.path)).count > 1
        return name + printable(" (\(info.model), serial \(info.serialNumber))")
            + (hasSeveralModules ? ", \(token.token.module.options)" : "")
    }

    /// The options that select a token in a command, after a space. The only token is selected as on
    /// the command line.
    func selection(of token: TokenCapabilities) -> String {
        let typed = options.selection(uri, token.token)
        guard areSeveral, let named = NamedToken(token.token) else { return typed }
        let all = tokens.compactMap { NamedToken($0.token) }
        // Two modules can show the same token.
        guard all.contains(where: { $0.uri == named.uri && $0.module != named.module }) else {
            return "\(typed) \(named.option(among: all))"
        }
        let ofModule = all.filter { $0.module == named.module }
        return "\(typed) \(named.module) \(named.option(among: ofModule))"
    }
}

extension PresentTokens {
    /// The failures and findings of a command on its tokens.
    struct Outcome {
        let count: Int
        let work: Work
        var failures: [Failure] = []
        var hasFindings = false

        /// Throws ``Failure`` with the status of the first token that failed, else ``Findings`` if a
        /// token has any.
        func requireSuccess() throws {
            if let first = failures.first {
                var failure = first.with(
                    message: "\(failures.count) of \(count) tokens cannot be \(work.rawValue)")
                failure.isInJSON = true
                throw failure
            }
            if hasFindings { throw Findings() }
        }
    }

    /// Runs the body on each token. If there are several, the failure of one is reported in its place
    /// and does not stop the others, unless the user interrupts, and JSON is an array of what the body
    /// prints for each token. ``Findings`` do not count as a failure.
    func forEach(
        _ output: CommonOptions, _ body: (TokenCapabilities) throws -> Void
    ) throws -> Outcome {
        var outcome = Outcome(count: tokens.count + (unseen == nil ? 0 : 1), work: work)
        guard areSeveral else {
            do {
                try body(tokens[0])
            } catch is Findings {
                outcome.hasFindings = true
            }
            return outcome
        }
        if output.isJSON {
            tellJSONPrinted()
            print("{\"schemaVersion\":\(jsonSchemaVersion),\"tokens\":[")
        }
        for (index, token) in tokens.enumerated() {
            if index > 0 { print(output.isJSON ? "," : "") }
            do {
                try body(token)
            } catch is Findings {
                outcome.hasFindings = true
            } catch let error as SecretError where error.code == .interrupted {
                throw error
            } catch {
                let failure = Failure(error)
                outcome.failures.append(failure)
                try report(failure, token.token, output)
            }
        }
        if let unseen {
            print(output.isJSON ? "," : "")
            outcome.failures.append(unseen)
            try report(unseen, nil, output)
        }
        if output.isJSON { print("]}") }
        return outcome
    }

    /// Shows a failure in place of what would be printed about a token, which is nil if its
    /// description cannot be read.
    private func report(_ failure: Failure, _ token: Token?, _ output: CommonOptions) throws {
        guard output.isJSON else {
            let name = token.map { "token \"\(printable($0.info.label))\"" } ?? "a token"
            print("\(name) cannot be \(work.rawValue): \(printable(failure.message))")
            return
        }
        let described = try token.map { try TokenReport($0) }
        print(try jsonLine(FailedToken(token: described, error: FailureReport(failure))))
    }

    private struct FailedToken: Encodable {
        let token: TokenReport?
        let error: FailureReport
    }
}
