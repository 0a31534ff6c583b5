public import CAcert
public import Cryptoki
public import OpenSSLX509
public import Secrets

/// What an issue needs besides the token and the account.
public struct IssuanceSettings: Sendable {
    /// Where every certificate must lead to.
    public var anchors: TrustAnchors
    /// Which keys the CA signs.
    public var acceptance: KeyAcceptance
    /// Whether a PIN is sent that would lock the token if it were wrong.
    public var allowsLastTry: Bool
    /// The time, in seconds since 1970-01-01 00:00 UTC.
    public var clock: @Sendable () -> Int64
    /// Keeps what the CA answered before anybody looks at it, and tells where.
    public var keepAnswer: @Sendable (_ answer: [UInt8], _ key: TokenKey) throws -> String
    /// Is told when a step begins.
    public var progress: @Sendable (Step) -> Void
    /// Is told which key is used, before anything is ordered for it.
    public var keyReady: @Sendable (TokenKey) -> Void

    /// Makes settings.
    ///
    /// - Parameters:
    ///   - anchors: Where every certificate must lead to.
    ///   - acceptance: Which keys the CA signs.
    ///   - allowsLastTry: Whether a PIN is sent that would lock the token if it were wrong.
    ///   - clock: The time, in seconds since 1970-01-01 00:00 UTC.
    ///   - keepAnswer: Keeps what the CA answered, and tells where.
    ///   - progress: Is told when a step begins.
    ///   - keyReady: Is told which key is used, before anything is ordered for it.
    public init(
        anchors: TrustAnchors, acceptance: KeyAcceptance, allowsLastTry: Bool,
        clock: @escaping @Sendable () -> Int64,
        keepAnswer: @escaping @Sendable (_ answer: [UInt8], _ key: TokenKey) throws -> String,
        progress: @escaping @Sendable (Step) -> Void,
        keyReady: @escaping @Sendable (TokenKey) -> Void
    ) {
        self.keyReady = keyReady
        self.anchors = anchors
        self.acceptance = acceptance
        self.allowsLastTry = allowsLastTry
        self.clock = clock
        self.keepAnswer = keepAnswer
        self.progress = progress
    }
}

/// Puts certificates of one account onto one token.
public struct Issuer<Carrier: Transport & ~Copyable>: ~Copyable {
    private let token: Token
    private let settings: IssuanceSettings
    private var api: API<Carrier>

    /// Makes an issuer. Nothing is sent yet.
    ///
    /// - Parameters:
    ///   - token: The token.
    ///   - api: The account.
    ///   - settings: Everything else.
    public init(token: Token, api: consuming API<Carrier>, settings: IssuanceSettings) {
        self.token = token
        self.api = api
        self.settings = settings
    }

    /// Finds out what will be done, and whether it can be. Nothing is changed anywhere and no PIN
    /// is needed: keys that are seen only after a login are looked at later.
    ///
    /// - Parameter request: What a person asks for.
    /// - Throws: ``IssuanceError`` at ``Step/plan``.
    public mutating func plan(_ request: IssuanceRequest) throws(IssuanceError) -> Plan {
        settings.progress(.plan)
        let planning = KeyPlanning(
            token: token, acceptance: settings.acceptance, allowsLastTry: settings.allowsLastTry)
        // The token first: what it says costs nothing.
        var key = try planning.plan(request, defaultLabel: "")
        let account = AccountChoices(account: try accountStatus())
        let name = try account.name(request.name)
        let addresses = try account.emailAddresses(request.emailAddresses)
        try account.requireCodeSigning(request.codeSigning)
        try requireSubject(name: name.text, emailAddresses: addresses)
        if case .generate(let kind, let id, _) = key, request.label == nil {
            key = .generate(kind, id: id, label: addresses.first ?? name.text)
        }
        return Plan(
            token: token, tokenURI: try tokenURI(token), key: key, name: name,
            emailAddresses: addresses, codeSigning: request.codeSigning,
            acceptsChanges: request.acceptsChanges, certificateLabel: request.label)
    }

    private mutating func accountStatus() throws(IssuanceError) -> AccountStatus {
        do throws(CAcertError) {
            return try api.accountStatus()
        } catch {
            throw IssuanceError(account: error)
        }
    }

