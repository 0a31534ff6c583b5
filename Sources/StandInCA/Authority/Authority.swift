internal import FoundationEssentials

/// The keys and certificates of the class 1 root, of the class 3 below it, and of the server.
struct Authority: Sendable {
    let class1: Signer
    let class3: Signer
    let server: Signer

    static let class1Subject = [
        ("O", "Root CA of the stand-in"), ("OU", "for tests only"),
        ("CN", "Stand-in CA Class 1 Root"),
    ]
    static let class3Subject = [("O", "Stand-in CA"), ("CN", "Stand-in CA Class 3 Root")]

    /// Loads the files in the folder and creates those that are missing. The time is in seconds since
    /// 1970-01-01 00:00 UTC.
    init(directory: String, now: Int64) throws(StandInError) {
        startOpenSSL()
        let authority = [
            "basicConstraints = critical, CA:TRUE", "keyUsage = critical, keyCertSign, cRLSign",
            "subjectKeyIdentifier = hash",
        ]
        let loader = Loader(directory: directory)
        class1 = try loader.signer("root") {
            CertificateContent(
                subject: Self.class1Subject, serialNumber: "0F", notBefore: now - 3600,
                notAfter: now + 10 * 365 * 86400, extensions: authority)
        }
        class3 = try loader.signer("class3", issuer: class1) {
            CertificateContent(
                subject: Self.class3Subject, serialNumber: "14E228", notBefore: now - 3600,
                notAfter: now + 9 * 365 * 86400,
                extensions: authority + ["authorityKeyIdentifier = keyid"])
        }
        // Created at each start, because it expires long before the others.
        server = try loader.newSigner(
            "server", issuer: class1, kind: .p256,
            CertificateContent(
                subject: [("CN", "localhost")], serialNumber: "20",
                notBefore: now - 3600, notAfter: now + 365 * 86400,
                extensions: [
                    "basicConstraints = critical, CA:FALSE", "extendedKeyUsage = serverAuth",
                    "subjectAltName = DNS:localhost, IP:127.0.0.1, IP:::1",
                    "subjectKeyIdentifier = hash", "authorityKeyIdentifier = keyid",
                ]))
    }
}

/// Finds signers in a folder, and creates those that are missing.
private struct Loader {
    let directory: String

    /// Loads a key and its certificate, or creates both if the folder has neither.
    func signer(
        _ name: String, issuer: Signer? = nil, _ content: () -> CertificateContent
    ) throws(StandInError) -> Signer {
        let (keyFile, certificateFile) = files(name)
        let known = [keyFile, certificateFile].filter {
            FileManager.default.fileExists(atPath: $0)
        }
        if known.isEmpty {
            return try newSigner(name, issuer: issuer, kind: .rsa2048, content())
        }
        guard known.count == 2 else {
            throw StandInError("\(known[0]) exists, but its key or certificate is missing")
        }
        let signer = Signer(
            key: try read(keyFile) { try Key(pem: $0) },
            certificate: try read(certificateFile) { try Certificate(pem: $0) })
        guard try signer.key.isSamePublicKey(as: signer.certificate.key()) else {
            throw StandInError("\(keyFile) and \(certificateFile) do not match")
        }
        return signer
    }

    /// Creates a key and a certificate for it. Without an issuer, the certificate is self-signed.
    func newSigner(
        _ name: String, issuer: Signer?, kind: Key.Kind, _ content: CertificateContent
    ) throws(StandInError) -> Signer {
        let key = try Key.generate(kind)
        let certificate = try content.signed(by: issuer, for: key)
        let (keyFile, certificateFile) = files(name)
        try writePrivately(try key.pem(), to: keyFile)
        let pem = try certificate.pem()
        do {
            try Data(pem.utf8).write(to: URL(filePath: certificateFile))
        } catch {
            throw StandInError("cannot write \(certificateFile): \(error)")
        }
        return Signer(key: key, certificate: certificate)
    }

    private func files(_ name: String) -> (key: String, certificate: String) {
        ("\(directory)/\(name).key", "\(directory)/\(name).pem")
    }

    private func read<Value>(
        _ file: String, _ parse: (String) throws -> Value
    ) throws(StandInError) -> Value {
        do {
            let data = try Data(contentsOf: URL(filePath: file))
            return try parse(String(decoding: data, as: UTF8.self))
        } catch {
            throw StandInError("cannot read \(file): \(error)")
        }
    }
}
