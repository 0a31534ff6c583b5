internal import FoundationEssentials
internal import OpenSSLX509

/// The keys and certificates of the stand-in: class 1 root, class 3 below it, and its server.
struct Authority: Sendable {
    struct Signer: Sendable {
        let key: HostPrivateKey
        let certificate: Certificate
    }

    let class1: Signer
    let class3: Signer
    let server: Signer

    /// Loads what the folder has and makes what it lacks.
    init(directory: String, now: Int64) throws {
        let folder = URL(filePath: directory, directoryHint: .isDirectory)
        class1 = try Self.signer("root", in: folder) { key in
            try key.issue(
                CertificateContent(
                    subject: [
                        .init(.organization, "Root CA of the stand-in"),
                        .init(.organizationalUnit, "for tests only"),
                        .init(.commonName, "Stand-in CA Class 1 Root"),
                    ], publicKey: key.publicKey, serialNumber: [0x0F], notBefore: now - 3600,
                    notAfter: now + 10 * 365 * 86400,
                    extensions: Self.authorityExtensions(key.publicKey, issuer: key.publicKey)),
                issuer: nil)
        }
        let root = class1
        class3 = try Self.signer("class3", in: folder) { key in
            try root.key.issue(
                CertificateContent(
                    subject: [
                        .init(.organization, "Stand-in CA"),
                        .init(.commonName, "Stand-in CA Class 3 Root"),
                    ], publicKey: key.publicKey, serialNumber: [0x14, 0xE2, 0x28],
                    notBefore: now - 3600, notAfter: now + 9 * 365 * 86400,
                    extensions: Self.authorityExtensions(
                        key.publicKey, issuer: root.key.publicKey)),
                issuer: root.certificate)
        }
        server = try Self.newSigner("server", in: folder) { key in
            try root.key.issue(
                CertificateContent(
                    subject: [.init(.commonName, "localhost")], publicKey: key.publicKey,
                    serialNumber: [0x20], notBefore: now - 3600, notAfter: now + 365 * 86400,
                    extensions: [
                        .basicConstraints(isAuthority: false),
                        .extendedKeyUsage([.serverAuth]),
                        .subjectAlternativeName(
                            serverNames: ["localhost"],
                            addresses: [
                                [127, 0, 0, 1],
                                [UInt8](repeating: 0, count: 15) + [1],
                            ]),
                    ]),
                issuer: root.certificate)
        }
    }

    private static func authorityExtensions(
        _ key: PublicKey, issuer: PublicKey
    ) -> [CertificateExtension] {
        [
            .basicConstraints(isAuthority: true), .keyUsage([.keyCertSign, .cRLSign]),
            .subjectKeyIdentifier(key), .authorityKeyIdentifier(issuer),
        ]
    }

    /// Loads a key and its certificate, or makes both where the folder has neither.
    private static func signer(
        _ name: String, in folder: URL, make: (HostPrivateKey) throws -> Certificate
    ) throws -> Signer {
        let keyFile = folder.appending(path: "\(name).key")
        let certificateFile = folder.appending(path: "\(name).pem")
        let known = [keyFile, certificateFile].filter {
            FileManager.default.fileExists(atPath: $0.path())
        }
        if known.isEmpty { return try newSigner(name, in: folder, make: make) }
        guard known.count == 2 else {
            throw StandInError(
                "\(folder.path()) has \(known[0].lastPathComponent) without its other half")
        }
        let key = try HostPrivateKey(pem: Array(Data(contentsOf: keyFile)))
        let certificates = Certificate.all(inPEM: Array(try Data(contentsOf: certificateFile)))
        guard let certificate = certificates.certificates.first,
            certificate.publicKey == key.publicKey
        else {
            throw StandInError("\(keyFile.path()) and \(certificateFile.path()) do not fit")
        }
        return Signer(key: key, certificate: certificate)
    }

    private static func newSigner(
        _ name: String, in folder: URL, make: (HostPrivateKey) throws -> Certificate
    ) throws -> Signer {
        let key = try HostPrivateKey.generate(name == "server" ? .ec(.p256) : .rsa(bits: 2048))
        let certificate = try make(key)
        try writePrivately(key.pem, to: folder.appending(path: "\(name).key").path())
        try Data(certificate.pem.utf8).write(to: folder.appending(path: "\(name).pem"))
        return Signer(key: key, certificate: certificate)
    }
}

/// Writes a file that only its owner may read.
func writePrivately(_ text: String, to path: String) throws {
    guard
        FileManager.default.createFile(
            atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600])
    else {
        throw StandInError("cannot write \(path)")
    }
}