    /// Does what was planned: makes the key, has the token sign, orders once, checks, writes and
    /// reads back.
    ///
    /// - Parameters:
    ///   - plan: What ``plan(_:)`` found.
    ///   - pin: The user's PIN, UTF-8; sent once, and once more for each use of a key that wants
    ///     that.
    /// - Returns: The certificate on the token.
    /// - Throws: ``IssuanceError``; it names a key that was made and stays, and what the CA
    ///   answered.
    public mutating func issue(
        _ plan: Plan, pin: borrowing Secret
    ) throws(IssuanceError) -> IssuedCertificate {
        try withUserLogin(token, pin: pin) { () throws(IssuanceError) in
            try run(plan, pin: pin)
        }
    }

    private mutating func run(
        _ plan: Plan, pin: borrowing Secret
    ) throws(IssuanceError) -> IssuedCertificate {
        let work = try TokenWork(token, plan.tokenURI, settings)
        var session = try work.openSession()
        settings.progress(.generate)
        let key = try work.generate(plan.key, &session)
        settings.keyReady(key)
        var received: ReceivedAnswer?
        var written: String?
        do throws(IssuanceError) {
            settings.progress(.request)
            let request = try work.request(
                key, name: plan.name.text, emailAddresses: plan.emailAddresses,
                codeSigning: plan.codeSigning, &session, pin: pin)
            settings.progress(.order)
            let (answer, interruption) = try order(request, plan)
            let kept = keep(answer, key)
            received = kept
            settings.progress(.verify)
            let verified = try verify(answer, interruption, key, plan)
            settings.progress(.write)
            let write = WriteStep(tokenURI: plan.tokenURI)
            let uri = try write(verified, for: key, label: plan.certificateLabel, &session)
            written = uri
            settings.progress(.readBack)
            let readBack = ReadBackStep(mechanisms: work.mechanisms)
            try readBack(verified, for: key, on: token, pin: pin)
            return IssuedCertificate(
                certificate: verified.certificate, key: key, uri: uri, answer: kept,
                differences: verified.differences)
        } catch {
            var error = error
            error.key = key.named(on: token)
            error.answer = received
            error.writtenCertificate = written
            throw error
        }
    }

    /// Places the order. An answer that broke off comes with what broke it.
    private mutating func order(
        _ request: CertificateRequest, _ plan: Plan
    ) throws(IssuanceError) -> (TransportAnswer, interruption: String?) {
        let order = CertificateOrder(
            emailAddresses: plan.emailAddresses, name: plan.name, codeSigning: plan.codeSigning,
            requestPEM: request.pem)
        do throws(TransportError) {
            return (try api.place(order), nil)
        } catch {
            guard error.mayHaveBeenSent else {
                throw IssuanceError(
                    .caUnreachable, at: .order,
                    "the CA cannot be reached, nothing was ordered: \(error.reason)")
            }
            guard !error.partialAnswer.isEmpty else {
                throw IssuanceError(
                    .orderPending, at: .order,
                    "the order went out and no answer came back: \(error.reason)")
            }
            return (TransportAnswer(status: 200, body: error.partialAnswer), error.reason)
        }
    }

    /// Checks an answer. One that broke off is good where the certificate was in it.
    private func verify(
        _ answer: TransportAnswer, _ interruption: String?, _ key: TokenKey, _ plan: Plan
    ) throws(IssuanceError) -> VerifiedCertificate {
        let verify = VerifyStep(anchors: settings.anchors, time: settings.clock())
        do throws(IssuanceError) {
            return try verify(OrderOutcome(answer), for: key, plan)
        } catch {
            guard let interruption, error.code != .certificateDiffers else { throw error }
            throw IssuanceError(
                .orderPending, at: .order,
                "the order went out and its answer broke off: \(interruption)")
        }
    }

    /// Keeps an answer before anybody looks at it. Where that fails it is still used.
    private func keep(_ answer: TransportAnswer, _ key: TokenKey) -> ReceivedAnswer {
        ReceivedAnswer(file: try? settings.keepAnswer(answer.body, key), bytes: answer.body)
    }
}

extension IssuanceError {
    /// What a failure of the account page means for a job that begins with it.
    ///
    /// - Parameter error: The failure.
    public init(account error: CAcertError) {
        let code: Code =
            switch error.code {
            case .credentials: .credentialsRefused
            case .refused: .orderRefused
            default: .caUnreachable
            }
        let reason =
            switch error.code {
            case .credentials: "the CA does not know this user name with this password"
            case .refused: "the CA refuses: \(error.reason)"
            case .notTheAPI: "what answers is not the CA's API: \(error.reason)"
            default: "the CA cannot be reached: \(error.reason)"
            }
        self.init(code, at: .plan, reason)
    }
}
