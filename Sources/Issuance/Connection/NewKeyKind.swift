internal import OpenSSLX509
internal import TokencertTokens

/// The kind of key to generate: the requested one, or the best that both token and CA support.
func newKeyKind(
    _ wanted: KeyKind?, _ token: some TokenDescription, _ acceptance: KeyAcceptance
) throws(IssuanceError) -> KeyKind {
    func unsuitable(_ reason: String) -> IssuanceError {
        IssuanceError(
            .tokenUnsuitable, at: .plan, reason,
            choices: token.profile?.instead.map { [$0] } ?? [])
    }
    if let wanted {
        guard acceptance.contains(wanted) else {
            throw IssuanceError(
                .keyNotAccepted, at: .plan,
                "the CA does not sign \(wanted) keys; no key was generated")
        }
        if let reason = token.missingSupport(for: wanted) { throw unsuitable(reason) }
        return wanted
    }
    let kinds = [.rsa(bits: 3072), .rsa(bits: 2048)].filter(acceptance.contains)
    var reason: String?
    for kind in kinds {
        guard let lack = token.missingSupport(for: kind) else { return kind }
        reason = lack
    }
    if let reason { throw unsuitable(reason) }
    throw IssuanceError(
        .keyNotAccepted, at: .plan, "the CA does not sign RSA keys, so the key type must be given")
}

/// The kind of a key to generate in place of an older one. It is at least as strong: the preferred kind
/// if that is strong enough, otherwise the default if that is stronger, otherwise the same kind, otherwise
/// the next stronger one that both token and CA support.
func newKeyKind(
    atLeast old: KeyKind, preferring preferred: KeyKind?, _ token: some TokenDescription,
    _ acceptance: KeyAcceptance
) throws(IssuanceError) -> KeyKind {
    if let preferred, !preferred.isWeaker(than: old) {
        return try newKeyKind(preferred, token, acceptance)
    }
    func isPossible(_ kind: KeyKind) -> Bool {
        acceptance.contains(kind) && token.missingSupport(for: kind) == nil
    }
    let usual = [KeyKind.rsa(bits: 3072), .rsa(bits: 2048)].first(where: isPossible)
    if let usual, old.isWeaker(than: usual) { return usual }
    if isPossible(old) { return old }
    if let usual, !usual.isWeaker(than: old) { return usual }
    let others = KeyKind.generated.filter { !$0.isWeaker(than: old) && isPossible($0) }
    if let weakest = others.min(by: { $0.isWeaker(than: $1) }) { return weakest }
    let weaker = KeyKind.generated.filter(isPossible)
    // Without any kind, the reason is the token or the CA, not the strength.
    guard !weaker.isEmpty else { return try newKeyKind(nil, token, acceptance) }
    throw IssuanceError(
        .keyTooWeak, at: .plan,
        "refusing to order: the token and the CA support no key that is as strong as the old one "
            + "(\(old))",
        choices: weaker.map(\.name))
}

extension KeyKind {
    /// Whether a key of this kind is easier to break than one of another kind. RSA keys are compared by
    /// their size, others by the strength in bits of NIST SP 800-57 Part 1, table 2.
    func isWeaker(than other: KeyKind) -> Bool {
        if case .rsa(let bits) = self, case .rsa(let others) = other { return bits < others }
        return securityStrength < other.securityStrength
    }

    private var securityStrength: Int {
        switch self {
        case .rsa(let bits):
            switch bits {
            case ..<2048: 80
            case ..<3072: 112
            case ..<7680: 128
            case ..<15360: 192
            default: 256
            }
        case .ec(.p256), .ed25519: 128
        case .ec(.p384): 192
        case .ec(.p521): 256
        case .other: 0
        }
    }
}
