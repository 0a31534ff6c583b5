package import OpenSSLX509
package import TokencertLedger

/// A CA that issues certificates for the orders of one account.
package protocol CertificateAuthority: AnyObject, SendableMetatype {
    /// The CA's address, without a trailing slash; `command:` and a command for a CA behind a program.
    var url: String { get }
    /// The account's user name.
    var account: String { get }

    /// Determines the contents of the certificate, without placing an order. Fields of the request
    /// that are nil or empty are filled in if the account offers one choice only.
    func grant(_ request: IssuanceRequest) throws(IssuanceError) -> CertificateGrant

    /// Sends an order once. Orders are not idempotent: a second one yields a second certificate.
    func place(_ order: CertificateOrder) -> PlacedOrder

    /// Whether ``findLate(_:)`` may be called: the user has agreed to a login to the account.
    var findsLate: Bool { get }

    /// Searches the account for the certificate of an order that was sent, and orders nothing. It may
    /// wait for the CA, as long as the user permits.
    func findLate(_ order: SentOrder) -> LateResult

    /// The address at which a member finds the certificate with this number, or nil.
    static func address(ofCertificate number: String, at url: String) -> String?

    /// Classifies an answer to an order. Certificates in it are not verified.
    static func meaning(of answer: OrderEvent.Answer) -> AnswerMeaning
}

/// The contents of a certificate that the account can obtain.
package struct CertificateGrant: Sendable, Hashable {
    package let name: String
    package let emailAddresses: [String]
    /// Whether the certificate permits code signing.
    package let codeSigning: Bool

    package init(name: String, emailAddresses: [String], codeSigning: Bool) {
        self.name = name
        self.emailAddresses = emailAddresses
        self.codeSigning = codeSigning
    }

    init(_ asked: OrderEvent.Issue) {
        self.init(
            name: asked.name, emailAddresses: asked.emailAddresses, codeSigning: asked.codeSigning)
    }
}

package struct CertificateOrder: Sendable, Hashable {
    package let grant: CertificateGrant
    /// The certificate signing request in PEM.
    package let request: String

    package init(grant: CertificateGrant, request: String) {
        self.grant = grant
        self.request = request
    }
}

/// The result of sending an order; the strings are reasons for the user.
package enum PlacedOrder: Sendable {
    /// The CA answered; the answer may be incomplete.
    case answered(OrderEvent.Answer)
    case notSent(String)
    /// The order may have been sent, but the CA did not answer.
    case unanswered(String)
}

/// An order that was sent and has no certificate.
package struct SentOrder: Sendable, Hashable {
    /// The CA's number of the order, or nil if it is not known.
    package let number: String?
    /// SHA-256 of the key's SubjectPublicKeyInfo, in hexadecimal.
    package let publicKeyHash: String
    /// When it was sent, in seconds since 1970-01-01 00:00 UTC.
    package let time: Int64
    package let order: CertificateOrder

    package init(number: String?, publicKeyHash: String, time: Int64, order: CertificateOrder) {
        self.number = number
        self.publicKeyHash = publicKeyHash
        self.time = time
        self.order = order
    }
}

/// The growing pauses between the searches for a late certificate.
package struct SearchPauses: Sendable {
    /// The time to wait in all, in seconds.
    private let limit: Int
    /// The time waited so far, in seconds.
    package private(set) var waited = 0
    private var pause = 2
    private let start = ContinuousClock.now

    package init(limit: Int) {
        self.limit = limit
    }

    /// The next pause in seconds, or nil after the limit.
    package mutating func next() -> Int? {
        // The searches take time, too.
        waited = max(waited, Int((ContinuousClock.now - start).components.seconds))
        guard waited < limit else { return nil }
        let seconds = min(pause, limit - waited)
        waited += seconds
        pause = min(pause * 2, 60)
        return seconds
    }
}

/// A certificate in the account that the CA did not send in its answer.
package struct LateCertificate: Sendable {
    /// The CA's number of the certificate.
    package let number: String
    package let certificate: Certificate
    package let isRevoked: Bool
    /// Certificates that came with it and may be needed to reach a trust anchor, in PEM.
    package var others = ""

    package init(number: String, certificate: Certificate, isRevoked: Bool) {
        self.number = number
        self.certificate = certificate
        self.isRevoked = isRevoked
    }
}

/// The result of a search for a late certificate; the strings are reasons for the user.
package enum LateResult: Sendable {
    /// Certificates for the key, or the one with the order's number. Nothing else is verified.
    case found([LateCertificate])
    /// The account has no certificate for the order so far.
    case notYet(String)
    /// The account could not be searched.
    case failed(String, advice: [String])
}

/// The meaning of the CA's answer to an order.
package enum AnswerMeaning: Sendable, Hashable {
    /// The CA issued a certificate; the bytes contain certificates in PEM.
    case issued([UInt8])
    /// The CA refused the order for this reason and will not issue a certificate.
    case refused(String, concernsCredentials: Bool)
    /// The CA has the order and may still issue a certificate. The CA's number of the order, or nil.
    case pending(String?)
    /// It is unknown, for this reason, whether the CA has the order.
    case unclear(String)
}

/// The encoding of a name in a certificate.
package enum NameForm: Sendable, Hashable {
    /// The name is unchanged.
    case exact
    /// Each byte of the UTF-8 is a separate character: `Müller` becomes `MÃ¼ller`. CAcert's signer
    /// does this unless it is configured for UTF-8. The result may contain control characters
    /// (U+0080 to U+009F).
    case byteByByte

    /// Determines the form in which a text contains a name, or nil if the text is another name.
    package init?(of name: String, in text: String) {
        if text.utf8.elementsEqual(name.utf8) {
            self = .exact
        } else if text.unicodeScalars.lazy.map(\.value).elementsEqual(
            name.utf8.lazy.map { UInt32($0) })
        {
            self = .byteByByte
        } else {
            return nil
        }
    }
}
