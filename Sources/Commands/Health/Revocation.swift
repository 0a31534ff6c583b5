internal import OpenSSLX509
internal import TokencertHTTP
internal import TokencertInventory

/// Asks CAs whether they have revoked what is on a token.
struct Revocation {
    /// Among them the issuers are looked for, and among the certificates of the token.
    let anchors: TrustAnchors?

    /// What is to be said about certificates. Only those that tell where to ask and that lead to an
    /// anchor are asked about: whoever can write to a token must not choose whom this machine talks to.
    ///
    /// - Parameters:
    ///   - entries: The certificates.
    ///   - inventory: Where issuers are looked for, besides the anchors.
    ///   - health: What tells certificates with one URI from each other.
    func findings(
        _ entries: [CertificateEntry], among inventory: TokenInventory, _ health: TokenHealth
    ) throws -> [Finding] {
        let known = (anchors?.certificates ?? []) + inventory.authorities
        var client = try UnverifiedHTTPClient(
            userAgent: userAgent,
            limits: HTTPLimits(connectTimeout: 10, timeout: 30))
        var findings: [Finding] = []
        var silent: [String: String] = [:]
        for entry in entries {
            guard let certificate = entry.certificate, certificate.notAfter >= now() else {
                continue
            }
            func add(_ kind: Finding.Kind, _ text: String) {
                findings.append(
                    Finding(
                        kind, entry.record.uri, text,
                        serialNumber: health.distinctiveSerialNumber(of: entry)))
            }
            let addresses = certificate.ocspAddresses
            guard !addresses.isEmpty else {
                // Of an authority that tells nothing nobody expects it.
                if !certificate.isAuthority {
                    add(
                        .revocationUnchecked,
                        "it names no responder (OCSP) that knows whether it is revoked")
                }
                continue
            }
            guard leadsToAnchor(certificate, known) else {
                add(
                    .revocationUnchecked,
                    "nobody was asked whether it is revoked, since it leads to no trust anchor")
                continue
            }
            if let said = Self.ask(addresses, certificate, known, &silent, &client) {
                add(said.kind, said.text)
            }
        }
        return findings
    }

    /// How many responders are asked about one certificate.
    private static let mostAsked = 4

    /// Asks one responder after the other until one says that the certificate is revoked. One that
    /// says that it is not may know less than the next.
    ///
    /// - Parameter silent: The addresses that did not answer, with the reason. They are not asked
    ///   again.
    private static func ask(
        _ addresses: [String], _ certificate: Certificate, _ known: [Certificate],
        _ silent: inout [String: String], _ client: inout UnverifiedHTTPClient
    ) -> (kind: Finding.Kind, text: String)? {
        guard let issuer = known.first(where: { $0.hasIssued(certificate) }) else {
            return (
                .revocationUnknown,
                "its issuer is not known, so no response about it can be checked"
            )
        }
        var reasons: [String] = []
        var (asked, isUnknown, isGood) = (0, false, false)
        for address in addresses {
            guard isWebAddress(address) else {
                reasons.append("\(address) is not asked: only http: and https: addresses are")
                continue
            }
            guard asked < mostAsked else {
                reasons.append(
                    "\(address) is not asked: \(mostAsked) responders were asked before")
                break
            }
            asked += 1
            do throws(Unknown) {
                if let reason = silent[address] { throw Unknown(reason: reason) }
                switch try status(of: certificate, issuer, at: address, &client) {
                case .good: isGood = true
                case .revoked(let time):
                    let day = time.map { " on " + timestamp($0).prefix(10) } ?? ""
                    return (.revoked, "the CA has revoked it\(day)")
                case .unknown:
                    isUnknown = true
                    reasons.append("\(address) does not know the certificate")
                }
            } catch {
                if error.isSilence { silent[address] = error.reason }
                reasons.append(error.reason)
            }
        }
        if isGood {
            if !Progress.shared.isQuiet {
                for reason in reasons { printError("note: \(printable(reason))") }
            }
            return nil
        }
        let start =
            isUnknown
            ? "the CA's responder does not know it"
            : "no responder answered, so it is not known whether it is revoked"
        return (
            asked > 0 ? .revocationUnknown : .revocationUnchecked,
            "\(start): \(reasons.joined(separator: "; "))"
        )
    }

    private static func isWebAddress(_ address: String) -> Bool {
        let start = address.prefix(8).lowercased()
        return start.hasPrefix("http://") || start == "https://"
    }

    private func leadsToAnchor(_ certificate: Certificate, _ known: [Certificate]) -> Bool {
        guard let anchors else { return false }
        do throws(X509Error) {
            try anchors.verify(certificate, intermediates: known, at: now())
            return true
        } catch {
            return false
        }
    }

    /// Why it could not be found out.
    private struct Unknown: Error {
        let reason: String
        /// Whether nobody answered.
        var isSilence = false
    }

    private static func status(
        of certificate: Certificate, _ issuer: Certificate, at address: String,
        _ client: inout UnverifiedHTTPClient
    ) throws(Unknown) -> RevocationStatus {
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
            throw Unknown(
                reason: "\(address) cannot be asked: \(error.reason)", isSilence: true)
        } catch {
            throw Unknown(reason: "\(address): \(error)")
        }
    }
}
