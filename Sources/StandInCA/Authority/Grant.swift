/// The content for a certificate that the server has granted.
struct Grant: Sendable {
    var name: String
    var emails: [String]
    var codeSigning: Bool
    /// The request in PEM; only its key is used.
    var request: [UInt8]
    var validityDays: Int
}

extension Authority {
    /// Signs a certificate like CAcert's signer, with the configured fault. Blocks while `openssl`
    /// runs. Throws if the request's own signature is wrong.
    ///
    /// - Parameters:
    ///   - serialNumber: Three bytes in hexadecimal.
    ///   - now: Seconds since 1970-01-01 00:00 UTC.
    func sign(
        _ grant: Grant, serialNumber: String, at now: Int64,
        _ configuration: StandInConfiguration
    ) throws(StandInError) -> SignedCertificate {
        let folder = try WorkFolder(in: directory)
        let signer = configuration.signer == .class1 ? class1 : class3
        var key = SigningKey(keyFile: signer.keyFile, certificateFile: signer.certificateFile)
        var request = try folder.write(grant.request, "request.pem")
        var grant = grant
        var notBefore = now
        var isAuthority = false
        switch configuration.fault {
        case .wrongKey: request = try Self.newKey("RSA", "rsa_keygen_bits:2048", in: folder).request
        case .wrongCA: key = try impostor(of: signer, at: now, in: folder)
        case .expired: notBefore = now - Int64(grant.validityDays + 1) * 86400
        case .notYetValid: notBefore = now + 86400
        case .authority: isAuthority = true
        case .fewerAddresses: grant.emails = Array(grant.emails.dropLast())
        case .otherName: grant.name = "Somebody Else"
        case .noCodeSigning: grant.codeSigning = false
        default: break
        }
        let content = CertificateContent(
            subject: CertificateContent.subject(
                [("CN", grant.name)] + grant.emails.map { ("emailAddress", $0) }),
            names: configuration.names, serialNumber: serialNumber, notBefore: notBefore,
            notAfter: notBefore + Int64(grant.validityDays) * 86400,
            extensions: extensions(grant, isAuthority: isAuthority, configuration))
        return try content.signed(by: key, request: request, in: folder)
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
            "subjectKeyIdentifier = none",
            "authorityKeyIdentifier = none",
        ]
        if !grant.emails.isEmpty { lines.append("subjectAltName = email:copy") }
        // CAcert's signer used to add this comment.
        if configuration.answerForm == .messy {
            lines.append("nsComment = To get your own certificate for FREE head over to the CA")
        }
        return lines
    }

    /// Creates a signer with the same name but a different key.
    private func impostor(
        of signer: Signer, at now: Int64, in folder: WorkFolder
    ) throws(StandInError) -> SigningKey {
        let own = try WorkFolder(in: directory)
        let pair = try Self.newKey("RSA", "rsa_keygen_bits:2048", in: own)
        let content = CertificateContent(
            subject: signer.subject, serialNumber: "0F", notBefore: now - 3600,
            notAfter: now + 86400, extensions: ["basicConstraints = critical, CA:TRUE"])
        let certificate = try content.signed(
            by: SigningKey(keyFile: pair.key, certificateFile: nil), request: pair.request, in: own)
        return SigningKey(
            keyFile: try folder.write(own.text("key.pem"), "impostor.key"),
            certificateFile: try folder.write(certificate.pem, "impostor.pem"))
    }
}
