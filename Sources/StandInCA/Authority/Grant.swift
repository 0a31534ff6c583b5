/// The content for a certificate that the server has granted.
struct Grant: Sendable {
    var name: String
    var emails: [String]
    var codeSigning: Bool
    var validityDays: Int
}

extension Authority {
    /// Signs a certificate for the public key of a request like CAcert's signer, with the
    /// configured fault. The serial number is three bytes in hexadecimal; `now` is in seconds since
    /// 1970-01-01 00:00 UTC.
    func sign(
        _ grant: Grant, for key: Key, serialNumber: String, at now: Int64,
        _ configuration: StandInConfiguration
    ) throws(StandInError) -> SignedCertificate {
        var signer = configuration.signer == .class1 ? class1 : class3
        var key = key
        var grant = grant
        var notBefore = now
        var isAuthority = false
        switch configuration.fault {
        case .wrongKey: key = try .generate(.rsa2048)
        case .wrongCA: signer = try impostor(configuration.signer, at: now)
        case .expired: notBefore = now - Int64(grant.validityDays + 1) * 86400
        case .notYetValid: notBefore = now + 86400
        case .authority: isAuthority = true
        case .fewerAddresses: grant.emails = Array(grant.emails.dropLast())
        case .otherName: grant.name = "Somebody Else"
        case .noCodeSigning: grant.codeSigning = false
        default: break
        }
        let content = CertificateContent(
            subject: [("CN", grant.name)] + grant.emails.map { ("emailAddress", $0) },
            names: configuration.names, serialNumber: serialNumber, notBefore: notBefore,
            notAfter: notBefore + Int64(grant.validityDays) * 86400,
            extensions: extensions(grant, isAuthority: isAuthority, configuration))
        return SignedCertificate(
            pem: try content.signed(by: signer, for: key).pem(),
            serialNumber: serialNumber.uppercased(), notAfter: content.notAfter)
    }

    private func extensions(
        _ grant: Grant, isAuthority: Bool, _ configuration: StandInConfiguration
    ) -> [String] {
        let code = grant.codeSigning ? ["codeSigning", "msCodeInd", "msCodeCom"] : []
        let usages = ["emailProtection", "clientAuth"] + code + ["msEFS", "msSGC", "nsSGC"]
        let list = configuration.signer == .class1 ? "revoke.crl" : "class3-revoke.crl"
        var lines = [
            "basicConstraints = critical, CA:\(isAuthority ? "TRUE" : "FALSE")",
            "keyUsage = critical, digitalSignature, keyEncipherment, keyAgreement",
            "extendedKeyUsage = \(usages.joined(separator: ", "))",
            "authorityInfoAccess = OCSP;URI:\(configuration.ocspAddress)",
            "crlDistributionPoints = URI:"
                + (configuration.listAddress ?? "http://crl.example.org/\(list)"),
        ]
        if !grant.emails.isEmpty { lines.append("subjectAltName = email:copy") }
        // CAcert's signer used to add this comment.
        if configuration.answerForm == .messy {
            lines.append("nsComment = To get your own certificate for FREE head over to the CA")
        }
        return lines
    }

    /// Creates a signer with the name of another one but a different key.
    private func impostor(
        _ signer: StandInConfiguration.Signer, at now: Int64
    ) throws(StandInError) -> Signer {
        let key = try Key.generate(.rsa2048)
        let content = CertificateContent(
            subject: signer == .class1 ? Self.class1Subject : Self.class3Subject,
            serialNumber: "0F", notBefore: now - 3600, notAfter: now + 86400,
            extensions: ["basicConstraints = critical, CA:TRUE"])
        return Signer(key: key, certificate: try content.signed(by: nil, for: key))
    }
}
