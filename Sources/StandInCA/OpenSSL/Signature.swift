internal import FoundationEssentials

/// The content of a certificate for `openssl ca`.
struct CertificateContent: Sendable {
    /// The subject in the form of `-subj`: see ``subject(_:)``.
    var subject: String
    /// The encoding of the subject.
    var names = StandInConfiguration.Names.utf8
    /// The serial number in hexadecimal, with an even number of digits.
    var serialNumber: String
    /// The first second of the validity, in seconds since 1970-01-01 00:00 UTC.
    var notBefore: Int64
    /// The last second of the validity.
    var notAfter: Int64
    /// The extensions, each a line of OpenSSL's configuration.
    var extensions: [String]

    /// Creates a subject from its parts.
    static func subject(_ parts: [(type: String, value: String)]) -> String {
        parts.map { part in
            let value = part.value.map { "/+\\".contains($0) ? "\\\($0)" : "\($0)" }.joined()
            return "/\(part.type)=\(value)"
        }.joined()
    }
}

struct SignedCertificate: Sendable {
    let pem: String
    /// The certificate as text, which OpenSSL writes before the PEM.
    let text: String
    /// The serial number, upper-case hexadecimal.
    let serialNumber: String
    /// The last second of the validity, in seconds since 1970-01-01 00:00 UTC.
    let notAfter: Int64
}

/// The PEM files of a signer. Without a certificate, the signed certificate is self-signed.
struct SigningKey: Sendable {
    let keyFile: String
    let certificateFile: String?
}

extension CertificateContent {
    /// Signs a certificate for the key of a request, and ignores the rest of the request. Throws if
    /// the request's signature is wrong.
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
            serialNumber: serialNumber.uppercased(), notAfter: notAfter)
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

    /// A time in OpenSSL's form, such as `20260102030405Z`.
    private static func time(_ seconds: Int64) -> String {
        let text = Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
        return text.filter(\.isNumber) + "Z"
    }
}
