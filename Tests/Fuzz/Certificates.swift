internal import OpenSSLX509

func readCertificates(_ bytes: [UInt8]) {
    let inPEM = Certificate.all(inPEM: bytes).certificates
    let inDER = (try? Certificate(firstIn: bytes)).map { [$0] } ?? []
    for certificate in inPEM + inDER {
        // The output of a certificate must be read back as the same certificate.
        precondition(
            Certificate.all(inPEM: Array(certificate.pem.utf8)).certificates == [certificate])
        precondition((try? Certificate(der: certificate.der)) == certificate)
        let named = try? PublicKey(
            subjectPublicKeyInfo: certificate.publicKey.subjectPublicKeyInfo)
        precondition(named == certificate.publicKey)
        // What is accepted at first must also be accepted when a check needs it.
        precondition(certificate.isReadableByOpenSSL)
        _ = (certificate.displayName, certificate.malformedExtensions)
        _ = (certificate.subject.text, certificate.issuer.commonNames, certificate.isAuthority)
        _ = (certificate.emailAddresses, certificate.hasOtherAlternativeNames)
        _ = (certificate.subjectAlternativeNames, certificate.revocationListAddresses)
        _ = certificate.weakSignatureHash
        _ = (certificate.extendedKeyUsages.map(\.description), certificate.serialNumberDER)
        _ = (certificate.subjectKeyIdentifier, certificate.allows(.digitalSignature))
        _ = (certificate.publicKey.kind, certificate.publicKey.keyIdentifier)
        try? TrustAnchors(inPEM).verify(certificate, intermediates: inPEM, at: 1_800_000_000)
    }
    if let list = try? CertificateRevocationList(bytes) {
        for authority in inPEM { try? list.verify(issuedBy: authority) }
        for certificate in inPEM { _ = try? list.revocation(of: certificate) }
    }
    if let key = try? PublicKey(subjectPublicKeyInfo: bytes) {
        _ = (key.kind, key.rsaNumbers?.modulus, key.keyIdentifier)
        try? key.verify(bytes, over: bytes, .sha256WithRSAEncryption)
    }
    for curve in NamedCurve.allCases {
        _ = try? PublicKey(ecParameters: curve.ecParameters, point: bytes)
    }
    let half = bytes.count / 2
    _ = try? PublicKey(ecParameters: Array(bytes[..<half]), point: Array(bytes[half...]))
    _ = PublicKey(rsaModulus: Array(bytes[..<half]), publicExponent: Array(bytes[half...])).kind
    if let request = try? CertificateRequest(unverifiedPEM: bytes) {
        _ = try? request.verifySignature()
    }
}
