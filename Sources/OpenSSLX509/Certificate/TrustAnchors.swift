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
}
