internal import OpenSSLX509
internal import TokencertPlatform

/// nginx: admit only clients that hold the key on the token (mutual TLS).
///
/// The server needs no token and no PIN. Its own key on a token is not set up: nginx would need the PIN
/// in a file.
struct Nginx: Consumer {
    let name = "nginx"
    let summary = "require the certificate from the clients of a web server"
    let placeOptions: [PlaceOption] = [.file]
    let requiredOption: PlaceOption? = .file
    let loadsModule = false
    let programs = [
        // The option -e exists since nginx 1.19.5.
        RequiredProgram(
            "nginx", package: "nginx", version: ["-v"], after: "nginx/", atLeast: [1, 19, 5]),
        RequiredProgram(
            "curl", package: "curl", after: "curl ", atLeast: [7, 88], isOptional: true),
    ]

    func requireFit(_ used: UsedCertificate) throws {
        let certificate = used.certificate
        let usages = certificate.extendedKeyUsages
        // OpenSSL does not accept anyExtendedKeyUsage for a TLS client.
        guard usages.isEmpty || usages.contains(.clientAuth),
            certificate.allows(.digitalSignature) != false
        else {
            throw ConsumerError(
                .certificateUnfit, "the certificate is not for client authentication (clientAuth)",
                advice: ["issue another certificate: tokencert issue"])
        }
        guard used.root != nil else {
            throw ConsumerError(
                .certificateUnfit,
                "the chain of the certificate to its root is not known, and nginx requires it",
                advice: ["trust the CA: tokencert trust fetch, or tokencert trust add FILE"])
        }
    }

    func setUp(_ used: UsedCertificate, _ place: Place) throws -> SetUp {
        let file = try Self.file(place)
        let authorities = Self.authoritiesFile(file)
        let condition = ClientCondition(used.certificate)
        var setUp = SetUp()
        setUp.files = [
            // nginx reads them before it changes its user; neither is secret.
            .own(authorities, used.issuers.map(\.pem).joined(), permissions: 0o644),
            .own(file, Self.directives(used, condition, authorities), permissions: 0o644),
        ]
        setUp.commands = ["sudo nginx -t && sudo nginx -s reload"]
        setUp.notes = [
            "Add this line to the server block: include \"\(file)\";",
            "nginx reads both files as root: use a folder that only administrators can change.",
            condition.note,
        ]
        return setUp
    }

    func check(_ used: UsedCertificate, _ place: Place, pin: borrowing Secret) throws -> [String] {
        let file = try Self.file(place)
        let nginx = try programs[0].require().path
        let (curl, openssl) = (try Curl.require(), try OpenSSLEngine.require().path)
        try OpenSSLEngine.requireFit(used)
        try OpenSSLEngine.requireTrial(used, pinLength: pin.count)
        let folder = try PrivateFolder()
        let path = folder.path
        let server = Self.serverConfiguration(path, including: file)
        for (name, text) in [("chain.pem", used.chainPEM), ("nginx.conf", server)] {
            try writeFile(text, "\(path)/\(name)")
        }
        try Curl.makeServerCertificate(openssl, in: path)
        let running = try start(nginx, path)
        defer { withExtendedLifetime(running) {} }
        // -q has to be the first option: it ignores the user's .curlrc.
        let request = [
            curl, "-q", "-sS", "--noproxy", "*", "--max-time", "30", "--unix-socket",
            "\(path)/socket", "--cacert", "\(path)/server.pem", "-w", "%{http_code}",
            "https://localhost/",
        ]
        let stranger = try Trial.run(request, "connect to a temporary nginx without a certificate")
        guard stranger.suffix(3).elementsEqual("400".utf8) else {
            throw failedCheck("nginx admitted a client without a certificate")
        }
        let answer = try Trial.run(
            request + [
                "-K", "-", "--cert", "\(path)/chain.pem", "--cert-type", "PEM",
                "--engine", "pkcs11", "--key-type", "ENG", "--key", used.privateKeyURI,
            ], pin: Curl.passwordSetting(pin), variables: OpenSSLEngine.variables(used),
            "connect to a temporary nginx with the key on the token")
        let serialNumber = used.certificate.serialNumber
        guard Self.isSuccess(answer.text, serialNumber) else {
            let log = try readFile("\(path)/error.log").text
            let status = "status " + Array(answer.suffix(3)).text
            throw failedCheck("nginx refused the certificate: \(Self.reason(in: log) ?? status)")
        }
        return [
            "a temporary nginx with \(file) verified the certificate with the serial number "
                + "\(serialNumber) (SUCCESS); the token signed the handshake",
            "the same nginx refused a client without a certificate (status 400)",
        ]
    }

    // MARK: The files

    /// The file that the user named.
    private static func file(_ place: Place) throws -> String {
        guard let file = place.file else {
            throw ConsumerError(
                .placeUnknown, "no file is named for the settings of nginx",
                advice: ["name a new one: --file /etc/nginx/snippets/client-certificate.conf"])
        }
        let parts = file.split(separator: "/").map(String.init)
        guard isQuotable(file), !file.hasSuffix("/"), !isFolder(file), let name = parts.last else {
            throw ConsumerError(
                .placeUnknown, "\"\(file)\" is not the name of a file that nginx can include",
                advice: ["use a path without quotation marks, $, \\, *, ?, [ and ]"])
        }
        // Debian's nginx.conf includes all files there outside of the server blocks.
        if let folder = parts.dropLast().last, ["conf.d", "sites-enabled"].contains(folder) {
            throw ConsumerError(
                .placeUnknown,
                "nginx would load \(file) for all servers, outside of a server block",
                advice: ["use another folder: --file /etc/nginx/snippets/\(name)"])
        }
        return file
    }

