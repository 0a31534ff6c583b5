internal import Cryptoki
package import OpenSSLX509

/// Checks the objects on a token for problems.
package struct Health: Sendable {
    /// The time, in seconds since 1970-01-01 00:00 UTC.
    package var now: Int64
    /// A certificate with fewer days left expires soon.
    package var days: Int
    /// The trust anchors; nil to skip the check of chains.
    package var anchors: TrustAnchors?
    /// Whether private keys were searched, too, so that a key that was not found is absent.
    package var sawPrivateObjects: Bool
    /// The days on which revocations were recorded, such as `2026-01-31`, by the SHA-256 of the
    /// certificate in hexadecimal.
    package var revocations: [String: String] = [:]
    /// The certificates that have replaced others, according to the ledger. Keys and values are SHA-256 in
    /// hexadecimal.
    package var replacements: [String: Set<String>] = [:]

    package init(
        now: Int64, days: Int = 30, anchors: TrustAnchors? = nil, sawPrivateObjects: Bool
    ) {
        self.now = now
        self.days = days
        self.anchors = anchors
        self.sawPrivateObjects = sawPrivateObjects
    }

    /// Checks a whole token. To check chains, the inventory must keep the certificates themselves.
    package func of(_ inventory: TokenInventory) -> TokenHealth {
        TokenHealth(self, inventory)
    }

    /// The findings about a key, without those about its certificates.
    ///
    /// - Parameters:
    ///   - isIDShared: Whether another key has the same id.
    ///   - mayHaveCertificate: Whether an unpaired certificate has its id or label.
    ///   - sharedURIs: URIs that several certificates have.
    func findings(
        _ key: KeyEntry, isIDShared: Bool, mayHaveCertificate: Bool, sharedURIs: Set<String>
    ) -> [Finding] {
        guard let uri = (key.privateKey ?? key.publicKey)?.uri else { return [] }
        var findings: [Finding] = []
        func add(_ kind: Finding.Kind, _ text: String) { findings.append(Finding(kind, uri, text)) }
        if key.certificates.isEmpty, !mayHaveCertificate {
            add(.keyWithoutCertificate, "the key has no certificate")
        }
        if isIDShared, !key.id.isEmpty {
            add(.duplicateID, "another key has the same id \(hexadecimal(key.id))")
        }
        for entry in key.mismatchedCertificates {
            let uri = entry.record.uri
            findings.append(
                Finding(
                    .mismatch, uri, TokenHealth.otherID,
                    serialNumber: sharedURIs.contains(uri) ? entry.content?.serialNumber : nil,
                    isKeyMissing: true))
        }
        if let protection = key.protection {
            if protection.isExtractable == true {
                add(.exportable, "the private key can leave the token (CKA_EXTRACTABLE is true)")
            } else if protection.isSensitive == false, protection.isExtractable != false {
                add(.exportable, "the private key can be read in clear (CKA_SENSITIVE is false)")
            } else if protection.isNeverExtractable == false, protection.isLocal != false {
                add(
                    .exportable,
                    "the private key was once extractable (CKA_NEVER_EXTRACTABLE is false)")
            }
            if protection.isLocal == false {
                add(
                    .imported,
                    "the private key was not generated on the token (CKA_LOCAL is false)")
            }
        }
        if let value = key.value ?? key.certificates.first?.certificate?.publicKey {
            findings += weaknesses(of: value, uri)
        }
        return findings
    }

    /// The findings about a certificate.
    ///
    /// - Parameters:
    ///   - authorities: Possible intermediate certificates.
    ///   - serialNumber: The serial number if others share its URI; otherwise nil.
    ///   - isKeyMissing: Whether the token has no private key for it.
    func findings(
        _ entry: CertificateEntry, _ authorities: [Certificate], replacement: Replacement,
        serialNumber: String?, isKeyMissing: Bool
    ) -> [Finding] {
        let uri = entry.record.uri
        guard let content = entry.content else { return [finding(entry.obstacle, uri)] }
        var findings: [Finding] = []
        let problem = entry.certificate.flatMap { chainProblem(of: $0, authorities) }
        func add(_ kind: Finding.Kind, _ text: String) {
            var finding = Finding(
                kind, uri, text, serialNumber: serialNumber,
                isDisposable: replacement == .proved, isKeyMissing: isKeyMissing)
            finding.isUntrusted = problem != nil
            finding.isChainRejected = problem?.isRejected ?? false
            findings.append(finding)
        }
        let left = content.daysLeft(at: now)
        if let day = revocationDay(of: content) {
            // Its validity no longer matters.
            add(.revoked, "it was revoked (recorded on \(day))")
        } else if left < days, replacement != .none {
            let state = left < 0 ? "has expired" : "expires in \(Self.days(left))"
            add(.replaced, "it \(state); a newer certificate has replaced it")
        } else if left < 0 {
            add(.expired, "it expired \(Self.days((now - content.notAfter) / 86_400)) ago")
        } else if content.notBefore > now {
            add(.notYetValid, "it is not valid yet")
        } else if left < days {
            add(.expiring, "it expires in \(Self.days(left))")
        }
        guard let certificate = entry.certificate else { return findings }
        let weakness = WeakSignature(of: certificate, authorities, anchors)
        if let weakness, left >= 0, replacement == .none {
            findings.append(
                Finding(
                    .weakSignature, uri, weakness.text, serialNumber: serialNumber,
                    // A CA certificate cannot be renewed with its key.
                    isKeyMissing: isKeyMissing || content.isAuthority))
        }
        if let problem,
            // The issuer is known, but its chain is rejected because of the hash function.
            !(weakness?.leadsToAnchor ?? false)
        {
            add(.unknownIssuer, problem.text)
        }
        return findings
    }

    private func finding(_ obstacle: CertificateEntry.Obstacle?, _ uri: String) -> Finding {
        switch obstacle {
        case .pem: Finding(.unreadable, uri, "its value is PEM text instead of DER")
        case .url:
            Finding(
                .unsupported, uri, "the token has only the URL of this certificate (CKA_URL)")
        case .otherType(let type):
            Finding(
                .unsupported, uri,
                "it is not an X.509 certificate (CKA_CERTIFICATE_TYPE 0x"
                    + String(type.rawValue, radix: 16) + ")")
        case .noValue: Finding(.unreadable, uri, "it has no value (CKA_VALUE)")
        case .malformed, nil:
            Finding(.unreadable, uri, "it cannot be read as an X.509 certificate")
        }
    }

    /// Whether a certificate chains to a trust anchor through `authorities`; true if chains are not
    /// checked.
    package func knowsIssuer(
        of certificate: Certificate, _ authorities: [Certificate] = []
    ) -> Bool {
        chainProblem(of: certificate, authorities) == nil
    }

    /// Why a certificate does not chain to a trust anchor, or nil.
    private func chainProblem(
        of certificate: Certificate, _ authorities: [Certificate]
    ) -> (text: String, isRejected: Bool)? {
        guard let anchors, !anchors.certificates.contains(certificate) else { return nil }
        // Expiry is reported separately; for an expired certificate only the signatures count here.
        let time = certificate.isValid(at: now) ? now : nil
        switch anchors.status(of: certificate, intermediates: authorities, at: time) {
        case .valid: return nil
        case .outsideValidity(let outside, _):
            let name = outside.first?.displayName ?? ""
            return ("a certificate in its chain is expired or not yet valid: \(name)", false)
        case .untrusted(let error) where error.isChainRejected:
            return ("its chain is rejected: \(error.context)", true)
        case .untrusted:
            let issuer = certificate.issuer
            let name = issuer.commonNames.last ?? issuer.text
            return ("it does not chain to a trust anchor; its issuer is \(name)", false)
        }
    }

    /// What is wrong with a public key, regardless of its certificates.
    func weaknesses(
        of key: PublicKey, _ uri: String, serialNumber: String? = nil
    ) -> [Finding] {
        guard let numbers = key.rsaNumbers, case .rsa(let bits) = key.kind else { return [] }
        var findings: [Finding] = []
        func add(_ kind: Finding.Kind, _ text: String) {
            findings.append(Finding(kind, uri, text, serialNumber: serialNumber))
        }
        if bits < 2048 { add(.shortKey, "an RSA key of \(bits) bits is too short") }
        if numbers.publicExponent.count < 3 {
            add(.smallExponent, "the public exponent is below 65537")
        }
        if hasROCAFingerprint(modulus: numbers.modulus) {
            add(.roca, "the private key can be computed from the public key (ROCA, CVE-2017-15361)")
        }
        return findings
    }

    /// The day on which the revocation of a certificate was recorded, or nil.
    package func revocationDay(of content: CertificateEntry.Content) -> String? {
        revocations.isEmpty ? nil : revocations[hexadecimal(content.sha256Fingerprint)]
    }

    private static func days(_ number: some BinaryInteger) -> String {
        number == 0 ? "less than a day" : number == 1 ? "1 day" : "\(number) days"
    }
}

extension TokenInventory {
    /// The CA certificates on the token, and those of ``issuersElsewhere``.
    package var authorities: [Certificate] {
        entries.compactMap(\.certificate).filter(\.isAuthority) + issuersElsewhere
    }
}

extension Certificate {
    /// Whether this certificate has signed another one.
    package func hasIssued(_ other: Certificate) -> Bool {
        guard subject == other.issuer else { return false }
        do throws(X509Error) {
            try other.verifySignature(publicKey)
            return true
        } catch {
            return false
        }
    }
}
