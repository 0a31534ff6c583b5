internal import CurlHTTP
internal import Inventory
internal import OpenSSLX509

/// Asks CAs whether they have revoked what is on a token.
struct Revocation {
    /// Among them the issuers are looked for, and among the certificates of the token.
    let anchors: TrustAnchors?

    /// What is to be said about the certificates that tell where to ask.
    func findings(_ inventory: TokenInventory) throws -> [Finding] {
        let entries =
            inventory.keys.flatMap { $0.certificates + $0.mismatchedCertificates }
            + inventory.certificates
        let known = (anchors?.certificates ?? []) + inventory.authorities
        var client = try UnverifiedHTTPClient(
            userAgent: userAgent,
            limits: HTTPLimits(connectTimeout: 10, timeout: 30))
        var findings: [Finding] = []
        for entry in entries {
            guard let certificate = entry.certificate, certificate.notAfter >= now() else {
                continue
            }
            let uri = entry.record.uri
            do throws(Unknown) {
                let status = try Self.status(of: certificate, known, &client)
                if case .revoked(let time) = status {
                    let day = time.map { " on " + timestamp($0).prefix(10) } ?? ""
                    findings.append(Finding(.revoked, uri, "the CA has revoked it\(day)"))
                } else if status == .unknown {
                    findings.append(
                        Finding(.revocationUnknown, uri, "the CA's responder does not know it"))
                }
            } catch {
                findings.append(Finding(.revocationUnknown, uri, error.reason))
            }
        }
        return findings
    }

    /// Why it could not be found out.
    private struct Unknown: Error {
        let reason: String
    }

    private static func status(
        of certificate: Certificate, _ known: [Certificate],
        _ client: inout UnverifiedHTTPClient
    ) throws(Unknown) -> RevocationStatus {
        guard let address = certificate.ocspAddresses.first else {
            throw Unknown(reason: "the certificate does not say where to ask for its status")
        }
        guard let issuer = known.first(where: { $0.hasIssued(certificate) }) else {
            throw Unknown(reason: "its issuer is not known, so no answer about it can be checked")
        }
        do {
            let question = try OCSPQuestion(about: certificate, issuedBy: issuer)
            Progress.shared.begin("asking \(address)", onToken: false)
            defer { Progress.shared.abandon() }
            let answer = try client.post(
                to: address, question.der, contentType: "application/ocsp-request")
            guard answer.status == 200 else {
                throw Unknown(reason: "\(address) answers with HTTP \(answer.status)")
            }
            return try question.status(in: answer.body)
        } catch let error as Unknown {
            throw error
        } catch let error as HTTPError {
            throw Unknown(reason: "\(address) cannot be asked: \(error.reason)")
        } catch {
            throw Unknown(reason: "\(address): \(error)")
        }
    }
}
