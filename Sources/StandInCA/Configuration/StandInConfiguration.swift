/// How the stand-in behaves.
package struct StandInConfiguration: Sendable {
    /// Who signs members' certificates.
    package enum Signer: String, Sendable, CaseIterable {
        /// The class 1 root.
        case class1
        /// The class 3 intermediate.
        case class3
    }

    /// How the signer interprets the bytes of a name.
    package enum Names: String, Sendable, CaseIterable {
        /// As UTF-8.
        case utf8
        /// Each byte as a character of ISO-8859-1, as `openssl` does without `-utf8`.
        case latin1
    }

    /// In which form certificates are sent.
    package enum AnswerForm: String, Sendable, CaseIterable {
        /// The certificate in PEM.
        case plain
        /// A dump in text before it, CRLF line ends, and the issuer's certificate after it.
        case messy
    }

    /// The folder with its keys, certificates and accounts; what is missing is made.
    package var directory: String
    /// The port on 127.0.0.1; 0 takes any that is free.
    package var port = 0
    /// How long each order waits for its certificate, in seconds. CAcert's server waits 10.
    package var delay = 0.0
    /// How long the signer takes, in seconds. More than the delay: the order fails with an
    /// `ID:`, and the certificate is issued later.
    package var signingTime = 0.0
    /// Who signs.
    package var signer = Signer.class1
    /// How the signer interprets names. CAcert has not published which of the two its signer
    /// does.
    package var names = Names.utf8
    /// The form of certificates.
    package var answerForm = AnswerForm.plain
    /// Whether keys on elliptic curves are signed, which CAcert does not do.
    package var acceptsEllipticCurves = false
    /// What is done wrong with orders, if anything.
    package var fault: Fault?
    /// What is done wrong with the account page, if anything.
    package var accountFault: Fault?
    /// A file with Debian weak keys, a hash of 20 hexadecimal digits a line, or nil.
    package var weakKeysFile: String?
    /// Where certificates say that their status can be asked. Nobody answers there.
    package var ocspAddress = "http://ocsp.example.org/"
    /// A file that a line is added to for each request, or nil.
    package var requestLog: String?

    /// Makes a configuration with everything as CAcert has it, but without its delay.
    package init(directory: String) {
        self.directory = directory
    }
}
