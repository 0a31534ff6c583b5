import OpenSSLX509

/// The example of the article `SigningARequest`.
///
/// - Parameter time: When all of this happens, in seconds since 1970-01-01 00:00 UTC.
/// - Returns: The request, and what a peer is sent: the certificate and the authority's, in PEM.
func signARequest(at time: Int64) throws -> (request: CertificateRequest, pem: String) {
    // snippet
    enum Refusal: Error {
        case notWhatWasAsked
        case neverExpires
    }

    // In a token nobody sees this key: only its public half and what it signs come out.
    let key = try HostPrivateKey.generate(.ec(.p256))

    let draft = try CertificateRequestDraft(
        publicKey: key.publicKey,
        subject: [
            NameAttribute(.commonName, "Anna Müller"),
            NameAttribute(.emailAddress, "anna@example.org"),
        ],
        extensions: [
            .keyUsage([.digitalSignature]),
            .extendedKeyUsage([.emailProtection, .clientAuth]),
            try .subjectAlternativeName(emailAddresses: ["anna@example.org"]),
        ])
    let signature = try key.sign(draft.toBeSigned)
    let request = try draft.signed(signature)

    // An authority that lasts as long as this example.
    let day: Int64 = 86_400
    let authorityKey = try HostPrivateKey.generate(.ec(.p384))
    let authority = try authorityKey.issue(
        CertificateContent(
            subject: [NameAttribute(.commonName, "Throw-away Root")],
            publicKey: authorityKey.publicKey, serialNumber: [1],
            notBefore: time - day, notAfter: time + 30 * day,
            extensions: [
                .basicConstraints(isAuthority: true), .keyUsage([.keyCertSign, .cRLSign]),
                .subjectKeyIdentifier(authorityKey.publicKey),
            ]),
        issuer: nil)

    // It knows the request from its PEM alone, and decides by itself what it certifies.
    let received = try CertificateRequest(pem: Array(request.pem.utf8))
    let issued = try authorityKey.issue(
        CertificateContent(
            subject: received.subject.commonNames.map { NameAttribute(.commonName, $0) },
            publicKey: received.publicKey,
            serialNumber: (0..<16).map { _ in UInt8.random(in: 0...255) },
            notBefore: time, notAfter: time + 7 * day,
            extensions: [
                .basicConstraints(isAuthority: false), .keyUsage([.digitalSignature]),
                .extendedKeyUsage([.emailProtection, .clientAuth]),
                try .subjectAlternativeName(
                    emailAddresses: received.subject.emailAddresses),
                .subjectKeyIdentifier(received.publicKey),
                .authorityKeyIdentifier(authorityKey.publicKey),
            ]),
        issuer: authority)
    let pem = issued.pem + authority.pem

    // What came may be a page of text with certificates in it, whole or not.
    let read = Certificate.all(inPEM: Array(pem.utf8))
    if let error = read.error { throw error }
    guard let certificate = read.certificates.first,
        certificate.publicKey == key.publicKey, !certificate.isAuthority,
        certificate.subject.commonNames == ["Anna Müller"],
        certificate.emailAddresses == ["anna@example.org"],
        certificate.extendedKeyUsages == [.emailProtection, .clientAuth]
    else { throw Refusal.notWhatWasAsked }

    let anchors = TrustAnchors([authority])
    let intermediates = Array(read.certificates.dropFirst())
    try anchors.verify(certificate, intermediates: intermediates, at: time)

    var lateRefusal: X509Error.Code?
    do throws(X509Error) {
        try anchors.verify(certificate, intermediates: intermediates, at: time + 8 * day)
    } catch {
        lateRefusal = error.code
    }
    guard lateRefusal == .outsideValidity else { throw Refusal.neverExpires }
    // end of snippet
    return (request, pem)
}
