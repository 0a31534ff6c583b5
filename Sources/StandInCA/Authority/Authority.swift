internal import FoundationEssentials

/// The keys and certificates of the class 1 root, of the class 3 below it, and of the server.
struct Authority: Sendable {
    /// The files of a key and its certificate.
    struct Signer: Sendable {
        /// The subject in the form of `openssl ca`.
        let subject: String
        let keyFile: String
        let certificateFile: String
        /// The certificate in PEM.
        let pem: String
    }

    let directory: String
    let class1: Signer
    let class3: Signer
    let server: Signer

    /// Loads the files in the folder and creates those that are missing. Blocks while `openssl`
    /// runs. The time is in seconds since 1970-01-01 00:00 UTC.
    init(directory: String, now: Int64) throws(StandInError) {
        self.directory = directory
        let rootSubject = CertificateContent.subject([
            ("O", "Root CA of the stand-in"), ("OU", "for tests only"),
            ("CN", "Stand-in CA Class 1 Root"),
        ])
        let class3Subject = CertificateContent.subject([
            ("O", "Stand-in CA"), ("CN", "Stand-in CA Class 3 Root"),
        ])
        let authority = [
            "basicConstraints = critical, CA:TRUE", "keyUsage = critical, keyCertSign, cRLSign",
            "subjectKeyIdentifier = hash",
        ]
        let loader = Loader(directory: directory)
        class1 = try loader.signer("root", rootSubject) {
            CertificateContent(
                subject: rootSubject, serialNumber: "0F", notBefore: now - 3600,
                notAfter: now + 10 * 365 * 86400, extensions: authority)
        }
        class3 = try loader.signer("class3", class3Subject, issuer: class1) {
            CertificateContent(
                subject: class3Subject, serialNumber: "14E228", notBefore: now - 3600,
                notAfter: now + 9 * 365 * 86400,
                extensions: authority + ["authorityKeyIdentifier = keyid"])
        }
        // Created at each start, because it expires long before the others.
        server = try loader.newSigner(
            "server", issuer: class1, kind: ("EC", "ec_paramgen_curve:P-256"),
            CertificateContent(
                subject: CertificateContent.subject([("CN", "localhost")]), serialNumber: "20",
                notBefore: now - 3600, notAfter: now + 365 * 86400,
                extensions: [
                    "basicConstraints = critical, CA:FALSE", "extendedKeyUsage = serverAuth",
                    "subjectAltName = DNS:localhost, IP:127.0.0.1, IP:::1",
                ]))
    }

    /// Creates the files `key.pem` and `new-request.pem` in the folder, with a key and a request.
    /// The arguments are those of `openssl genpkey -algorithm` and `-pkeyopt`.
    static func newKey(
        _ algorithm: String, _ option: String, in folder: WorkFolder
    ) throws(StandInError) -> (key: String, request: String) {
        let (key, request) = (folder.file("key.pem"), folder.file("new-request.pem"))
        try folder.write("[req]\ndistinguished_name = name\n[name]\n", "openssl.cnf")
        try OpenSSLProgram.require(
            ["genpkey", "-algorithm", algorithm, "-pkeyopt", option, "-out", key], in: folder)
        try OpenSSLProgram.require(
            ["req", "-new", "-key", key, "-subj", "/", "-out", request], in: folder)
        return (key, request)
    }
}

/// Finds signers in a folder, and creates those that are missing.
private struct Loader {
    let directory: String

    /// Loads a key and its certificate, or creates both if the folder has neither.
    func signer(
        _ name: String, _ subject: String, issuer: Authority.Signer? = nil,
        _ content: () -> CertificateContent
    ) throws(StandInError) -> Authority.Signer {
        let keyFile = "\(directory)/\(name).key"
        let certificateFile = "\(directory)/\(name).pem"
        let known = [keyFile, certificateFile].filter {
            FileManager.default.fileExists(atPath: $0)
        }
        if known.isEmpty {
            return try newSigner(
                name, issuer: issuer, kind: ("RSA", "rsa_keygen_bits:2048"), content())
        }
        guard known.count == 2 else {
            throw StandInError("\(known[0]) exists, but its key or certificate is missing")
        }
        let folder = try WorkFolder(in: directory)
        let ofKey = try OpenSSLProgram.require(["pkey", "-in", keyFile, "-pubout"], in: folder)
        let ofCertificate = try OpenSSLProgram.require(
            ["x509", "-in", certificateFile, "-noout", "-pubkey"], in: folder)
        guard ofKey == ofCertificate else {
            throw StandInError("\(keyFile) and \(certificateFile) do not match")
        }
        return Authority.Signer(
            subject: subject, keyFile: keyFile, certificateFile: certificateFile,
            pem: try text(certificateFile))
    }

    /// Creates a key and a certificate for it. Without an issuer, the certificate is self-signed.
    func newSigner(
        _ name: String, issuer: Authority.Signer?, kind: (algorithm: String, option: String),
        _ content: CertificateContent
    ) throws(StandInError) -> Authority.Signer {
        let folder = try WorkFolder(in: directory)
        let pair = try Authority.newKey(kind.algorithm, kind.option, in: folder)
        let signed = try content.signed(
            by: SigningKey(
                keyFile: issuer?.keyFile ?? pair.key, certificateFile: issuer?.certificateFile),
            request: pair.request, in: folder)
        let keyFile = "\(directory)/\(name).key"
        let certificateFile = "\(directory)/\(name).pem"
        try writePrivately(try text(pair.key), to: keyFile)
        do {
            try Data(signed.pem.utf8).write(to: URL(filePath: certificateFile))
        } catch {
            throw StandInError("cannot write \(certificateFile): \(error)")
        }
        return Authority.Signer(
            subject: content.subject, keyFile: keyFile, certificateFile: certificateFile,
            pem: signed.pem)
    }

    private func text(_ file: String) throws(StandInError) -> String {
        do {
            return String(
                decoding: try Data(contentsOf: URL(filePath: file)), as: UTF8.self)
        } catch {
            throw StandInError("cannot read \(file): \(error)")
        }
    }
}

/// Writes a file that only its owner can read.
func writePrivately(_ text: String, to path: String) throws(StandInError) {
    guard
        FileManager.default.createFile(
            atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600])
    else {
        throw StandInError("cannot write \(path)")
    }
}
