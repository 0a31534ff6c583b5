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

    /// All that is to be said about a token, key by key.
    ///
    /// - Parameter inventory: What is on it; with the certificates themselves where the anchors
    ///   are looked at.
    public func findings(_ inventory: TokenInventory) -> [Finding] {
        let idCounts = Dictionary(grouping: inventory.keys.map(\.id)) { $0 }.mapValues(\.count)
        let authorities = inventory.authorities
        var findings: [Finding] = []
        for key in inventory.keys {
            findings += self.findings(key, isIDShared: idCounts[key.id, default: 1] > 1)
            for entry in key.certificates + key.mismatchedCertificates {
                findings += self.findings(entry, authorities)
            }
        }
        for entry in inventory.certificates {
            findings += self.findings(entry, authorities)
            if let certificate = entry.certificate {
                findings += weaknesses(of: certificate.publicKey, entry.record.uri)
            }
            if sawPrivateObjects, entry.content?.isAuthority == false {
                findings.append(
                    Finding(
                        .certificateWithoutKey, entry.record.uri, "its key is not on the token"))
            }
        }
        return findings
    }

    /// What is to be said about a key, without its certificates.
    ///
    /// - Parameters:
    ///   - key: The key.
    ///   - isIDShared: Whether another key has the same id.
    public func findings(_ key: KeyEntry, isIDShared: Bool = false) -> [Finding] {
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
    public func findings(
        _ entry: CertificateEntry, _ authorities: [Certificate] = []
    ) -> [Finding] {
        let uri = entry.record.uri
        guard let content = entry.content else {
            return [Finding(.unreadable, uri, "its bytes are no X.509 certificate")]
        }
        var findings: [Finding] = []
        let left = content.daysLeft(at: now)
        if left < 0 {
            findings.append(Finding(.expired, uri, "it has expired \(Self.days(-left)) ago"))
        } else if content.notBefore > now {
            findings.append(Finding(.notYetValid, uri, "it is not valid yet"))
        } else if left < days {
            findings.append(Finding(.expiring, uri, "it expires in \(Self.days(left))"))
        }
        if let anchors, let certificate = entry.certificate,
            !anchors.certificates.contains(certificate)
        {
            do throws(X509Error) {
                // Whether it has expired was said already: what matters is who signed it.
                let time = min(max(now, content.notBefore), content.notAfter)
                try anchors.verify(certificate, intermediates: authorities, at: time)
            } catch {
                findings.append(
                    Finding(
                        .unknownIssuer, uri, "it leads to no trust anchor: \(content.issuerName)"))
            }
        }
        return findings
    }

    /// What is wrong with a public key by itself.
    private func weaknesses(of key: PublicKey, _ uri: String) -> [Finding] {
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
