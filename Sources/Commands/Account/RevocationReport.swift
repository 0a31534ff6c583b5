internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertIssuance
internal import TokencertTokens

/// The JSON of `revoke`.
struct RevocationReport: Encodable {
    /// The URI of the lost token, or nil.
    var lostToken: String?
    let revocations: [RevokedCertificate]
    /// The orders for the lost token that may still lead to a certificate, or nil.
    var mayStillBeIssued: [Int64]?
    /// The number of valid certificates of the account that were not compared with the keys of the
    /// lost token, or nil.
    var notCompared: Int?
    /// The other certificates for the key that are not revoked, or nil for a lost token.
    var otherCertificates: [CertificateReport]?

    /// What remains to be done about the other certificates for the key of a revoked one.
    static func notes(others: [Certificate]) -> [String] {
        others.map {
            "another certificate for its key is not revoked: serial \($0.serialNumber); to revoke it: "
                + "tokencert revoke \($0.serialNumber)"
        }
    }
}

/// A certificate that was to be revoked, and what became of it.
struct RevokedCertificate: Encodable {
    enum Outcome: String, Encodable {
        case revoked
        /// It was revoked before; nothing was requested.
        case alreadyRevoked
        /// Nothing was requested; it is still valid.
        case notRevoked
        case unknown
    }

    /// The CA's number of the certificate; nil if the account does not have it.
    let number: String?
    let certificate: CertificateReport
    let tokens: [CertificatePlace]
    let outcome: Outcome
    /// Why it was not revoked, or why that is unknown; or nil.
    let reason: String?
    /// Whether other programs can learn of the revocation; nil if the CA has not revoked it.
    private(set) var publication: PublicationReport?
    private let content: Certificate

    private enum CodingKeys: String, CodingKey {
        case number, certificate, tokens, outcome, reason, publication
    }

    init(_ target: RevocationTarget, _ outcome: Outcome, reason: String? = nil) {
        number = target.number
        certificate = CertificateReport(target.content, uri: nil, now())
        tokens = target.places
        content = target.certificate
        self.outcome = outcome
        self.reason = reason
    }

    init(_ target: RevocationTarget, after result: RevocationResult) {
        switch result {
        case .revoked: self.init(target, .revoked)
        case .notRequested(let error): self.init(target, .notRevoked, reason: error.reason)
        case .unknown(let reason): self.init(target, .unknown, reason: reason)
        }
    }

    /// The certificate if the CA has revoked it, now or before; otherwise nil.
    var revokedContent: Certificate? {
        outcome == .revoked || outcome == .alreadyRevoked ? content : nil
    }

    /// Adds what is published about it if the CA has revoked it.
    mutating func add(_ publications: [Certificate: Publication]) {
        guard let revokedContent else { return }
        publication = publications[revokedContent].map { PublicationReport($0) }
    }
}

/// A certificate of the account that is to be revoked. It was downloaded and compared.
struct RevocationTarget {
    /// The CA's number of the certificate; nil if the account does not have it.
    let number: String?
    let certificate: Certificate
    /// The tokens that have it, according to the ledger.
    let places: [CertificatePlace]
    let isKnown: Bool

    init(_ number: String?, _ certificate: Certificate, _ known: LedgerCertificate?) {
        self.number = number
        self.certificate = certificate
        places = (known?.places ?? []).map { CertificatePlace($0) }
        isKnown = known != nil
    }

    var content: CertificateEntry.Content { CertificateEntry.Content(certificate) }

    /// `Anna Müller, serial 2dd50d, valid to 2028-11-27`.
    var title: String {
        let content = content
        return "\(content.subjectName), serial \(content.serialNumber), "
            + "valid to \(timestamp(content.notAfter).prefix(10))"
    }

    var tokenNames: String? {
        places.isEmpty ? nil : places.map(\.name).joined(separator: ", ")
    }
}
