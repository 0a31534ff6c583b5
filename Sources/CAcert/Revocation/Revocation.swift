internal import FoundationEssentials
package import OpenSSLX509
package import TokencertTokens

/// Sends an OCSP request to a responder.
package protocol OCSPTransport: ~Copyable {
    /// Posts a question, the DER of an OCSP request, once. Returns the answer with any HTTP status.
    /// The responder is not verified, because OCSP responses are signed.
    mutating func ask(
        _ address: String, _ question: [UInt8]
    ) throws(TransportError) -> TransportAnswer
}

/// Asks CAs whether they have revoked certificates on a token.
package struct Revocation {
    private let anchors: TrustAnchors?
    private let now: Int64
    private let remark: (String) -> Void

    /// Creates a check without sending anything.
    ///
    /// - Parameters:
    ///   - now: Seconds since 1970-01-01 00:00 UTC.
    ///   - remark: Called with the reason why a responder did not answer if another one did.
    package init(anchors: TrustAnchors?, now: Int64, remark: @escaping (String) -> Void) {
        self.anchors = anchors
        self.now = now
        self.remark = remark
    }

    /// Checks certificates and returns the findings about their revocation.
    ///
    /// Only certificates that lead to an anchor are checked: otherwise a certificate that someone
    /// has written to the token could make this machine connect to any address.
    ///
    /// - Parameters:
    ///   - inventory: Searched for issuers, in addition to the anchors.
    ///   - serialNumber: Returns the serial number of a certificate that shares its URI with
    ///     others, otherwise nil.
    package func findings<Carrier: OCSPTransport & ~Copyable>(
        _ entries: [CertificateEntry], among inventory: TokenInventory,
        through carrier: inout Carrier,
        serialNumber: (CertificateEntry) -> String? = { _ in nil }
    ) -> [Finding] {
        let known = (anchors?.certificates ?? []) + inventory.authorities
        var findings: [Finding] = []
        var silent: [String: String] = [:]
        for entry in entries {
            guard let certificate = entry.certificate, certificate.notAfter >= now else {
                continue
            }
            func add(_ kind: Finding.Kind, _ text: String) {
                findings.append(
                    Finding(
                        kind, entry.record.uri, text,
                        serialNumber: serialNumber(entry)))
            }
            let addresses = certificate.ocspAddresses
            guard !addresses.isEmpty else {
                // CA certificates often name no responder.
                if !certificate.isAuthority {
                    add(
                        .revocationUnchecked,
                        "it names no OCSP responder, so its revocation was not checked")
                }
                continue
            }
            guard leadsToAnchor(certificate, known) else {
                add(
                    .revocationUnchecked,
                    "its revocation was not checked, because it leads to no trust anchor")
                continue
            }
            if let said = ask(addresses, certificate, known, &silent, &carrier) {
                add(said.kind, said.text)
            }
        }
        return findings
    }

    /// The maximum number of responders that are asked about a certificate.
    private static let mostAsked = 4

    /// Asks the responders in order until one reports a revocation. If one reports "good", the next
    /// may still know of a revocation.
    ///
    /// - Parameter silent: The addresses that did not answer, with the reason. They are not asked
    ///   again.
    private func ask<Carrier: OCSPTransport & ~Copyable>(
        _ addresses: [String], _ certificate: Certificate, _ known: [Certificate],
        _ silent: inout [String: String], _ carrier: inout Carrier
    ) -> (kind: Finding.Kind, text: String)? {
        guard let issuer = known.first(where: { $0.hasIssued(certificate) }) else {
            return (
                .revocationUnknown,
                "its issuer is unknown, so an OCSP response cannot be verified"
            )
        }
        var reasons: [String] = []
        var (asked, isUnknown, isGood) = (0, false, false)
        for address in addresses {
            guard Self.isWebAddress(address) else {
                reasons.append("\(address) was not asked: not an http: or https: address")
                continue
            }
            guard asked < Self.mostAsked else {
                reasons.append(
                    "\(address) was not asked: \(Self.mostAsked) responders were asked before it")
                break
            }
            asked += 1
            do throws(Unknown) {
                if let reason = silent[address] { throw Unknown(reason: reason) }
                switch try Self.status(of: certificate, issuer, at: address, &carrier) {
                case .good: isGood = true
                case .revoked(let time):
                    let text = time.map { "the CA revoked it on " + Self.day($0) }
                    return (.revoked, text ?? "the CA has revoked it")
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
            for reason in reasons { remark(reason) }
            return nil
        }
        let start =
            isUnknown
            ? "the CA's OCSP responder does not know it"
            : "no responder answered, so its revocation status is unknown"
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
            try anchors.verify(certificate, intermediates: known, at: now)
            return true
        } catch {
            return false
        }
    }

    /// An error that prevented a verified status.
    private struct Unknown: Error {
        let reason: String
        /// Whether the responder did not answer.
        var isSilence = false
    }

    private static func status<Carrier: OCSPTransport & ~Copyable>(
        of certificate: Certificate, _ issuer: Certificate, at address: String,
        _ carrier: inout Carrier
    ) throws(Unknown) -> RevocationStatus {
        let question: OCSPQuestion
        do throws(X509Error) {
            question = try OCSPQuestion(about: certificate, issuedBy: issuer)
        } catch {
            throw Unknown(reason: "\(address): \(error)")
        }
        let answer: TransportAnswer
        do throws(TransportError) {
            answer = try carrier.ask(address, question.der)
        } catch {
            throw Unknown(
                reason: "cannot ask \(address): \(error.reason)", isSilence: true)
        }
        guard answer.status == 200 else {
            throw Unknown(reason: "\(address) answered with HTTP \(answer.status)")
        }
        do throws(X509Error) {
            return try question.status(in: answer.body)
        } catch {
            throw Unknown(reason: "\(address): \(error)")
        }
    }

    /// The day in UTC, such as `2026-11-23`.
    private static func day(_ seconds: Int64) -> String {
        String(Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601).prefix(10))
    }
}
