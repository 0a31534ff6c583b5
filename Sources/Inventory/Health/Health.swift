public import OpenSSLX509

/// Looks at what is on a token for what a person should know.
public struct Health: Sendable {
    /// The time, in seconds since 1970-01-01 00:00 UTC.
    public var now: Int64
    /// From how many days left on a certificate expires soon.
    public var days: Int
    /// Where certificates should lead to; nil where that is not looked at.
    public var anchors: TrustAnchors?
    /// Whether private keys were looked for too, so that one that is not seen is not there.
    public var sawPrivateObjects: Bool

    /// Prepares a look.
    ///
    /// - Parameters:
    ///   - now: The time, in seconds since 1970-01-01 00:00 UTC.
    ///   - days: From how many days left on a certificate expires soon.
    ///   - anchors: Where certificates should lead to; nil where that is not looked at.
    ///   - sawPrivateObjects: Whether private keys were looked for too.
    public init(
        now: Int64, days: Int = 30, anchors: TrustAnchors? = nil, sawPrivateObjects: Bool
    ) {
        self.now = now
        self.days = days
        self.anchors = anchors
        self.sawPrivateObjects = sawPrivateObjects
    }

    /// Looks at a whole token.
    ///
    /// - Parameter inventory: What is on it; with the certificates themselves where the anchors
    ///   are looked at.
    public func of(_ inventory: TokenInventory) -> TokenHealth {
        TokenHealth(self, inventory)
    }

    /// What is to be said about a key, without its certificates.
    ///
    /// - Parameter isIDShared: Whether another key has the same id.
    func findings(_ key: KeyEntry, isIDShared: Bool) -> [Finding] {
        guard let uri = (key.privateKey ?? key.publicKey)?.uri else { return [] }
        var findings: [Finding] = []
        func add(_ kind: Finding.Kind, _ text: String) { findings.append(Finding(kind, uri, text)) }
        if key.certificates.isEmpty { add(.keyWithoutCertificate, "the key has no certificate") }
        if isIDShared, !key.id.isEmpty {
            add(.duplicateID, "another key has the same id \(hexadecimal(key.id))")
        }
        for entry in key.mismatchedCertificates {
            findings.append(
                Finding(
                    .mismatch, entry.record.uri, "it bears the id of a key that it is not for"))
        }
        if let protection = key.protection {
            if protection.isExtractable == true {
                add(.exportable, "the private key may leave the token (CKA_EXTRACTABLE)")
            } else if protection.isSensitive == false, protection.isExtractable != false {
                add(.exportable, "the private key can be read in clear (CKA_SENSITIVE is false)")
            } else if protection.isNeverExtractable == false, protection.isLocal != false {
                add(.exportable, "the private key could leave the token before")
            }
            if protection.isLocal == false {
                add(.imported, "the private key was not made on the token (CKA_LOCAL is false)")
            }
        }
        if let value = key.value ?? key.certificates.first?.certificate?.publicKey {
            findings += weaknesses(of: value, uri)
        }
        return findings
    }

    /// What is to be said about a certificate.
    ///
    /// - Parameters:
    ///   - entry: The certificate.
    ///   - authorities: Certificates that may stand between it and an anchor.
    ///   - others: The certificates of its key.
    func findings(
        _ entry: CertificateEntry, _ authorities: [Certificate], beside others: [CertificateEntry]
    ) -> [Finding] {
        let uri = entry.record.uri
        guard let content = entry.content else {
            return [Finding(.unreadable, uri, "its bytes are no X.509 certificate")]
        }
        var findings: [Finding] = []
        // One URI may be that of all of them.
        let serialNumber = others.count > 1 ? content.serialNumber : nil
        func add(_ kind: Finding.Kind, _ text: String) {
            findings.append(Finding(kind, uri, text, serialNumber: serialNumber))
        }
        let left = content.daysLeft(at: now)
        if left < days, isReplaced(entry, others, authorities) {
            let state = left < 0 ? "has expired" : "expires in \(Self.days(left))"
            add(.replaced, "it \(state); a newer one has taken its place")
        } else if left < 0 {
            add(.expired, "it has expired \(Self.days(-left)) ago")
        } else if content.notBefore > now {
            add(.notYetValid, "it is not valid yet")
        } else if left < days {
            add(.expiring, "it expires in \(Self.days(left))")
        }
        if let certificate = entry.certificate, !knowsIssuer(of: certificate, authorities) {
            findings.append(
                Finding(
                    .unknownIssuer, uri, "it leads to no trust anchor: \(content.issuerName)"))
        }
        return findings
    }

    /// Whether a certificate leads to an anchor, or nobody looks at that.
    ///
    /// - Parameters:
    ///   - certificate: The certificate.
    ///   - authorities: Certificates that may stand between it and an anchor.
    public func knowsIssuer(
        of certificate: Certificate, _ authorities: [Certificate] = []
    ) -> Bool {
        guard let anchors, !anchors.certificates.contains(certificate) else { return true }
        do throws(X509Error) {
            // Whether it has expired is another question: what matters is who signed it.
            let time = min(max(now, certificate.notBefore), certificate.notAfter)
            try anchors.verify(certificate, intermediates: authorities, at: time)
            return true
        } catch {
            return false
        }
    }

    /// Whether the key has a certificate that is good for the same, and for longer.
    private func isReplaced(
        _ entry: CertificateEntry, _ others: [CertificateEntry], _ authorities: [Certificate]
    ) -> Bool {
        guard let content = entry.content else { return false }
        return others.contains { other in
            guard let newer = other.content, newer.subject == content.subject,
                newer.notAfter > content.notAfter, newer.notBefore <= now, newer.notAfter >= now
            else { return false }
            guard let old = entry.certificate, let new = other.certificate else {
                return newer.issuer == content.issuer
            }
            return Set(old.emailAddresses).isSubset(of: new.emailAddresses)
                && Set(old.extendedKeyUsages).isSubset(of: new.extendedKeyUsages)
                && knowsIssuer(of: new, authorities)
        }
    }

    /// What is wrong with a public key by itself.
    func weaknesses(of key: PublicKey, _ uri: String) -> [Finding] {
        guard let numbers = key.rsaNumbers, case .rsa(let bits) = key.kind else { return [] }
        var findings: [Finding] = []
        func add(_ kind: Finding.Kind, _ text: String) { findings.append(Finding(kind, uri, text)) }
        if bits < 2048 { add(.shortKey, "RSA with \(bits) bits is too short") }
        if numbers.publicExponent.count < 3 {
            add(.smallExponent, "the public exponent is below 65537")
        }
        if hasROCAFingerprint(modulus: numbers.modulus) {
            add(.roca, "the key can be computed from its public half (ROCA, CVE-2017-15361)")
        }
        return findings
    }

    private static func days(_ number: Int) -> String { number == 1 ? "1 day" : "\(number) days" }
}

extension TokenInventory {
    /// The certificates on the token that may have issued others.
    public var authorities: [Certificate] {
        entries.compactMap(\.certificate).filter(\.isAuthority)
    }
}