    /// Whether a path has only characters that nginx takes as they are between quotation marks.
    static func isQuotable(_ path: String) -> Bool {
        path.unicodeScalars.allSatisfy { scalar in
            scalar.value >= 0x20 && scalar.value != 0x7F
                && !"\"'\\$*?[]".unicodeScalars.contains(scalar)
        }
    }

    /// The file with the CAs, beside the file that is included.
    static func authoritiesFile(_ file: String) -> String {
        let base = file.hasSuffix(".conf") ? String(file.dropLast(5)) : file
        return base + "-ca.pem"
    }

    /// What is included in the server block.
    static func directives(
        _ used: UsedCertificate, _ condition: ClientCondition, _ authorities: String
    ) -> String {
        """
        # Written by tokencert use nginx. Include this file in a server block.
        ssl_client_certificate "\(authorities)";
        ssl_verify_client on;
        ssl_verify_depth \(max(2, used.issuers.count));
        # The CA also certifies others.
        if (\(condition.mismatch)) {
            return 403;
        }

        """
    }

    // MARK: The temporary server

    /// A server on a socket in the folder, which only this user can reach.
    static func serverConfiguration(_ folder: String, including file: String) -> String {
        """
        daemon off;
        master_process off;
        pid "\(folder)/nginx.pid";
        error_log stderr notice;
        error_log "\(folder)/error.log" info;
        events { worker_connections 16; }
        http {
            access_log off;
            client_body_temp_path "\(folder)/body";
            proxy_temp_path "\(folder)/proxy";
            fastcgi_temp_path "\(folder)/fastcgi";
            uwsgi_temp_path "\(folder)/uwsgi";
            scgi_temp_path "\(folder)/scgi";
            server {
                listen "unix:\(folder)/socket" ssl;
                server_name localhost;
                ssl_protocols TLSv1.2 TLSv1.3;
                ssl_certificate "\(folder)/server.pem";
                ssl_certificate_key "\(folder)/server.key";
                include "\(file)";
                location / { return 200 "$ssl_client_verify $ssl_client_serial\\n"; }
            }
        }

        """
    }

    /// Starts nginx and waits until it listens, which it then reports on its standard error.
    private func start(_ nginx: String, _ folder: String) throws -> BackgroundProgram {
        var server: BackgroundProgram
        do throws(ProgramStartError) {
            server = try BackgroundProgram(
                [nginx, "-p", folder, "-e", "stderr", "-c", "\(folder)/nginx.conf"],
                environment: Trial.environment([:]))
        } catch {
            throw failedCheck("cannot start a temporary nginx: \(error.reason)")
        }
        _ = server.line(beginningWith: "", withinSeconds: 10)
        for _ in 0..<5 where !exists("\(folder)/socket") {
            _ = server.line(beginningWith: "nginx listens", withinSeconds: 1)
        }
        if exists("\(folder)/socket") { return server }
        let reason = server.printed.split(separator: "\n").last { $0.contains("[emerg]") }
        throw failedCheck("a temporary nginx does not start: \(reason?.prefix(300) ?? "unknown")")
    }

    // MARK: The answer

    /// Whether nginx reports that it verified the certificate with this serial number.
    static func isSuccess(_ answer: String, _ serialNumber: String) -> Bool {
        answer == "SUCCESS \(serialNumber.uppercased())\n200"
    }

    /// Why nginx did not verify a certificate, such as `(10:certificate has expired)`.
    static func reason(in log: String) -> String? {
        log.firstRange(of: "client SSL certificate verify error: ").map { mark in
            log[mark.upperBound...].prefix { $0 != ")" && !$0.isNewline } + ")"
        }
    }
}

/// How nginx recognises the holder of the certificate.
enum ClientCondition: Hashable {
    /// An e-mail address in the subject, which stays the same after a renewal.
    case emailAddress(String)
    /// The SHA-1 hash of the certificate, which is the only one that nginx has.
    case fingerprint(String)

    init(_ certificate: Certificate) {
        let plain = certificate.subject.emailAddresses.first { Self.isPlain($0) }
        let hash = hexadecimal(Digest.sha1.hash(certificate.der))
        self = plain.map { .emailAddress($0) } ?? .fingerprint(hash)
    }

    /// Whether neither a name in the format of RFC 2253 nor a regular expression escapes anything in
    /// an address except its dots.
    static func isPlain(_ address: String) -> Bool {
        let plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.@"
        return address.contains("@") && address.utf8.allSatisfy(plain.utf8.contains)
    }

    var note: String {
        switch self {
        case .emailAddress(let address):
            "nginx admits every certificate of these CAs with the e-mail address \(address)."
        case .fingerprint:
            "After a renewal, run tokencert use nginx --all-present and reload nginx."
        }
    }

    /// The condition of nginx that is true for all other certificates.
    var mismatch: String {
        switch self {
        case .emailAddress(let address):
            // A comma after a backslash (5C) belongs to the value of another attribute.
            "$ssl_client_s_dn !~ \"(^|[^\\x5C],)emailAddress="
                + "\(address.replacing(".", with: "[.]"))(,|$)\""
        case .fingerprint(let hash): "$ssl_client_fingerprint != \(hash)"
        }
    }
}
