import OpenSSLX509
import TokencertTestAuthority

/// The example of the article `SigningARequest`.
///
/// - Parameters:
///   - sign: Signs bytes with the private key.
///   - order: Sends a request in PEM to a CA and returns the response.
///   - time: The current time in seconds since 1970-01-01 00:00 UTC.
/// - Returns: The request and the response of the CA.
private func signARequest(
    for publicKey: PublicKey, sign: ([UInt8]) throws -> [UInt8],
    order: (String) throws -> String, root: Certificate, at time: Int64
) throws -> (request: CertificateRequest, pem: String) {
    // snippet
    enum Refusal: Error {
        case notWhatWasAsked
        case neverExpires
    }

    let draft = try CertificateRequestDraft(
        publicKey: publicKey,
        subject: [
            NameAttribute(.commonName, "Anna Müller"),
            NameAttribute(.emailAddress, "anna@example.org"),
        ],
        extensions: [
            .keyUsage([.digitalSignature]),
            .extendedKeyUsage([.emailProtection, .clientAuth]),
            try .subjectAlternativeName(emailAddresses: ["anna@example.org"]),
        ])
    let signature = try sign(draft.toBeSigned)
    let request = try draft.signed(signature)

    // The answer may contain other text, and certificates may be broken.
    let answer = try order(request.pem)
    let read = Certificate.all(inPEM: Array(answer.utf8))
    if let error = read.error { throw error }
    guard let certificate = read.certificates.first,
        certificate.publicKey == publicKey, !certificate.isAuthority,
        certificate.subject.commonNames == ["Anna Müller"],
        certificate.emailAddresses == ["anna@example.org"],
        certificate.extendedKeyUsages == [.emailProtection, .clientAuth]
    else { throw Refusal.notWhatWasAsked }

    let anchors = TrustAnchors([root])
    let intermediates = Array(read.certificates.dropFirst())
    try anchors.verify(certificate, intermediates: intermediates, at: time)

    let tenYears: Int64 = 3650 * 86_400
    var lateRefusal: X509Error.Code?
    do throws(X509Error) {
        try anchors.verify(certificate, intermediates: intermediates, at: time + tenYears)
    } catch {
        lateRefusal = error.code
    }
    guard lateRefusal == .outsideValidity else { throw Refusal.neverExpires }
    // end of snippet
    return (request, answer)
}

/// Runs the article's example with a key and a CA in memory. The certificate is valid for seven
/// days.
///
/// - Parameter time: The current time in seconds since 1970-01-01 00:00 UTC.
/// - Returns: The request, and the certificate and root in PEM.
func signARequest(at time: Int64) throws -> (request: CertificateRequest, pem: String) {
    let key = try HostPrivateKey.generate(.ec(.p256))
    let day: Int64 = 86_400
    let rootKey = try HostPrivateKey.generate(.ec(.p384))
    // The root is still valid at the time of the last check.
    let root = try rootKey.issue(
        CertificateContent(
            subject: [NameAttribute(.commonName, "Throw-away Root")],
            publicKey: rootKey.publicKey, serialNumber: [1],
            notBefore: time - day, notAfter: time + 7300 * day,
            extensions: [
                .basicConstraints(isAuthority: true), .keyUsage([.keyCertSign, .cRLSign]),
                .subjectKeyIdentifier(rootKey.publicKey),
            ]),
        issuer: nil)

    /// Issues a certificate with the subject, addresses and key of a request.
    func order(_ pem: String) throws -> String {
        let request = try CertificateRequest(pem: Array(pem.utf8))
        let issued = try rootKey.issue(
            CertificateContent(
                subject: request.subject.commonNames.map { NameAttribute(.commonName, $0) },
                publicKey: request.publicKey,
                serialNumber: (0..<16).map { _ in UInt8.random(in: 0...255) },
                notBefore: time, notAfter: time + 7 * day,
                extensions: [
                    .basicConstraints(isAuthority: false), .keyUsage([.digitalSignature]),
                    .extendedKeyUsage([.emailProtection, .clientAuth]),
                    try .subjectAlternativeName(emailAddresses: request.subject.emailAddresses),
                    .subjectKeyIdentifier(request.publicKey),
                    .authorityKeyIdentifier(rootKey.publicKey),
                ]),
            issuer: root)
        return issued.pem + root.pem
    }

    return try signARequest(
        for: key.publicKey, sign: { try key.sign($0) }, order: order, root: root, at: time)
}
