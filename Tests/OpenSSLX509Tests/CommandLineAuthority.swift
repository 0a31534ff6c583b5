import Foundation
import OpenSSLX509
import Testing
import TokencertTestSupport

/// A CA that uses OpenSSL's command line, independent of the code under test.
struct CommandLineAuthority {
    let folder: TemporaryFolder

    static let authority = [
        "basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign",
        "subjectKeyIdentifier=hash",
    ]
    static let leaf = [
        "basicConstraints=critical,CA:FALSE", "extendedKeyUsage=clientAuth,emailProtection",
        "subjectAltName=email:anna@example.org",
    ]
    static let ec = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]

    init() throws {
        folder = try TemporaryFolder()
    }

    /// Runs openssl in the folder and requires success.
    @discardableResult
    func openssl(_ arguments: [String]) throws -> Outcome {
        let outcome = try run(
            "env", ["--chdir", folder.path, "openssl"] + arguments)
        #expect(outcome.status == 0, "openssl \(arguments): \(outcome.errors)")
        return outcome
    }

    func bytes(_ file: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(filePath: folder.file(file))))
    }

    func write(_ bytes: [UInt8], _ file: String) throws {
        try Data(bytes).write(to: URL(filePath: folder.file(file)))
    }

    /// Creates `NAME.key` if it does not exist.
    func makeKey(_ name: String, _ options: [String] = CommandLineAuthority.ec) throws {
        guard !FileManager.default.fileExists(atPath: folder.file(name + ".key")) else { return }
        try openssl(["genpkey"] + options + ["-out", name + ".key"])
    }

    /// Creates `NAME.pem` for the key `NAME.key`.
    ///
    /// - Parameters:
    ///   - issuer: The name of the signer's files; nil for a self-signed certificate.
    ///   - key: The options of `openssl genpkey`.
    ///   - subject: The subject; nil for the first part of `name` as the common name.
    ///   - options: More options of `openssl x509`.
    @discardableResult
    func certificate(
        _ name: String, issuer: String? = nil, _ extensions: [String],
        key: [String] = CommandLineAuthority.ec, subject: String? = nil, days: Int = 1000,
        options: [String] = ["-sha256"]
    ) throws -> Certificate {
        try makeKey(name, key)
        let common = name.split(separator: "-").first.map(String.init) ?? name
        try openssl([
            "req", "-new", "-key", name + ".key", "-subj", subject ?? "/CN=\(common)", "-utf8",
            "-out", name + ".csr",
        ])
        try folder.write(extensions.map { $0 + "\n" }.joined(), name + ".ext")
        let signer =
            issuer.map { ["-CA", $0 + ".pem", "-CAkey", $0 + ".key"] }
            ?? ["-signkey", name + ".key"]
        try openssl(
            [
                "x509", "-req", "-in", name + ".csr", "-extfile", name + ".ext", "-days",
                "\(days)", "-set_serial", "0x\(UInt32.random(in: 0x1000_0000...0x7FFF_FFFF))",
                "-out", name + ".pem",
            ] + signer + options)
        return try read(name + ".pem")
    }

    /// Reads the only certificate in a PEM file.
    func read(_ file: String) throws -> Certificate {
        let read = Certificate.all(inPEM: try bytes(file))
        #expect(read.error == nil)
        return try #require(read.certificates.first)
    }

    /// The public key of `NAME.key`, in the form given by the options of `openssl pkey` or `ec`.
    func publicKey(_ name: String, _ command: [String] = ["pkey"]) throws -> PublicKey {
        try openssl(
            command + ["-in", name + ".key", "-pubout", "-outform", "DER", "-out", name + ".spki"])
        return try PublicKey(subjectPublicKeyInfo: try bytes(name + ".spki"))
    }
}
