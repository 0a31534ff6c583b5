internal import Cryptoki
internal import Ledger
internal import OpenSSLX509
internal import Secrets

/// The steps that are done on a token while its user is logged in.
struct TokenWork {
    let token: Token
    let tokenURI: PKCS11URI
    let mechanisms: Set<MechanismType>
    private let acceptance: KeyAcceptance

    init(_ token: Token, _ tokenURI: PKCS11URI, _ acceptance: KeyAcceptance) throws(IssuanceError) {
        self.token = token
        self.tokenURI = tokenURI
        self.acceptance = acceptance
        mechanisms = Set(
            try at(.generate, "asking the token for its mechanisms") { () throws(CryptokiError) in
                try token.mechanisms()
            })
    }

    func openSession() throws(IssuanceError) -> Session<ReadWrite> {
        do throws(CryptokiError) {
            return try token.openSession(ReadWrite.self)
        } catch {
            throw IssuanceError(error, at: .generate, while: "no session can be opened")
        }
    }

    /// Makes and finds keys.
    var generation: GenerateStep { GenerateStep(tokenURI: tokenURI, acceptance: acceptance) }

    /// The key of an order that was begun: the one that it names, or the one that it has made, or
    /// nil where it came to none.
    func key(
        of order: Order, _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> TokenKey? {
        if let hash = order.publicKeyHash {
            return try generation.find(
                id: bytes(hexadecimal: order.beginning.keyID), publicKeyHash: hash, &session)
        }
        guard case .generate(let kind, let id, let label) = try KeyPlan(order.beginning) else {
            throw IssuanceError(
                .noSuchObject, at: .generate, "the ledger does not tell the key of this order")
        }
        return try generation.findMade(kind, id: id, label: label, &session)
    }

    /// The same, with a new key where it came to none.
    func key(
        of order: Order, orMaking plan: KeyPlan, _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> TokenKey {
        if let key = try key(of: order, &session) { return key }
        guard case .generate(let kind, let id, let label) = plan else {
            throw IssuanceError(
                .noSuchObject, at: .generate, "the key of this order is not on the token")
        }
        try requireFree(id, &session, at: .generate)
        return try generation.generate(kind, id: id, label: label, &session)
    }

    func request(
        _ key: TokenKey, name: String?, emailAddresses: [String], codeSigning: Bool,
        _ session: inout Session<ReadWrite>, pin: borrowing Secret
    ) throws(IssuanceError) -> CertificateRequest {
        let step = RequestStep(mechanisms: mechanisms, codeSigning: codeSigning)
        return try step(key, name: name, emailAddresses: emailAddresses, &session, pin: pin)
    }
}

func tokenURI(_ token: Token) throws(IssuanceError) -> PKCS11URI {
    try at(.plan, "reading the token") { () throws(CryptokiError) in
        try PKCS11URI(token: token)
    }
}

/// Does something while the user is logged in. A PIN that cannot be right is not sent.
func withUserLogin<Result>(
    _ token: Token, pin: borrowing Secret, _ body: () throws(IssuanceError) -> Result
) throws(IssuanceError) -> Result {
    try requirePossiblePIN(pin, token)
    do {
        return try token.withLogin(as: .user, pin: pin) { try body() }
    } catch let error as IssuanceError {
        throw error
    } catch let error as CryptokiError {
        throw IssuanceError(error, at: .generate, while: error.loginFailure)
    } catch {
        throw IssuanceError(.tokenFailed, at: .generate, "\(error)")
    }
}

extension CryptokiError {
    fileprivate var loginFailure: String {
        switch returnValue {
        case .pinIncorrect: "the PIN is wrong; it was sent once and will not be sent again"
        case .pinLocked: "the PIN is locked"
        case .pinExpired: "the PIN has to be changed before it can be used"
        case .pinInvalid, .pinLenRange: "the token takes no such PIN"
        default: "the login failed"
        }
    }
}

/// Reads hexadecimal digits that the ledger has.
func bytes(hexadecimal text: String) -> [UInt8] {
    let digits = text.compactMap { $0.hexDigitValue.map { UInt8($0) } }
    return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}
