internal import OpenSSLX509
internal import TokencertPlatform

/// The command openssl: signatures, messages and requests with the key on the token.
///
/// The configuration file is for single commands that name it in OPENSSL_CONF. In a global file, the
/// engine's section makes other commands fail, such as `openssl x509 -req` (libp11 0.4.12, OpenSSL 3.0).
struct OpenSSLTool: Consumer {
    let name = "openssl"
    let summary = "sign files and messages with the openssl command"
    let programs = [OpenSSLEngine.program]

    func requireFit(_ used: UsedCertificate) throws {
        try OpenSSLEngine.requireFit(used)
    }

    func setUp(_ used: UsedCertificate, _ place: Place) throws -> SetUp {
        let engine = try OpenSSLEngine.require()
        let files = Files(self, used, place)
        var setUp = SetUp()
        setUp.files = [
            .own(
                files.configuration,
                Self.configuration(
                    including: try systemConfiguration(engine), engine: engine.enginePath,
                    module: used.modulePath)),
            .own(files.certificate, used.certificate.pem),
        ]
        if let issuers = files.issuers {
            setUp.files.append(.own(issuers, Self.intermediates(used)))
        }
        let start = "OPENSSL_CONF=\(shellWord(files.configuration)) openssl"
        let key = shellWord(used.privateKeyURI)
        let issuers = files.issuers.map { " -certfile \(shellWord($0))" } ?? ""
        setUp.commands = [
            "\(start) dgst -engine pkcs11 -keyform engine -sha256 -sign \(key) "
                + "-out FILE.sig FILE",
            "\(start) cms -sign -engine pkcs11 -keyform engine -inkey \(key) "
                + "-signer \(shellWord(files.certificate))\(issuers) -in FILE -out FILE.eml",
            "\(start) storeutl -noout \(shellWord("org.openssl.engine:pkcs11:" + used.privateKeyURI))",
        ]
        setUp.notes = [
            "Each command asks for the PIN once.",
            "Set OPENSSL_CONF for single commands only: with this file, other commands such as "
                + "openssl x509 -req fail.",
        ]
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
        let variables = ["OPENSSL_CONF": files.configuration]
        let engine = ["-engine", "pkcs11", "-keyform", "engine"]
        let password = pin.isEmpty ? [] : ["-passin", "stdin"]

        let signature = "\(folder.path)/signature"
        try Trial.run(
            [openssl, "dgst"] + engine + ["-sha256", "-sign", used.privateKeyURI] + password
                + ["-out", signature, input],
            pin: pin.line(), variables: variables, "sign with openssl dgst")
        let key = used.certificate.publicKey
        let algorithm: SignatureAlgorithm =
            if case .rsa = key.kind { .sha256WithRSAEncryption } else { .ecdsaWithSHA256 }
        do {
            try key.verify(try readFile(signature), over: message, algorithm)
        } catch {
            throw ConsumerError(
                .checkFailed,
                "the signature of openssl dgst does not match the certificate",
                advice: ["to see the set-up: tokencert use openssl"])
        }

        let signed = "\(folder.path)/signed"
        try Trial.run(
            [openssl, "cms", "-sign"] + engine
                + ["-inkey", used.privateKeyURI, "-signer", files.certificate]
                + (files.issuers.map { ["-certfile", $0] } ?? []) + password
                + ["-in", input, "-out", signed],
            pin: pin.line(), variables: variables, "sign with openssl cms")
        let trusted = "\(folder.path)/trusted.pem"
        try writeFileDurably(
            Array((used.issuers.isEmpty ? used.certificate.pem : used.rootPEM).utf8), trusted,
            permissions: 0o600)
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
        let configuration: String
        let certificate: String
        /// nil if no intermediate is known.
        let issuers: String?

        init(_ consumer: OpenSSLTool, _ used: UsedCertificate, _ place: Place) {
            configuration = place.ownFile(consumer, "openssl.cnf")
            certificate = place.ownFile(consumer, used.fileName + ".pem")
            issuers =
                OpenSSLTool.intermediates(used).isEmpty
                ? nil : place.ownFile(consumer, used.fileName + "-issuers.pem")
        }
    }

    /// The issuers without the root, in PEM.
    private static func intermediates(_ used: UsedCertificate) -> String {
        used.issuers.filter { $0.subject != $0.issuer }.map(\.pem).joined()
    }

    /// The configuration file of the system; nil if there is none.
    private func systemConfiguration(_ engine: OpenSSLEngine) throws -> String? {
        let output = try Trial.run(
            [engine.path, "version", "-d"], "find the configuration of OpenSSL")
        // OPENSSLDIR: "/usr/lib/ssl"
        let folder = String(decoding: output, as: UTF8.self).split(separator: "\"").dropFirst()
            .first
        guard let folder else { return nil }
        let path = "\(folder)/openssl.cnf"
        return isRegularFile(path) ? path : nil
    }

    /// The configuration file. After the included file, `[default]` returns to the first section; `init`
    /// is 0 so that the module is loaded only for commands that use the engine.
    static func configuration(including system: String?, engine: String, module: String) -> String {
        let included = system.map { ".include \(value($0))\n[default]\n" } ?? ""
        return """
            # Written by tokencert use openssl. Use it for single commands: OPENSSL_CONF=FILE openssl ...
            # The PIN does not belong here: openssl asks for it.
            \(included)openssl_conf = tokencert_init

            [tokencert_init]
            engines = tokencert_engines

            [tokencert_engines]
            pkcs11 = tokencert_pkcs11

            [tokencert_pkcs11]
            engine_id = pkcs11
            dynamic_path = \(value(engine))
            MODULE_PATH = \(value(module))
            init = 0

            """
    }

    /// A value as config(5) reads it.
    private static func value(_ text: String) -> String {
        text.map { character in
            switch character {
            case "\\", "$", "#", "\"", "'", "`": "\\\(character)"
            case "\n": "\\n"
            default: String(character)
            }
        }.joined()
    }
}
