internal import Cryptoki
internal import OpenSSLX509
internal import TokencertIssuance
internal import TokencertLedger

/// What the options of `renew` mean for each certificate.
struct RenewalWishes {
    let makesKeys: Bool
    /// The kind of the new key that the command line names, or nil.
    let keyKind: KeyKind?
    /// The kind that the environment or the configuration file sets, or nil. It is not used if it is
    /// weaker than that of the old key.
    let usualKeyKind: KeyKind?
    /// Whether the old certificate is removed from the token afterwards.
    let isRetired: Bool
    let acceptsChanges: Bool

    init(_ command: RenewCommand) throws {
        keyKind = try command.keyType.map { try RequestOptions.keyKind($0) }
        usualKeyKind = try setting(nil, .keyType).map { try RequestOptions.keyKind($0) }
        makesKeys = keyKind != nil || setting(command.newKey, .newKey)
        isRetired = setting(command.retire, .retire)
        acceptsChanges = setting(command.acceptChanges, .acceptChanges)
    }

    /// The request for a certificate that replaces an older one, which the user may have named.
    func request(for candidate: RenewalCandidate, isNamed: Bool) -> IssuanceRequest {
        var request = content(of: candidate)
        request.key =
            makesKeys
            ? newKey(for: candidate)
            : .existing(candidate.key, publicKey: candidate.certificate.publicKey)
        request.replacement = replacement(for: candidate, isNamed: isNamed)
        return request
    }

    /// The request for a certificate with the same content as one on `token`, for another token.
    func copy(of candidate: RenewalCandidate, on token: PKCS11URI) -> IssuanceRequest {
        var request = content(of: candidate)
        request.key = newKey(for: candidate)
        request.original = .init(certificate: candidate.certificate.pem, token: token.description)
        return request
    }

    /// The old certificate, as the order replaces it.
    func replacement(for candidate: RenewalCandidate, isNamed: Bool) -> Replacement {
        Replacement(
            candidate.certificate, isRetired: isRetired,
            isForced: isNamed || !candidate.lostReplacements.isEmpty,
            isDestroyable: candidate.isDestroyable)
    }

    private func newKey(for candidate: RenewalCandidate) -> IssuanceRequest.KeyChoice {
        keyKind.map { .generate($0) }
            ?? .generateAtLeast(candidate.certificate.publicKey.kind, preferring: usualKeyKind)
    }

    private func content(of candidate: RenewalCandidate) -> IssuanceRequest {
        var request = IssuanceRequest()
        let old = candidate.certificate
        request.name = old.subject.commonNames.last
        request.emailAddresses = old.emailAddresses
        request.codeSigning = old.extendedKeyUsages.contains(.codeSigning)
        request.acceptsChanges = acceptsChanges
        request.labelBytes = candidate.label
        return request
    }
}
