internal import OpenSSLX509

/// What the server has decided to put into a certificate.
struct Grant: Sendable {
    var name: String
    var emails: [String]
    var codeSigning: Bool
    var publicKey: PublicKey
    var validityDays: Int
}

extension Authority {
    /// Signs a certificate as CAcert's signer does. A fault makes it wrong in its own way.
    ///
    /// - Parameter form: Whether it has what the signer has added over the years, too.
    func sign(
        _ grant: Grant, serialNumber: UInt64, signer: Signer, at now: Int64, fault: Fault?,
        form: StandInCA.AnswerForm, ocsp: String
    ) throws -> Certificate {
        var grant = grant
        var notBefore = now
        var isAuthority = false
        switch fault {
        case .wrongKey: grant.publicKey = try HostPrivateKey.generate(.rsa(bits: 2048)).publicKey
        case .expired: notBefore = now - Int64(grant.validityDays + 1) * 86400
        case .notYetValid: notBefore = now + 86400
        case .authority: isAuthority = true
        case .fewerAddresses: grant.emails = Array(grant.emails.dropLast())
        case .otherName: grant.name = "Somebody Else"
        case .noCodeSigning: grant.codeSigning = false
        default: break
        }
        var usages: [ExtendedKeyUsage] = [.emailProtection, .clientAuth]
        if grant.codeSigning { usages.append(.codeSigning) }
        if form == .messy {
            if grant.codeSigning {
                usages += [.microsoftIndividualCodeSigning, .microsoftCommercialCodeSigning]
            }
            usages.append(.microsoftEFS)
        }
        usages += [.microsoftSGC, .netscapeSGC]
        var extensions: [CertificateExtension] = [
            .basicConstraints(isAuthority: isAuthority),
            .extendedKeyUsage(usages),
            .authorityInformationAccess(ocsp: ocsp),
        ]
        if form == .messy {
            extensions.append(.keyUsage([.digitalSignature, .keyEncipherment, .keyAgreement]))
        }
        if !grant.emails.isEmpty {
            extensions.append(try .subjectAlternativeName(emailAddresses: grant.emails))
        }
        let content = CertificateContent(
            subject: [.init(.commonName, grant.name)]
                + grant.emails.map { .init(.emailAddress, $0) },
            publicKey: grant.publicKey,
            serialNumber: (0..<8).reversed().map {
                UInt8(truncatingIfNeeded: serialNumber >> ($0 * 8))
            },
            notBefore: notBefore, notAfter: notBefore + Int64(grant.validityDays) * 86400,
            extensions: extensions)
        guard fault == .wrongCA else {
            return try signer.key.issue(content, issuer: signer.certificate)
        }
        // The right name with another key: only the signature tells.
        let impostor = try HostPrivateKey.generate(.rsa(bits: 2048))
        return try impostor.issue(content, issuer: signer.certificate)
    }
}
