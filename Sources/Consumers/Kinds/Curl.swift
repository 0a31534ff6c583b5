internal import TokencertPlatform

/// curl with OpenSSL, which authenticates with the key on the token, and the server of a check.
enum Curl {
    static let program = RequiredProgram(
        "curl", package: "curl", after: "curl ", atLeast: [7, 88])

    /// The path of curl, which must use OpenSSL: with GnuTLS it knows no engine.
    static func require() throws -> String {
        let curl = try program.require().path
        // A snap sees neither the module nor the files.
        let isConfined = curl.hasPrefix("/snap/")
        let version = try Trial.run([curl, "--version"], "find the version of curl").text
        guard !isConfined, usesOpenSSL(version) else {
            throw ConsumerError(
                .consumerNotInstalled,
                isConfined
                    ? "\(curl) is a snap, which cannot use PKCS#11 modules"
                    : "\(curl) does not use OpenSSL, so it has no PKCS#11 engine",
                advice: ["install another curl: apt install curl"])
        }
        return curl
    }

    /// Whether the output of `curl --version` names OpenSSL as the TLS library. Libraries in brackets are
    /// not in use.
    static func usesOpenSSL(_ version: String) -> Bool {
        version.prefix { !$0.isNewline }.split(separator: " ").contains { $0.hasPrefix("OpenSSL/") }
    }

    /// The PIN as a line of a configuration file of curl; empty for none.
    static func passwordSetting(_ pin: borrowing Secret) -> Secret {
        guard !pin.isEmpty else { return Secret() }
        let escapes: [UInt8: String] = [0x0A: "\\n", 0x0D: "\\r", 0x22: "\\\"", 0x5C: "\\\\"]
        return pin.withBytes { bytes in
            var line = Secret(copying: "pass = \"".utf8)
            for index in bytes.indices {
                let byte = bytes[index]
                if let escape = escapes[byte] {
                    line.append(utf8: escape)
                } else {
                    line.append(byte)
                }
            }
            line.append(utf8: "\"\n")
            return line
        }
    }

    /// Makes `server.key` and `server.pem` for a temporary server in a folder: a certificate for localhost
    /// and 127.0.0.1 that is signed by its own key.
    static func makeServerCertificate(_ openssl: String, in folder: String) throws {
        // The user's configuration may have other extensions.
        let configuration = "\(folder)/openssl.cnf"
        try writeFile("[req]\ndistinguished_name = name\n[name]\n", configuration)
        try Trial.run(
            [
                openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                "-nodes", "-keyout", "\(folder)/server.key", "-out", "\(folder)/server.pem",
                "-days", "2", "-subj", "/CN=localhost",
                "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
            ], variables: ["OPENSSL_CONF": configuration],
            "make a certificate for a temporary server")
    }
}
