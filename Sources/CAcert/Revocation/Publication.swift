package import OpenSSLX509
internal import TokencertTokens

/// Whether other programs can learn from the CA that a certificate is revoked.
package struct Publication: Sendable, Equatable {
    package enum Status: String, Sendable {
        /// A source reports the revocation.
        case published
        /// A source reports that the certificate is not revoked.
        case notYet
        /// The certificate names no source.
        case notOffered
        /// No source reports a status.
        case unknown
    }

    package enum Source: String, Sendable {
        /// An OCSP responder.
        case ocsp
        /// A revocation list.
        case crl
    }

    package let status: Status
    /// The source that decides; nil if the status is ``Status/notOffered`` or ``Status/unknown``.
    package var source: Source?
    /// Of a list that has the certificate: when it was issued. Of one that does not: when the next one
    /// is due; nil if the list does not say. Seconds since 1970-01-01 00:00 UTC.
    package var time: Int64?
    /// What other sources report, or why they do not; without a status, why there is none.
    package var reasons: [String] = []
    /// Whether a responder still reports the certificate as valid, while a list decides.
    package var isValidAtResponder = false

    /// Nothing is known, for this reason.
    package static func unknown(_ reason: String) -> Publication {
        Publication(status: .unknown, reasons: [reason])
    }
}

extension Publication {
    /// Decides what the answers about a revoked certificate mean. The lists are not asked if a
    /// responder reports the revocation.
    init(responders: RevocationAnswers, lists: RevocationAnswers) {
        let reasons = responders.reasons + lists.reasons
        let isValidAtResponder = responders.status == .good
        switch (responders.status, lists.status) {
        case (.revoked, _):
            self.init(status: .published, source: .ocsp, reasons: reasons)
        case (_, .revoked):
            self.init(
                status: .published, source: .crl, time: lists.listDates?.thisUpdate,
                reasons: reasons, isValidAtResponder: isValidAtResponder)
        case (_, .good):
            self.init(
                status: .notYet, source: .crl, time: lists.listDates?.nextUpdate,
                reasons: reasons, isValidAtResponder: isValidAtResponder)
        case (.good, _):
            self.init(status: .notYet, source: .ocsp, reasons: reasons)
        default:
            self.init(status: .unknown, reasons: reasons)
        }
    }
}

/// Asks the CA's responders and revocation lists about certificates that the CA has revoked. A list,
/// and a responder that does not answer, is asked once for any number of certificates.
package struct PublicationCheck {
    private let anchors: TrustAnchors
    private let known: [Certificate]
    private let now: Int64
    private var responders = OCSPResponders()
    private var lists: RevocationLists

    /// Creates a check without sending anything. `issuers` are searched in addition to the anchors;
    /// `now` is in seconds since 1970-01-01 00:00 UTC.
    package init(anchors: TrustAnchors, issuers: [Certificate], now: Int64) {
        self.anchors = anchors
        known = anchors.certificates + issuers
        self.now = now
        // A list in the cache may be older than the revocation.
        lists = RevocationLists(cache: nil, now: now)
    }

    /// Asks the responders that a certificate names and, if none reports the revocation, gets its
    /// revocation list. As in `Revocation`, only for a certificate that leads to an anchor.
    package mutating func publication<Carrier: RevocationTransport & ~Copyable>(
        of certificate: Certificate, through carrier: inout Carrier
    ) -> Publication {
        let lacksLists = certificate.revocationListAddresses.isEmpty
        guard !lacksLists || !certificate.ocspAddresses.isEmpty else {
            return Publication(status: .notOffered)
        }
        guard certificate.notAfter >= now else {
            return .unknown("it has expired, and CAs need not report the revocation any longer")
        }
        guard let issuer = known.first(where: { $0.hasIssued(certificate) }) else {
            return .unknown(
                "its issuer is not known, so no answer can be verified: \(certificate.issuer.text)")
        }
        guard leadsToAnchor(certificate) else {
            return .unknown("it does not chain to a trust anchor")
        }
        let answers = responders.answers(about: certificate, issuedBy: issuer, &carrier)
        if case .revoked = answers.status {
            return Publication(responders: answers, lists: RevocationAnswers())
        }
        return Publication(
            responders: answers,
            lists: lists.answers(about: certificate, issuedBy: issuer, &carrier))
    }

    /// Dates are ignored: an issuer that has expired may still report revocations.
    private func leadsToAnchor(_ certificate: Certificate) -> Bool {
        (try? anchors.verify(certificate, intermediates: known, at: nil)) != nil
    }
}
