internal import FoundationEssentials
package import OpenSSLX509
package import TokencertTokens

/// Carries a question to a responder of a CA (OCSP) and its answer back.
package protocol OCSPTransport: ~Copyable {
    /// Posts a question that holds nothing secret, once.
    ///
    /// - Parameters:
    ///   - address: An `http:` or `https:` address.
    ///   - question: The DER of an OCSP request.
    /// - Returns: What came back, whatever its status. Who sent it need not be checked.
    mutating func ask(
        _ address: String, _ question: [UInt8]
    ) throws(TransportError) -> TransportAnswer
}

/// Asks CAs whether they have revoked what is on a token.
package struct Revocation {
    /// Among them the issuers are looked for, and among the certificates of the token.
    private let anchors: TrustAnchors?
    private let now: Int64
    private let remark: (String) -> Void

    /// Prepares the questions. Nothing is sent yet.
    ///
    /// - Parameters:
    ///   - anchors: The trust anchors, or nil if there are none.
    ///   - now: Seconds since 1970-01-01 00:00 UTC.
    ///   - remark: Is told why a responder did not answer if another one did.
    package init(anchors: TrustAnchors?, now: Int64, remark: @escaping (String) -> Void) {
        self.anchors = anchors
        self.now = now
        self.remark = remark
    }

    /// What is to be said about certificates. Only those that tell where to ask and that lead to an
    /// anchor are asked about: whoever can write to a token must not choose whom this machine talks to.
    ///
    /// - Parameters:
    ///   - entries: The certificates.
    ///   - inventory: Where issuers are looked for, besides the anchors.
    ///   - carrier: What carries the questions.
    ///   - serialNumber: Tells the serial number of a certificate that shares its URI with others,
    ///     and nil of another one.
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
                    "its revocation was not checked, because it leads to no trust anchor")
                continue
            }
            if let said = ask(addresses, certificate, known, &silent, &carrier) {
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
    private func ask<Carrier: OCSPTransport & ~Copyable>(
        _ addresses: [String], _ certificate: Certificate, _ known: [Certificate],
        _ silent: inout [String: String], _ carrier: inout Carrier
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
            guard Self.isWebAddress(address) else {
                reasons.append("\(address) is not asked: only http: and https: addresses are")
                continue
            }
            guard asked < Self.mostAsked else {
                reasons.append(
                    "\(address) is not asked: \(Self.mostAsked) responders were asked before")
                break
            }
            asked += 1
            do throws(Unknown) {
                if let reason = silent[address] { throw Unknown(reason: reason) }
                switch try Self.status(of: certificate, issuer, at: address, &carrier) {
                case .good: isGood = true
                case .revoked(let time):
                    let day = time.map { " on " + Self.day($0) } ?? ""
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
            for reason in reasons { remark(reason) }
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
            try anchors.verify(certificate, intermediates: known, at: now)
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
                reason: "\(address) cannot be asked: \(error.reason)", isSilence: true)
        }
        guard answer.status == 200 else {
            throw Unknown(reason: "\(address) answers with HTTP \(answer.status)")
        }
        do throws(X509Error) {
            return try question.status(in: answer.body)
        } catch {
            throw Unknown(reason: "\(address): \(error)")
        }
    }

    /// A day in UTC: `2026-11-23`.
    private static func day(_ seconds: Int64) -> String {
        String(Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601).prefix(10))
    }
}
