internal import FoundationEssentials

/// The content of a certificate, in the terms of `openssl ca`.
struct CertificateContent: Sendable {
    /// The subject, as `-subj` takes it: see ``subject(_:)``.
    var subject: String
    /// How the bytes of the subject are interpreted.
    var names = StandInConfiguration.Names.utf8
    /// The serial number in hexadecimal, an even number of digits.
    var serialNumber: String
    /// The first second of validity, in seconds since 1970-01-01 00:00 UTC.
    var notBefore: Int64
    /// The last second of validity.
    var notAfter: Int64
    /// The extensions, one line of OpenSSL's configuration each.
    var extensions: [String]

    /// A subject from its parts, in their order.
    static func subject(_ parts: [(type: String, value: String)]) -> String {
        parts.map { part in
            let value = part.value.map { "/+\\".contains($0) ? "\\\($0)" : "\($0)" }.joined()
            return "/\(part.type)=\(value)"
        }.joined()
    }
}

/// A certificate that was signed.
struct SignedCertificate: Sendable {
    /// The certificate in PEM.
    let pem: String
    /// The certificate as text, as OpenSSL writes it before the PEM.
    let text: String
    /// The serial number, upper-case hexadecimal.
    let serialNumber: String
}

/// A signer: a key and its certificate, each a PEM file; without a certificate, the request's own
/// key signs.
struct SigningKey: Sendable {
    let keyFile: String
    let certificateFile: String?
}

extension CertificateContent {
    /// Signs a certificate for the key of a request, whose signature is checked. The rest of the
    /// request is ignored.
    ///
    /// - Throws: ``StandInError`` with OpenSSL's error message.
    func signed(
        by signer: SigningKey, request: String, in folder: WorkFolder
    ) throws(StandInError) -> SignedCertificate {
        try folder.write(configuration, "openssl.cnf")
        try folder.write("", "index.txt")
        try folder.write(serialNumber + "\n", "serial")
        let certificate = folder.file("certificate")
        var arguments = [
            "ca", "-batch", "-config", folder.file("openssl.cnf"), "-preserveDN", "-md", "sha512",
            "-in", request, "-out", certificate, "-keyfile", signer.keyFile,
            "-subj", subject, "-startdate", Self.time(notBefore), "-enddate", Self.time(notAfter),
        ]
        arguments += signer.certificateFile.map { ["-cert", $0] } ?? ["-selfsign"]
        if names == .utf8 { arguments.append("-utf8") }
        let outcome = try OpenSSLProgram.run(arguments, in: folder)
        let text = folder.text("certificate")
        guard outcome.status == 0, let start = text.firstRange(of: "-----BEGIN CERTIFICATE-----")
        else {
            throw StandInError("openssl cannot sign: \(outcome.errors)")
        }
        return SignedCertificate(
            pem: String(text[start.lowerBound...]), text: String(text[..<start.lowerBound]),
            serialNumber: serialNumber.uppercased())
    }

    private var configuration: String {
        """
        [ca]
        default_ca = signer
        [signer]
        database = $ENV::WORK/index.txt
        serial = $ENV::WORK/serial
        new_certs_dir = $ENV::WORK
        policy = policy
        unique_subject = no
        x509_extensions = extensions
        string_mask = utf8only
        [policy]
        organizationName = optional
        organizationalUnitName = optional
        commonName = optional
        emailAddress = optional
        [req]
        distinguished_name = name
        string_mask = utf8only
        [name]
        [extensions]
        \(extensions.joined(separator: "\n"))

        """
    }

    /// A moment as OpenSSL takes it: `20260102030405Z`.
    private static func time(_ seconds: Int64) -> String {
        let text = Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
        return text.filter(\.isNumber) + "Z"
    }
}
