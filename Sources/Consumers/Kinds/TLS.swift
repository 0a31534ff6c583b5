internal import OpenSSLX509
internal import TokencertPlatform

/// curl and `openssl s_client`: authenticate to TLS servers with the key on the token. The user's
/// .curlrc stays as it is, or curl would offer the certificate to each server that requests one.
/// The certificate is in a file, because curl sends no issuers for one on the token.
struct TLS: Consumer {
    let name = "tls"
    let summary = "authenticate to TLS servers with curl and openssl"
    let programs = [
        Curl.program,
        OpenSSLEngine.program,
    ]

    func requireFit(_ used: UsedCertificate) throws {
        try OpenSSLEngine.requireFit(used)
        let certificate = used.certificate
        guard certificate.allows(.digitalSignature) != false else {
            throw ConsumerError(
                .certificateUnfit,
                "the certificate does not allow digital signatures, which TLS requires",
                advice: ["issue another certificate: tokencert issue"])
        }
        let usages = certificate.extendedKeyUsages
        guard usages.isEmpty || usages.contains(.clientAuth) || usages.contains(.any) else {
            throw ConsumerError(
                .certificateUnfit,
                "the certificate is not for client authentication: its extended key usage is "
                    + usages.map(\.description).joined(separator: ", "),
                advice: ["issue another certificate: tokencert issue"])
        }
    }

    func setUp(_ used: UsedCertificate, _ place: Place) throws -> SetUp {
        _ = try Curl.require()
        _ = try OpenSSLEngine.require()
        let chain = chainPath(used, place)
        let settings = settingsPath(used, place)
        let module = OpenSSLEngine.assignments(used)
        var setUp = SetUp()
        setUp.files = [
            .own(chain, used.chainPEM),
            .own(settings, Self.settings(chain: chain, key: used.privateKeyURI)),
        ]
        setUp.commands = [
            "\(module) curl -K \(shellWord(settings)) https://example.org/",
            "\(module) openssl s_client "
                + "-key \(shellWord(OpenSSLEngine.keyName(used))) -cert \(shellWord(chain)) "
                + "-cert_chain \(shellWord(chain)) -connect example.org:443",
        ]
        setUp.notes = ["Each command asks for the PIN once."]
        if used.issuers.isEmpty {
            setUp.notes.append(
                "No issuer of the certificate is known, so only the certificate is sent. To trust "
                    + "its CA: tokencert trust add FILE")
        }
        return setUp
    }

    func check(
        _ used: UsedCertificate, _ place: Place, pin: borrowing Secret
    ) throws -> [String] {
        let curl = try Curl.require()
        let openssl = try OpenSSLEngine.require().path
        try OpenSSLEngine.requireTrial(used, pinLength: pin.count)
        let folder = try PrivateFolder()
        var server = try startServer(openssl, folder.path, used)
        guard let port = server.line(beginningWith: "ACCEPT 127.0.0.1:", withinSeconds: 20) else {
            throw ConsumerError(
                .checkFailed, "the temporary TLS server did not start",
                advice: ["try it again: tokencert use tls --check"])
        }
        let module = OpenSSLEngine.variables(used)
        let serverCertificate = "\(folder.path)/server.pem"
        // -q ignores the user's .curlrc.
        let page = try Trial.run(
            [
                curl, "-q", "-fsS", "--noproxy", "*", "--max-time", "30", "--tlsv1.3",
                "-K", settingsPath(used, place), "-K", "-", "--cacert", serverCertificate,
                "https://127.0.0.1:\(port)/",
            ], pin: Curl.passwordSetting(pin), variables: module,
            "authenticate to a temporary server with curl")
        guard Self.proves(page.text, used.certificate) else {
            throw failedCheck(
                "the server did not report the certificate with serial number "
                    + used.certificate.serialNumber)
        }
        // With TLS 1.2 the handshake ends after the server has verified the client, so the exit status is
        // a proof.
        let chain = chainPath(used, place)
        let password = pin.isEmpty ? [] : ["-pass", "stdin"]
        try Trial.run(
            [
                openssl, "s_client", "-connect", "127.0.0.1:\(port)", "-tls1_2",
                "-key", OpenSSLEngine.keyName(used), "-cert", chain, "-cert_chain", chain,
                "-CAfile", serverCertificate,
                "-no-CAstore", "-no-CApath", "-verify_return_error", "-brief",
            ] + password, pin: pin.line(), variables: module,
            "authenticate to a temporary server with openssl s_client")
        return [
            "curl authenticated to a temporary server with TLS 1.3, which reported the certificate with "
                + "serial number \(used.certificate.serialNumber)",
            "openssl s_client authenticated to the server with TLS 1.2",
        ]
    }

    // MARK: The files

    private func chainPath(_ used: UsedCertificate, _ place: Place) -> String {
        place.ownFile(self, used.fileName + "-chain.pem")
    }

    private func settingsPath(_ used: UsedCertificate, _ place: Place) -> String {
        place.ownFile(self, used.fileName + ".curlrc")
    }

    /// The configuration file of curl.
    static func settings(chain: String, key: String) -> String {
        // curl reads a colon in the name of a certificate as the beginning of a password.
        let name = chain.replacing("\\", with: "\\\\").replacing(":", with: "\\:")
        return """
            # Written by tokencert use tls. The PIN does not belong here: curl asks for it.
            cert = \(quotedSetting(name))
            cert-type = "PEM"
            engine = "pkcs11"
            key = \(quotedSetting(key))
            key-type = "ENG"

            """
    }

    private static func quotedSetting(_ value: String) -> String {
        let escaped = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
            .replacing("\n", with: "\\n")
        return "\"\(escaped)\""
    }

    // MARK: The server of the check

    /// A server that requires a client certificate and trusts the root only, so that curl must also send
    /// the intermediates.
    private func startServer(
        _ openssl: String, _ folder: String, _ used: UsedCertificate
    ) throws -> BackgroundProgram {
        try writeFile(used.trustedPEM, "\(folder)/trusted.pem")
        try Curl.makeServerCertificate(openssl, in: folder)
        do throws(ProgramStartError) {
            return try BackgroundProgram(
                [
                    openssl, "s_server", "-accept", "127.0.0.1:0", "-key",
                    "\(folder)/server.key", "-cert", "\(folder)/server.pem", "-CAfile",
                    "\(folder)/trusted.pem", "-no-CAstore",
                    "-no-CApath", "-partial_chain", "-Verify", "3", "-verify_return_error",
                    "-www",
                ], environment: Trial.environment(["OPENSSL_CONF": OpenSSLEngine.configuration]))
        } catch {
            throw ConsumerError(
                .checkFailed, "cannot start a temporary TLS server: \(error.reason)",
                advice: ["try it again: tokencert use tls --check"])
        }
    }

    /// Whether the page of the server reports TLS 1.3 and the certificate, byte for byte.
    static func proves(_ page: String, _ certificate: Certificate) -> Bool {
        page.contains("New, TLSv1.3,") && page.contains(certificate.pem)
    }
}
