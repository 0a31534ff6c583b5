/// The configuration of the stand-in. The defaults are those of CAcert, except for the delay.
package struct StandInConfiguration: Sendable {
    /// The issuer of certificates.
    package enum Signer: String, Sendable, CaseIterable {
        /// The class 1 root.
        case class1
        /// The class 3 intermediate.
        case class3
    }

    /// The encoding in which the signer reads names.
    package enum Names: String, Sendable, CaseIterable {
        case utf8
        /// ISO-8859-1, as `openssl` does without `-utf8`.
        case latin1
    }

    /// The form in which certificates are sent.
    package enum AnswerForm: String, Sendable, CaseIterable {
        /// The certificate in PEM.
        case plain
        /// The certificate as text, then in PEM, then the issuer's certificate, with CRLF line ends.
        case messy
    }

    /// The folder for keys, certificates and accounts. Missing files are created.
    package var directory: String
    /// The port on 127.0.0.1; 0 selects a free one.
    package var port = 0
    /// The time in seconds that each order waits for its certificate. CAcert's server waits 10.
    package var delay = 0.0
    /// The time in seconds that the signer needs. If it exceeds the delay, the order fails with an
    /// `ID:`, and the certificate is issued later.
    package var signingTime = 0.0
    package var signer = Signer.class1
    /// The encoding of names. CAcert has not published which of the two its signer uses.
    package var names = Names.utf8
    package var answerForm = AnswerForm.plain
    /// Whether elliptic-curve keys are accepted. CAcert refuses them.
    package var acceptsEllipticCurves = false
    /// The fault in answers to orders.
    package var fault: Fault?
    /// The fault in answers of the account page.
    package var accountFault: Fault?
    /// The fault of the web account: in its pages, or in the certificates that it shows.
    package var webFault: Fault?
    /// Whether the login works in spite of a fault in the pages.
    package var webFaultAfterLogin = false
    /// A file with Debian weak keys, a hash of 20 hexadecimal digits on each line.
    package var weakKeysFile: String?
    /// The OCSP responder in certificates. No responder answers at the default address.
    package var ocspAddress = "http://ocsp.example.org/"
    /// The revocation list in certificates; nil for addresses of CAcert's form at which there is no
    /// list.
    package var listAddress: String?
    /// A file to which a line is appended for each request.
    package var requestLog: String?

    package init(directory: String) {
        self.directory = directory
    }
}
