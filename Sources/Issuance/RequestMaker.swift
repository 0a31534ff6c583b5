public import Cryptoki
public import Ledger
public import OpenSSLX509
public import Secrets

/// A signed request and the key that it is for.
public struct MadeRequest: Sendable {
    /// The request.
    public let request: CertificateRequest
    /// The key.
    public let key: TokenKey
}

/// Makes requests on a token for a web form or another CA, without an account.
public struct RequestMaker: Sendable {
    private let token: Token
    private let allowsLastTry: Bool
    private let progress: @Sendable (Step) -> Void

    /// Prepares a token.
    ///
    /// - Parameters:
    ///   - token: The token.
    ///   - allowsLastTry: Whether a PIN is sent that would lock the token if it were wrong.
    ///   - progress: Is told when a step begins.
    public init(
        token: Token, allowsLastTry: Bool, progress: @escaping @Sendable (Step) -> Void
    ) {
        self.token = token
        self.allowsLastTry = allowsLastTry
        self.progress = progress
    }

    /// Finds out which key will be used, and whether it can be. Nothing is changed.
    ///
    /// - Parameter request: What a person asks for.
    /// - Throws: ``IssuanceError`` at ``Step/plan``.
    public func plan(_ request: IssuanceRequest) throws(IssuanceError) -> KeyPlan {
        progress(.plan)
        let planning = KeyPlanning(
            token: token, acceptance: .anything, allowsLastTry: allowsLastTry)
        try requireSubject(name: request.name, emailAddresses: request.emailAddresses)
        let label = request.emailAddresses.first ?? request.name ?? "tokencert"
        return try planning.plan(request, defaultLabel: label)
    }

    /// Makes the key, if there is to be a new one, and has the token sign the request.
    ///
    /// - Parameters:
    ///   - plan: What ``plan(_:)`` found.
    ///   - request: What the request shall say.
    ///   - pin: The user's PIN, UTF-8; sent once, and once more for a key that wants that.
    ///   - ledger: What remembers a new key.
    /// - Throws: ``IssuanceError``; it names a key that was made and stays.
    public func make(
        _ plan: KeyPlan, _ request: IssuanceRequest, pin: borrowing Secret, in ledger: Ledger
    ) throws(IssuanceError) -> MadeRequest {
        let uri = try tokenURI(token)
        return try withUserLogin(token, pin: pin) { () throws(IssuanceError) in
            let work = try TokenWork(token, uri, .anything)
            var session = try work.openSession()
            progress(.generate)
            switch plan {
            case .existing(let uri):
                let key = try work.generation.find(uri, &session)
                do throws(IssuanceError) {
                    return try make(key, request, work, &session, pin: pin)
                } catch {
                    var error = error
                    error.key = key.named(on: token)
                    throw error
                }
            case .generate(let kind, let id, let label):
                try requireFree(id, &session, at: .generate)
                var beginning = OrderEvent.Beginning(
                    job: .request, token: uri.description, modulePath: token.module.path,
                    keyID: hexadecimal(id), keyLabel: label)
                beginning.newKeyKind = kind.name
                let journal = try Journal(beginning, in: ledger)
                let key = try journal.following(nil, on: token) { () throws(IssuanceError) in
                    try work.generation.generate(kind, id: id, label: label, &session)
                }
                return try journal.following(key, on: token) { () throws(IssuanceError) in
                    let made = try make(key, request, work, &session, pin: pin)
                    try journal.insist(.requested(request: made.request.pem), at: .request)
                    return made
                }
            }
        }
    }

    private func make(
        _ key: TokenKey, _ request: IssuanceRequest, _ work: TokenWork,
        _ session: inout Session<ReadWrite>, pin: borrowing Secret
    ) throws(IssuanceError) -> MadeRequest {
        progress(.request)
        let signed = try work.request(
            key, name: request.name, emailAddresses: request.emailAddresses,
            codeSigning: request.codeSigning, &session, pin: pin)
        return MadeRequest(request: signed, key: key)
    }
}
