internal import OpenSSLX509

/// Asks OCSP responders about certificates.
struct OCSPResponders {
    /// The maximum number of responders that are asked about a certificate.
    private static let mostAsked = 4

    /// The addresses that did not answer, with the reason. They are not asked again.
    private var silent: [String: String] = [:]

    /// Asks the responders in order until one reports a revocation. If one reports "good", the next
    /// may still know of a revocation.
    mutating func answers<Carrier: RevocationTransport & ~Copyable>(
        about certificate: Certificate, issuedBy issuer: Certificate, _ carrier: inout Carrier
    ) -> RevocationAnswers {
        var answers = RevocationAnswers()
        for address in certificate.ocspAddresses {
            guard Self.isWebAddress(address) else {
                answers.reasons.append("\(address) was not asked: not an http: or https: address")
                continue
            }
            guard answers.asked < Self.mostAsked else {
                answers.reasons.append(
                    "\(address) was not asked: \(Self.mostAsked) responders were asked before it")
                break
            }
            answers.asked += 1
            do throws(NoRevocationStatus) {
                if let reason = silent[address] { throw NoRevocationStatus(reason: reason) }
                switch try Self.status(of: certificate, issuer, at: address, &carrier) {
                case .good: answers.add(.good)
                case .revoked(let time):
                    let text = time.map { "the CA revoked it on " + revocationDay($0) }
                    answers.add(.revoked(text ?? "the CA has revoked it"))
                    return answers
                case .unknown:
                    answers.add(.unknown)
                    answers.reasons.append("\(address) does not know the certificate")
                }
            } catch {
                if error.isSilence { silent[address] = error.reason }
                answers.reasons.append(error.reason)
            }
        }
        return answers
    }

    private static func isWebAddress(_ address: String) -> Bool {
        let start = address.prefix(8).lowercased()
        return start.hasPrefix("http://") || start == "https://"
    }

    private static func status<Carrier: RevocationTransport & ~Copyable>(
        of certificate: Certificate, _ issuer: Certificate, at address: String,
        _ carrier: inout Carrier
    ) throws(NoRevocationStatus) -> RevocationStatus {
        let question: OCSPQuestion
        do throws(X509Error) {
            question = try OCSPQuestion(about: certificate, issuedBy: issuer)
        } catch {
            throw NoRevocationStatus(reason: "\(address): \(error)")
        }
        let answer: TransportAnswer
        do throws(TransportError) {
            answer = try carrier.ask(address, question.der)
        } catch {
            throw NoRevocationStatus(
                reason: "cannot query \(address): \(error.reason)", isSilence: true)
        }
        guard answer.status == 200 else {
            throw NoRevocationStatus(reason: "\(address) answered with HTTP \(answer.status)")
        }
        do throws(X509Error) {
            return try question.status(in: answer.body)
        } catch {
            throw NoRevocationStatus(reason: "\(address): \(error)")
        }
    }
}
