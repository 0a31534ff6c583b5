internal import OpenSSLX509
internal import TokencertPlatform

/// The command openssl: signatures, messages and requests with the key on the token.
///
/// No configuration file: a section with the engine makes it the default for all keys, so that other
/// commands fail, such as `openssl x509 -req`, and tpm2-pkcs11 1.9 cannot log in (libp11 0.4.12).
struct OpenSSLTool: Consumer {
    let name = "openssl"
    let summary = "sign files and messages with the openssl command"
    let programs = [OpenSSLEngine.program]

    func requireFit(_ used: UsedCertificate) throws {
        try OpenSSLEngine.requireFit(used)
    }

    func setUp(_ used: UsedCertificate, _ place: Place) throws -> SetUp {
        _ = try OpenSSLEngine.require()
        let files = Files(self, used, place)
        var setUp = SetUp()
        setUp.files = [.own(files.certificate, used.certificate.pem)]
        if let issuers = files.issuers {
            setUp.files.append(.own(issuers, used.intermediatesPEM))
        }
        let start = "\(OpenSSLEngine.assignments(used)) openssl"
        let key = shellWord(OpenSSLEngine.keyName(used))
        let issuers = files.issuers.map { " -certfile \(shellWord($0))" } ?? ""
        setUp.commands = [
            "\(start) dgst -sha256 -sign \(key) -out FILE.sig FILE",
            "\(start) cms -sign -inkey \(key) "
                + "-signer \(shellWord(files.certificate))\(issuers) -in FILE -out FILE.eml",
            "\(start) storeutl -noout \(key)",
        ]
        setUp.notes = ["Each command asks for the PIN once."]
        let usages = used.certificate.extendedKeyUsages
        if !usages.isEmpty, !usages.contains(.emailProtection), !usages.contains(.any) {
            setUp.notes.append(
                "The certificate is not for e-mail, so openssl cms -verify requires -purpose any.")
        }
        return setUp
    }

    func check(
        _ used: UsedCertificate, _ place: Place, pin: borrowing Secret
    ) throws -> [String] {
        let openssl = try OpenSSLEngine.require().path
        try OpenSSLEngine.requireTrial(used, pinLength: pin.count)
        let files = Files(self, used, place)
        let folder = try PrivateFolder()
        let message = Array("A message of tokencert use openssl.\n".utf8)
        let input = "\(folder.path)/message"
        try writeFileDurably(message, input, permissions: 0o600)
        let variables = OpenSSLEngine.variables(used)
        let key = OpenSSLEngine.keyName(used)
        let password = pin.isEmpty ? [] : ["-passin", "stdin"]

        let signature = "\(folder.path)/signature"
        try Trial.run(
            [openssl, "dgst", "-sha256", "-sign", key] + password + ["-out", signature, input],
            pin: pin.line(), variables: variables, "sign with openssl dgst")
        let publicKey = used.certificate.publicKey
        let algorithm: SignatureAlgorithm =
            if case .rsa = publicKey.kind { .sha256WithRSAEncryption } else { .ecdsaWithSHA256 }
        do {
            try publicKey.verify(try readFile(signature), over: message, algorithm)
        } catch {
            throw failedCheck("the signature of openssl dgst does not match the certificate")
        }

        let signed = "\(folder.path)/signed"
        try Trial.run(
            [openssl, "cms", "-sign", "-inkey", key, "-signer", files.certificate]
                + (files.issuers.map { ["-certfile", $0] } ?? []) + password
                + ["-in", input, "-out", signed],
            pin: pin.line(), variables: variables, "sign with openssl cms")
        let trusted = "\(folder.path)/trusted.pem"
        try writeFile(used.trustedPEM, trusted)
        // Without the engine, so that the token plays no part.
        try Trial.run(
            [
                openssl, "cms", "-verify", "-purpose", "any", "-CAfile", trusted, "-no-CAstore",
                "-no-CApath", "-partial_chain", "-in", signed, "-out", "\(folder.path)/content",
            ], variables: ["OPENSSL_CONF": "/dev/null"],
            "verify the signed message with openssl cms")
        return [
            "openssl dgst signed a file with the key on the token; the signature matches the certificate",
            "openssl cms signed a message; its signature and the certificate's chain are valid",
        ]
    }

    // MARK: The files

    /// The paths of the files that are written.
    private struct Files {
        let certificate: String
        /// nil if no intermediate is known.
        let issuers: String?

        init(_ consumer: OpenSSLTool, _ used: UsedCertificate, _ place: Place) {
            certificate = place.ownFile(consumer, used.fileName + ".pem")
            issuers =
                used.intermediatesPEM.isEmpty
                ? nil : place.ownFile(consumer, used.fileName + "-issuers.pem")
        }
    }
}
