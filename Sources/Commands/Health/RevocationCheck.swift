internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertTokens

/// Asks CAs about the certificates on one token after the other, over the same connections and with
/// the same kept revocation lists.
final class RevocationCheck {
    private let revocation: Revocation
    private var client: RevocationClient

    /// Creates a check without sending anything.
    init(_ anchors: TrustAnchors?) throws {
        let cache = RevocationListCache(folder: revocationListFolder)
        revocation = Revocation(anchors: anchors, cache: cache, now: now()) { reason in
            if !Progress.shared.isQuiet { printError("note: \(printable(reason))") }
        }
        client = try RevocationClient()
    }

    /// The findings about the revocation of certificates on a token. Issuers are also searched for in the
    /// inventory, which is that of the whole token.
    func findings(
        _ entries: [CertificateEntry], among inventory: TokenInventory, _ health: TokenHealth
    ) -> [Finding] {
        revocation.findings(
            entries, among: inventory, through: &client,
            serialNumber: health.distinctiveSerialNumber)
    }
}
