internal import FoundationEssentials
internal import Hummingbird
internal import HummingbirdTLS
internal import Logging

/// A local CA that behaves like CAcert's API, for tests, demonstrations and CI.
///
/// It serves `/api/ccsr.php`, `/api/cemails.php` and the roots over HTTPS on loopback. Do not trust
/// its certificates: every user of the machine can order one.
package struct StandInCA: Sendable {
    package let configuration: StandInConfiguration

    private let authority: Authority
    private let service: Service
    private let log: RequestLog

    /// The file with the class 1 root, in PEM.
    package var rootFile: String { configuration.directory + "/root.pem" }
    package var accountsFile: String { configuration.directory + "/accounts.json" }
    /// The file with the password of the example account, if it exists.
    package let passwordFile: String?
    /// The first account.
    package let exampleAccount: Account?

    /// Loads the files in the folder, and creates those that are missing.
    package init(_ configuration: StandInConfiguration) throws {
        self.configuration = configuration
        let directory = configuration.directory
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        let accountsPath = directory + "/accounts.json"
        if !FileManager.default.fileExists(atPath: accountsPath) {
            let password = Self.randomDigits()
            try writePrivately(AccountsFile.example(password: password).json, to: accountsPath)
            try writePrivately(password + "\n", to: directory + "/password")
        }
        let accounts = try AccountsFile(path: accountsPath)
        exampleAccount = accounts.accounts.first
        let passwordPath = directory + "/password"
        passwordFile = FileManager.default.fileExists(atPath: passwordPath) ? passwordPath : nil
        let now: @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) }
        WorkFolder.removeAll(in: directory)
        authority = try Authority(directory: directory, now: now())
        let issued = try IssuedCertificates(directory: directory + "/issued")
        var weakKeys: Set<String> = []
        if let file = configuration.weakKeysFile {
            let text = String(decoding: try Data(contentsOf: URL(filePath: file)), as: UTF8.self)
            weakKeys = Set(text.split(whereSeparator: \.isWhitespace).map { $0.lowercased() })
        }
        service = Service(
            configuration: configuration, authority: authority, accounts: accounts,
            weakKeys: weakKeys, issued: issued, now: now)
        log = try RequestLog(path: configuration.requestLog)
    }

    /// Serves until a signal ends the process. `whenRunning` is called once, with the port.
    package func run(whenRunning: @escaping @Sendable (Int) async -> Void) async throws {
        let router = Router()
        typealias Page = @Sendable (FormFields, KeyText.Language) async -> PageAnswer
        let accountPage: Page = { [service] fields, _ in service.accountPage(fields) }
        let orderPage: Page = { [service] fields, language in
            await service.orderPage(fields, language)
        }
        let sessions = Sessions()
        for (path, page) in [("/api/cemails.php", accountPage), ("/api/ccsr.php", orderPage)] {
            for method in [HTTPRequest.Method.get, .post] {
                router.on(RouterPath(path), method: method) { [log] request, _ in
                    let (query, fields) = try await Self.fields(of: request)
                    log.write(
                        .init(
                            method: request.method.rawValue, path: request.uri.path,
                            headers: request.headers.map(\.name.canonicalName),
                            queryFields: query.names,
                            bodyFields: Array(fields.names.dropFirst(query.names.count))))
                    guard Self.isOwnHost(request.head.authority) else {
                        return Self.response(
                            .status(302, body: [], location: "https://localhost/index.php"))
                    }
                    let language = KeyText.Language(
                        field: fields["lang"], acceptLanguage: request.headers[.acceptLanguage])
                    return Self.response(
                        await sessions.answer(request.headers[.cookie]) {
                            await page(fields, language)
                        })
                }
            }
        }
        for (path, signer) in [
            ("/certs/root_X0F.crt", authority.class1),
            ("/certs/class3_x14E228.crt", authority.class3),
        ] {
            router.get(RouterPath(path)) { _, _ in
                Response(
                    status: .ok, headers: [.contentType: "application/x-x509-ca-cert"],
                    body: .init(byteBuffer: ByteBuffer(string: signer.pem)))
            }
        }
        var logger = Logger(label: "cacert-standin")
        logger.logLevel = .error
        let application = Application(
            router: router,
            server: try .tls(
                .http1(
                    configuration: .init(additionalChannelHandlers: [ResettingHandler()])),
                tlsConfiguration: tlsConfiguration()),
            configuration: .init(
                address: .hostname("127.0.0.1", port: configuration.port), serverName: nil),
            onServerRunning: { channel in await whenRunning(channel.localAddress?.port ?? 0) },
            logger: logger)
        // The service does not handle SIGTERM, so the signal ends the process even during a delay.
        try await application.runService(gracefulShutdownSignals: [])
    }

    private func tlsConfiguration() throws -> TLSConfiguration {
        let certificate = try NIOSSLCertificate(
            bytes: Array(authority.server.pem.utf8), format: .pem)
        let key = try NIOSSLPrivateKey(file: authority.server.keyFile, format: .pem)
        return TLSConfiguration.makeServerConfiguration(
            certificateChain: [.certificate(certificate)], privateKey: .privateKey(key))
    }

    /// The fields of the query, and those of query and body together.
    private static func fields(of request: Request) async throws -> (FormFields, FormFields) {
        var query = FormFields()
        query.add((request.uri.query ?? "").utf8)
        var all = query
        let body = try await request.body.collect(upTo: 1 << 20)
        all.add(body.readableBytesView)
        return (query, all)
    }

    /// Whether a request names this host. The port is ignored, because it differs through a tunnel.
    private static func isOwnHost(_ authority: String?) -> Bool {
        guard let authority else { return false }
        let hosts = ["localhost", "127.0.0.1", "[::1]"]
        return hosts.contains { authority == $0 || authority.hasPrefix($0 + ":") }
    }

    /// Sixteen hexadecimal digits.
    private static func randomDigits() -> String {
        let digits = String(UInt64.random(in: 0...UInt64.max), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private static func response(_ answer: PageAnswer) -> Response {
        let headers: HTTPFields = [
            .contentType: "text/html; charset=UTF-8",
            .setCookie: "cacert=\(randomDigits()); path=/; secure; HttpOnly",
        ]
        switch answer {
        case .body(let bytes):
            // Without a length, the body is sent in chunks, like PHP's.
            return Response(
                status: .ok, headers: headers,
                body: .init { writer in
                    try await writer.write(ByteBuffer(bytes: bytes))
                    try await writer.finish(nil)
                })
        case .status(let status, let bytes, let location):
            var headers = headers
            if let location { headers[.location] = location }
            return Response(
                status: .init(code: status), headers: headers,
                body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
        case .broken:
            var headers = headers
            if let mark = ResettingHandler.mark { headers[mark] = "1" }
            return Response(status: .ok, headers: headers)
        case .cutOff(let bytes, let length):
            return Response(
                status: .ok, headers: headers,
                body: .init(contentLength: length) { writer in
                    try await writer.write(ByteBuffer(bytes: bytes))
                    throw StandInError("closing the connection on purpose")
                })
        case .huge:
            return Response(
                status: .ok, headers: headers,
                body: .init { writer in
                    let piece = ByteBuffer(repeating: UInt8(ascii: "A"), count: 1 << 20)
                    try await writer.write(ByteBuffer(string: "200,Authentication Ok\n"))
                    for _ in 0..<256 { try await writer.write(piece) }
                    try await writer.finish(nil)
                })
        case .never:
            return Response(
                status: .ok, headers: headers,
                body: .init { writer in
                    try await Task.sleep(for: .seconds(3600))
                    try await writer.finish(nil)
                })
        }
    }
}
