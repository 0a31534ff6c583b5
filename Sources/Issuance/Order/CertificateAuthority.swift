package import TokencertLedger

/// A CA as orders see it: what an account there may have, and what becomes of an order.
package protocol CertificateAuthority: AnyObject, SendableMetatype {
    /// Where the CA is, without a slash at its end.
    var url: String { get }
    /// The account's name there.
    var account: String { get }

    /// Chooses what a certificate can say, of what is asked for and of what the account may have.
    /// Nothing is ordered.
    ///
    /// - Parameter request: What the user asks for; what is nil or empty is chosen where there is
    ///   one choice.
    /// - Throws: ``IssuanceError`` at ``Step/plan``.
    func grant(_ request: IssuanceRequest) throws(IssuanceError) -> CertificateGrant

    /// Sends an order, once. An order is not idempotent: sent twice, two certificates are issued.
    ///
    /// - Parameter order: What is ordered, as ``grant(_:)`` has chosen it.
    func place(_ order: CertificateOrder) -> PlacedOrder

    /// What an answer to an order means. Nothing in it is verified yet.
    static func meaning(of answer: OrderEvent.Answer) -> AnswerMeaning
}

/// What a certificate of an account can say.
package struct CertificateGrant: Sendable, Hashable {
    /// The name in the certificate.
    package let name: String
    /// The addresses, in order.
    package let emailAddresses: [String]
    /// Whether it is good for signing code.
    package let codeSigning: Bool

    /// Makes a grant.
    package init(name: String, emailAddresses: [String], codeSigning: Bool) {
        self.name = name
        self.emailAddresses = emailAddresses
        self.codeSigning = codeSigning
    }
}

/// What is sent to a CA.
package struct CertificateOrder: Sendable, Hashable {
    /// What the certificate shall say.
    package let grant: CertificateGrant
    /// The request in PEM.
    package let request: String
}

/// What became of sending an order.
package enum PlacedOrder: Sendable {
    /// Something came back, whole or not.
    case answered(OrderEvent.Answer)
    /// Nothing was sent. The reason, in words.
    case notSent(String)
    /// It may have been sent, and nothing came back. The reason, in words.
    case unanswered(String)
}

/// What an answer means.
package enum AnswerMeaning: Sendable, Hashable {
    /// The CA says that it issued: a text with certificates in PEM.
    case issued([UInt8])
    /// The CA refused, and will not issue. The reason, in words.
    case refused(String, concernsCredentials: Bool)
    /// The CA has the order and had no certificate in time: it may still issue one. The CA's number
    /// of the order, or nil.
    case pending(String?)
    /// It is not known whether the CA has the order. The reason, in words.
    case unclear(String)
}

/// How a name is written in a certificate.
package enum NameForm: Sendable, Hashable {
    /// As it is.
    case exact
    /// Each byte of its UTF-8 as a character of its own, as CAcert's signer does unless its
    /// configuration says UTF-8: `Müller` becomes `MÃ¼ller`. Characters from U+0080 to U+009F,
    /// which are control characters, may be among them.
    case byteByByte

    /// The form of a name that a text has, compared character by character; nil if it is another
    /// name.
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
