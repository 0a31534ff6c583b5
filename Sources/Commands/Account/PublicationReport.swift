internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertHTTP

/// The JSON of what the CA's responders and revocation lists report about a revoked certificate.
struct PublicationReport: Encodable {
    let status: String
    let source: String?
    let time: String?
    let reason: String?
    private let publication: Publication

    private enum CodingKeys: String, CodingKey {
        case status, source, time, reason
    }

    init(_ publication: Publication) {
        self.publication = publication
        status = publication.status.rawValue
        source = publication.source?.rawValue
        time = publication.time.map { timestamp($0) }
        let reasons =
            publication.reasons
            + (publication.isValidAtResponder
                ? ["an OCSP responder still reports the certificate as valid"] : [])
        reason = reasons.isEmpty ? nil : reasons.joined(separator: "; ")
    }

    /// Whether no source reports the certificate as valid, and one reports the revocation.
    var isPublished: Bool {
        publication.status == .published && !publication.isValidAtResponder
    }

    /// What the line does not contain: the reports of other sources.
    var notes: [String] { publication.status == .unknown ? [] : publication.reasons }

    /// Which programs reject revoked certificates, by their reports; nil if a source reports one of them
    /// as valid, or none reports its revocation.
    static func rejection(_ reports: [PublicationReport?]) -> String? {
        let published = reports.compactMap { $0 }.filter { $0.isPublished }
        guard !published.isEmpty, published.count == reports.count else { return nil }
        let isByResponder = published.contains { $0.publication.source == .ocsp }
        let isByList = published.contains { $0.publication.source == .crl }
        if isByResponder, isByList {
            return "Programs that query the source shown for a certificate now reject it."
        }
        return isByResponder
            ? "Programs that ask the CA's OCSP responder reject the certificates from now on."
            : "Programs that get the CA's new revocation list reject the certificates from now on."
    }

    func line(at time: Int64) -> String {
        switch (publication.status, publication.source) {
        case (.published, .crl):
            let issued = publication.time.map { " of \(timestamp($0))" } ?? ""
            let list = "published: it is on the CA's revocation list" + issued
            return publication.isValidAtResponder
                ? list
                    + "; other programs accept the certificate if they ask the CA's OCSP responder, "
                    + "which still reports it as valid"
                : list
        case (.published, _):
            return "published: the CA's OCSP responder reports the revocation"
        case (.notYet, .ocsp):
            return
                "not published yet: other programs accept the certificate as long as the CA's OCSP "
                + "responder reports it as valid"
        case (.notYet, _):
            let due = publication.time.map { next in
                next < time
                    ? ", which was due by \(timestamp(next))"
                    : ", which is due by \(timestamp(next))"
            }
            return
                "not published yet: other programs accept the certificate until they have the CA's "
                + "next revocation list" + (due ?? "")
                + (publication.isValidAtResponder
                    ? "; the CA's OCSP responder also reports it as valid" : "")
        case (.notOffered, _):
            return "not published: the certificate names neither a responder nor a revocation list"
        case (.unknown, _):
            return "unknown whether it is published: "
                + publication.reasons.joined(separator: "; ")
        }
    }
}

/// Asks the CA's responders and revocation lists about certificates that the CA has revoked. Errors
/// are part of the answers, because the account has confirmed the revocations. The issuers are possible
/// ones, in addition to the anchors of the account and of the user.
func publications(
    of certificates: [Certificate], _ anchors: TrustAnchors, issuers: [Certificate]
) -> [Certificate: Publication] {
    guard !certificates.isEmpty else { return [:] }
    // With --ca-file, the issuer may be one of the other anchors.
    let kept = trustStore.anchorsIfAny(file: nil)?.certificates ?? []
    var check = PublicationCheck(anchors: anchors, issuers: kept + issuers, now: now())
    var answers: [Certificate: Publication] = [:]
    do throws(HTTPError) {
        var client = try RevocationClient(isBrief: true)
        for certificate in certificates where answers[certificate] == nil {
            answers[certificate] = check.publication(of: certificate, through: &client)
        }
    } catch {
        for certificate in certificates { answers[certificate] = .unknown(error.reason) }
    }
    return answers
}

/// Prints what the lines of the reports do not contain, each text once.
func printNotes(_ reports: [PublicationReport]) {
    var printed: Set<String> = []
    printNotes(reports.flatMap(\.notes).filter { printed.insert($0).inserted })
}
