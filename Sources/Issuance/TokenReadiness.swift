public import Cryptoki
internal import OpenSSLX509
public import Secrets

/// What is known of a token before anybody logs in to it.
struct TokenReadiness {
    let token: Token
    let mechanisms: Set<MechanismType>

    init(_ token: Token, allowingLastTry: Bool) throws(IssuanceError) {
        self.token = token
        let flags = token.info.flags
        if flags.contains(.writeProtected) {
            throw IssuanceError(
                .tokenNotWritable, at: .plan, "the token is write-protected")
        }
        try requireUsablePIN(token, allowingLastTry: allowingLastTry)
        mechanisms = Set(
            try at(.plan, "asking the token for its mechanisms") { () throws(CryptokiError) in
                try token.mechanisms()
            })
    }

    /// The kind of key to make: the one that was asked for, or the best that token and CA have.
    func keyKind(
        _ wanted: KeyKind?, _ acceptance: KeyAcceptance
    ) throws(IssuanceError) -> KeyKind {
        if let wanted {
            guard acceptance.contains(wanted) else {
                throw IssuanceError(
                    .keyNotAccepted, at: .plan,
                    "the CA signs no keys of kind \(wanted); no key was made")
            }
            if let reason = try lack(wanted) {
                throw IssuanceError(.tokenUnsuitable, at: .plan, reason)
            }
            return wanted
        }
        let kinds = [.rsa(bits: 3072), .rsa(bits: 2048)].filter(acceptance.contains)
        var reason: String?
        for kind in kinds {
            guard let lack = try lack(kind) else { return kind }
            reason = lack
        }
        if let reason { throw IssuanceError(.tokenUnsuitable, at: .plan, reason) }
        throw IssuanceError(
            .keyNotAccepted, at: .plan, "the CA signs no RSA keys, so a kind has to be named")
    }

    /// What the token lacks to make and use a key of a kind, or nil.
    private func lack(_ kind: KeyKind) throws(IssuanceError) -> String? {
        guard let generation = kind.generationMechanism, mechanisms.contains(generation) else {
            return "the token makes no keys of kind \(kind)"
        }
        guard signatureLadder(for: kind).contains(where: { mechanisms.contains($0.mechanism) })
        else {
            return "the token does not sign with keys of kind \(kind)"
        }
        let info = try at(.plan, "asking the token about \(generation)") {
            () throws(CryptokiError) in try token.mechanismInfo(generation)
        }
        if case .rsa(let bits) = kind, let sizes = info.keySizes, !sizes.contains(bits) {
            return """
                the token makes RSA keys of \(sizes.lowerBound) to \(sizes.upperBound) bits, \
                not of \(bits)
                """
        }
        if case .ec(let curve) = kind, let sizes = info.keySizes, sizes.upperBound > 64,
            !sizes.contains(curve.bits)
        {
            return """
                the token makes keys on curves of \(sizes.lowerBound) to \(sizes.upperBound) \
                bits, not of \(curve.bits)
                """
        }
        return nil
    }
}

/// Insists that the user's PIN can be sent, by what the token says of it.
///
/// - Parameters:
///   - token: The token, as it was just looked at.
///   - allowingLastTry: Whether a PIN may be sent that would lock the token if it were wrong.
/// - Throws: ``IssuanceError`` at ``Step/plan``; nothing was sent.
public func requireUsablePIN(_ token: Token, allowingLastTry: Bool) throws(IssuanceError) {
    let flags = token.info.flags
    guard flags.contains(.loginRequired) else { return }
    if !flags.contains(.userPINInitialized) {
        throw IssuanceError(
            .tokenNotWritable, at: .plan, "the token has no user PIN yet")
    }
    if flags.contains(.userPINLocked) {
        throw IssuanceError(.pinRefused, at: .plan, "the token's PIN is locked")
    }
    if flags.contains(.userPINToBeChanged) {
        throw IssuanceError(
            .pinRefused, at: .plan, "the token's PIN has to be changed before it can be used")
    }
    if flags.contains(.userPINFinalTry), !allowingLastTry {
        throw IssuanceError(
            .pinLastTry, at: .plan, "one more wrong PIN locks the token; no PIN was sent")
    }
}

/// Insists that a PIN can be right by its length, before it is sent.
///
/// - Parameters:
///   - pin: The PIN.
///   - token: The token that it is for.
/// - Throws: ``IssuanceError``; nothing was sent.
public func requirePossiblePIN(
    _ pin: borrowing Secret, _ token: Token
) throws(IssuanceError) {
    let flags = token.info.flags
    let lengths = token.info.pinLengths
    guard flags.contains(.loginRequired), !flags.contains(.protectedAuthenticationPath),
        !lengths.contains(pin.count)
    else { return }
    throw IssuanceError(
        .pinRefused, at: .generate,
        "the token's PINs have \(lengths.lowerBound) to \(lengths.upperBound) bytes; "
            + "a PIN of another length was not sent")
}

extension NamedCurve {
    fileprivate var bits: Int {
        switch self {
        case .p256: 256
        case .p384: 384
        case .p521: 521
        }
    }
}

extension KeyKind {
    /// How a key of the kind is made, or nil for a kind that is not made here.
    var generationMechanism: MechanismType? {
        switch self {
        case .rsa: .rsaPKCSKeyPairGen
        case .ec: .ecKeyPairGen
        case .ed25519: .ecEdwardsKeyPairGen
        case .other: nil
        }
    }
}
