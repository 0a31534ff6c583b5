/// Finds every chain of signatures from a certificate to an anchor.
///
/// If several certificates have the same name, OpenSSL follows only one chain, which depends on
/// their order. So the chains are built here, and OpenSSL validates each of them.
struct ChainSearch {
    /// The chains, each from the certificate to an anchor, shorter ones first.
    private(set) var chains: [[Certificate]] = []
    /// The error to report if there is no chain.
    private(set) var reason: X509Error

    private let candidates: [Certificate]
    private let anchors: Set<Certificate>
    /// The number of certificates that may still be examined. A token may hold any number that sign
    /// each other.
    private var remaining = 256
    private var longest = 0

    private static let maximumLength = 10

    init(from certificate: Certificate, among known: [Certificate], upTo anchors: Set<Certificate>)
    {
        candidates = Set(known).sorted { $0.der.lexicographicallyPrecedes($1.der) }
        self.anchors = anchors
        reason = X509Error(.untrusted, "there is no chain to a trust anchor")
        extend([certificate])
        // Chains of the same length keep their order.
        chains = chains.enumerated()
            .sorted { ($0.element.count, $0.offset) < ($1.element.count, $1.offset) }
            .map(\.element)
    }

    private mutating func extend(_ chain: [Certificate]) {
        guard remaining > 0, let last = chain.last else { return }
        remaining -= 1
        if anchors.contains(last) {
            chains.append(chain)
            return
        }
        guard chain.count < Self.maximumLength else { return }
        let named = candidates.filter { $0.mayHaveIssued(last) }
        let issuers = named.filter { issuer in
            !chain.contains { $0.subject == issuer.subject && $0.publicKey == issuer.publicKey }
                && issuer.hasSigned(last)
        }
        if issuers.isEmpty, chain.count > longest {
            longest = chain.count
            reason = Self.reason(chain, last, isIssuerNamed: !named.isEmpty)
        }
        for issuer in issuers { extend(chain + [issuer]) }
    }

    private static func reason(
        _ chain: [Certificate], _ last: Certificate, isIssuerNamed: Bool
    ) -> X509Error {
        let place = TrustAnchors.place(of: last, in: chain)
        guard last.issuer != last.subject else {
            return X509Error(.untrusted, "\(place) is self-signed and is not a trust anchor")
        }
        let issuer = last.issuer.text
        let context =
            isIssuerNamed
            ? "\(place) is not signed by any known certificate with the name of its issuer, \(issuer)"
            : "the issuer of \(place) is not known: \(issuer)"
        return X509Error(.untrusted, context, unknownIssuer: last.issuer)
    }
}
