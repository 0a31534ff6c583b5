/// The certificates that everything hangs on.
public struct TrustAnchors: Sendable {
    /// The anchors.
    public let certificates: [Certificate]

    /// Makes a set of anchors.
    ///
    /// - Parameter certificates: The anchors. One that is not self-signed is an anchor all the
    ///   same: chains end there.
    public init(_ certificates: [Certificate]) {
        self.certificates = certificates
    }

    /// Whether there are none, so that nothing can be verified.
    public var isEmpty: Bool { certificates.isEmpty }

    /// The anchors in PEM, one after the other.
    public var pem: String { certificates.map(\.pem).joined() }

    /// Insists that a chain of signatures leads from a certificate to an anchor.
    ///
    /// An issuer is found by its name and key identifier and proved by its signature. Its serial
    /// number plays no part, since CAcert has signed its root and its class 3 certificate anew
    /// with the same keys. Every chain that can be built is looked at, so neither the order of the
    /// anchors nor that of the intermediates matters, and one that has expired does no harm beside
    /// one that is valid.
    ///
    /// RSA keys in the chain have 2048 bits or more, and no signature below an anchor is made with
    /// SHA-1 or MD5. Path length, name constraints and the right to sign certificates are those of
    /// RFC 5280. No certificate below an anchor has ``Certificate/malformedExtensions``. An
    /// extended key usage in an intermediate limits those below it: at least one usage of the
    /// certificate must remain. The C function is `X509_verify_cert`.
    ///
    /// - Parameters:
    ///   - certificate: The certificate.
    ///   - intermediates: Certificates that may stand between; they need not be of use, nor right.
    ///   - time: When all of the chain must be valid, in seconds since 1970-01-01 00:00 UTC. The
    ///     last second of a validity is part of it. If it is nil, dates play no part.
    /// - Throws: ``X509Error`` with code ``X509Error/Code/outsideValidity`` where dates are the
    ///   only reason, and ``X509Error/Code/untrusted`` for any other.
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
                code: .outsideValidity,
                context: "\(place) \(isEarly ? "is not valid yet" : "has expired")", reasons: [])
        case .untrusted(let error):
            throw error
        }
    }

    /// Tells whether a certificate leads to an anchor and, separately, whether all of its chain is
    /// valid at a time. The rules are those of ``verify(_:intermediates:at:)``.
    ///
    /// - Parameters:
    ///   - certificate: The certificate.
    ///   - intermediates: Certificates that may stand between; they need not be of use, nor right.
    ///   - time: Seconds since 1970-01-01 00:00 UTC. If it is nil, dates play no part.
    public func status(
        of certificate: Certificate, intermediates: [Certificate] = [], at time: Int64?
    ) -> ChainStatus {
        let search = ChainSearch(
            from: certificate, among: certificates + intermediates, upTo: Set(certificates))
        var best: (outside: [Certificate], chain: [Certificate])?
        var failure: X509Error?
        for chain in search.chains {
            do throws(X509Error) {
                try Self.validate(chain)
            } catch {
                failure = failure ?? error
                continue
            }
            let outside = time.map { time in chain.filter { !$0.isValid(at: time) } } ?? []
            if outside.count < best?.outside.count ?? Int.max { best = (outside, chain) }
        }
        guard let best else { return .untrusted(failure ?? search.reason) }
        return best.outside.isEmpty
            ? .valid(chain: best.chain) : .outsideValidity(best.outside, chain: best.chain)
    }

    /// How errors name a certificate of a chain.
    static func place(of certificate: Certificate, in chain: [Certificate]) -> String {
        guard let depth = chain.firstIndex(of: certificate), depth > 0 else {
            return "the certificate"
        }
        return "certificate \(depth) of its chain (\(certificate.displayName))"
    }
}

/// Whether a certificate leads to a trust anchor, and whether all of its chain is valid.
public enum ChainStatus: Sendable, Equatable {
    /// It leads to an anchor, and all of the chain is valid at the time. The chain begins with the
    /// certificate and ends with the anchor.
    case valid(chain: [Certificate])
    /// It leads to an anchor, but the certificates named first are not valid at the time. They are
    /// in the order of the chain: the certificate alone if nothing above it has expired.
    case outsideValidity([Certificate], chain: [Certificate])
    /// No chain leads to an anchor, or each breaks a rule other than the dates.
    case untrusted(X509Error)
}
