internal import OpenSSLX509

/// A signature with a broken hash function in the chain of a certificate. Chains with one do not
/// chain to an anchor, so the issuers are followed here by their signatures only.
struct WeakSignature {
    /// A description for the user.
    let text: String
    /// Whether the issuers chain to an anchor.
    let leadsToAnchor: Bool

    /// As in the search for chains.
    private static let maximumLength = 10

    /// Finds the first such signature; nil if there is none below an anchor or a self-signed
    /// certificate, whose own signatures do not matter.
    init?(of certificate: Certificate, _ authorities: [Certificate], _ anchors: TrustAnchors?) {
        let anchors = anchors?.certificates ?? []
        var text: String?
        var current = certificate
        for depth in 0..<Self.maximumLength {
            if anchors.contains(current) || current.subject == current.issuer { break }
            if text == nil, let hash = current.weakSignatureHash {
                text =
                    depth == 0
                    ? "it is signed with \(hash), which can be forged"
                    : "the CA certificate \(current.displayName) in its chain is signed with "
                        + "\(hash), which can be forged"
            }
            // CAs sign the certificate of an intermediate again, so one issuer may have several.
            let issuers = (anchors + authorities).filter { $0.hasIssued(current) }
            guard
                let issuer = issuers.first(where: { anchors.contains($0) })
                    ?? issuers.first(where: { $0.weakSignatureHash == nil }) ?? issuers.first
            else { break }
            current = issuer
        }
        guard let text else { return nil }
        self.text = text
        leadsToAnchor = anchors.contains(current)
    }
}
