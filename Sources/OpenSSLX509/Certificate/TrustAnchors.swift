/// The certificates that are trusted without further proof.
public struct TrustAnchors: Sendable {
    /// The anchors.
    public let certificates: [Certificate]

    private let set: Set<Certificate>

    /// Creates a set of anchors.
    ///
    /// - Parameter certificates: The anchors. They need not be self-signed: every chain ends at the
    ///   first anchor.
    public init(_ certificates: [Certificate]) {
        self.certificates = certificates
        set = Set(certificates)
    }

    /// Whether there are no anchors, so no certificate can be verified.
    public var isEmpty: Bool { certificates.isEmpty }

    /// The anchors as PEM, one after the other.
    public var pem: String { certificates.map(\.pem).joined() }

    /// Verifies that a chain of signatures leads from a certificate to an anchor.
    ///
    /// An issuer is found by its name and key identifier and proved by its signature. Its serial
    /// number is ignored, because CAcert has signed its root and class 3 certificates again with
    /// the same keys. Every possible chain is tried, so the order of anchors and intermediates does
    /// not matter, and an expired certificate does not hide a valid one.
    ///
    /// RSA keys in the chain must have 2048 bits or more, and no signature below an anchor may use
    /// SHA-1 or MD5. Path length, name constraints and the right to sign certificates follow RFC
    /// 5280. No certificate below an anchor may have ``Certificate/malformedExtensions``. An
    /// extended key usage in an intermediate limits the certificates below it: at least one usage
    /// of the certificate must remain. The C function is `X509_verify_cert`.
    ///
    /// - Parameters:
    ///   - certificate: The certificate.
    ///   - intermediates: Possible intermediates. Unrelated certificates do no harm.
    ///   - time: The time at which the whole chain must be valid, in seconds since 1970-01-01 00:00
    ///     UTC. The last second of a validity is included. If the time is nil, dates are ignored.
    /// - Throws: ``X509Error`` with code ``X509Error/Code/outsideValidity`` if dates are the only
    ///   reason, or ``X509Error/Code/untrusted`` for any other reason.
    public func verify(
        _ certificate: Certificate, intermediates: [Certificate] = [], at time: Int64?
    ) throws(X509Error) {
        switch status(of: certificate, intermediates: intermediates, at: time) {
        case .valid:
            return
        case .outsideValidity(let outside, let chain):
            let first = outside[0]
            let place = Self.place(of: first, in: chain)
            let isEarly = time.map { $0 < first.notBefore } ?? false
            throw X509Error(
                .outsideValidity, "\(place) \(isEarly ? "is not valid yet" : "has expired")")
        case .untrusted(let error):
            throw error
        }
    }

    /// Determines whether a certificate leads to an anchor and, separately, whether its whole chain
    /// is valid at a time. The rules are those of ``verify(_:intermediates:at:)``.
    ///
    /// - Parameters:
    ///   - certificate: The certificate.
    ///   - intermediates: Possible intermediates. Unrelated certificates do no harm.
    ///   - time: Seconds since 1970-01-01 00:00 UTC. If the time is nil, dates are ignored.
    public func status(
        of certificate: Certificate, intermediates: [Certificate] = [], at time: Int64?
    ) -> ChainStatus {
        let search = ChainSearch(
            from: certificate, among: certificates + intermediates, upTo: set)
        var best: (outside: [Certificate], chain: [Certificate])?
        var failure: X509Error?
        for chain in search.chains {
            do throws(X509Error) {
                try Self.validate(chain)
            } catch {
                failure = failure ?? error
                failure?.isChainRejected = true
                continue
            }
            let outside = time.map { time in chain.filter { !$0.isValid(at: time) } } ?? []
            if outside.count < best?.outside.count ?? Int.max { best = (outside, chain) }
        }
        guard let best else { return .untrusted(failure ?? search.reason) }
        return best.outside.isEmpty
            ? .valid(chain: best.chain) : .outsideValidity(best.outside, chain: best.chain)
    }

    /// How errors refer to a certificate of a chain.
    static func place(of certificate: Certificate, in chain: [Certificate]) -> String {
        guard let depth = chain.firstIndex(of: certificate), depth > 0 else {
            return "the certificate"
        }
        return "certificate \(depth) of its chain (\(certificate.displayName))"
    }
}

/// Whether a certificate chains to a trust anchor, and whether its whole chain is valid.
public enum ChainStatus: Sendable, Equatable {
    /// The certificate leads to an anchor, and the whole chain is valid at the time. The chain
    /// begins with the certificate and ends with the anchor.
    case valid(chain: [Certificate])
    /// The certificate leads to an anchor, but the certificates in the first value are not valid at
    /// the time. They have the order of the chain.
    case outsideValidity([Certificate], chain: [Certificate])
    /// No chain leads to an anchor, or every chain breaks a rule other than the dates.
    case untrusted(X509Error)
}
