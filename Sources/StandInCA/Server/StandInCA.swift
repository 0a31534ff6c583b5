internal import FoundationEssentials
internal import Hummingbird
internal import HummingbirdTLS
internal import Logging

/// A local CA that behaves like CAcert's API and web account, for tests, demonstrations and CI.
///
/// It serves `/api/ccsr.php`, `/api/cemails.php`, `/index.php`, `/account.php` and the roots over
/// HTTPS on loopback. Do not trust its certificates: every user of the machine can order one.
package struct StandInCA: Sendable {
    package let configuration: StandInConfiguration

    private let authority: Authority
    private let service: Service
    private let webAccount: WebAccount
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
            let password = randomDigits()
            try writePrivately(AccountsFile.example(password: password).json, to: accountsPath)
            try writePrivately(password + "\n", to: directory + "/password")
        }
        let accounts = try AccountsFile(path: accountsPath)
        exampleAccount = accounts.accounts.first
        let passwordPath = directory + "/password"
        passwordFile = FileManager.default.fileExists(atPath: passwordPath) ? passwordPath : nil
        let now: @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) }
        authority = try Authority(directory: directory, now: now())
        let orders = try Orders(directory: directory)
        var weakKeys: Set<String> = []
        if let file = configuration.weakKeysFile {
            let text = String(decoding: try Data(contentsOf: URL(filePath: file)), as: UTF8.self)
            weakKeys = Set(text.split(whereSeparator: \.isWhitespace).map { $0.lowercased() })
        }
        service = Service(
            configuration: configuration, authority: authority, accounts: accounts,
            weakKeys: weakKeys, orders: orders, now: now)
        webAccount = WebAccount(
            configuration: configuration, authority: authority, accounts: accounts, orders: orders,
            now: now)
        log = try RequestLog(path: configuration.requestLog)
    }

    /// Serves until a signal ends the process. `whenRunning` is called once, with the port.
    package func run(whenRunning: @escaping @Sendable (Int) async -> Void) async throws {
        let router = Router()
        let sessions = Sessions()
        for (path, page) in pages {
            for method in [HTTPRequest.Method.get, .post] {
                router.on(RouterPath(path), method: method) { [log] request, _ in
                    let (query, fields) = try await Self.fields(of: request)
                    log.append(
                        .init(
                            method: request.method.rawValue, path: request.uri.path,
                            headers: request.headers.map(\.name.canonicalName),
                            queryFields: query.names,
                            bodyFields: Array(fields.names.dropFirst(query.names.count))))
                    guard Self.isOwnHost(request.head.authority) else {
                        return Response(
                            Reply(
                                answer: .status(
                                    302, body: [], location: "https://localhost/index.php"),
                                cookie: randomDigits()))
                    }
                    let session = Sessions.identifier(request.headers[.cookie])
                    return Response(
                        await sessions.reply(in: session) {
                            await page(request, fields, session)
                        })
                }
            }
        }
        for (path, signer) in [
            ("/certs/root_X0F.crt", authority.class1),
            ("/certs/class3_x14E228.crt", authority.class3),
        ] {
            let pem = try signer.certificate.pem()
            router.get(RouterPath(path)) { _, _ in
                Response(
                    status: .ok, headers: [.contentType: "application/x-x509-ca-cert"],
                    body: .init(byteBuffer: ByteBuffer(string: pem)))
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

    /// A page that answers a request with fields and a session.
    private typealias Page = @Sendable (Request, FormFields, String?) async -> Reply

    /// The pages of the API, which send a new cookie with each answer, and those of the web account.
    private var pages: [(path: String, page: Page)] {
        let accountPage: Page = { [service] _, fields, _ in
            Reply(answer: service.accountPage(fields), cookie: randomDigits())
        }
        let orderPage: Page = { [service] request, fields, _ in
            let language = KeyText.Language(
                field: fields["lang"], acceptLanguage: request.headers[.acceptLanguage])
            return Reply(
                answer: await service.orderPage(fields, language), cookie: randomDigits())
        }
        let webPage: Page = { [webAccount] request, fields, session in
            let cookie = session == nil ? randomDigits() : nil
            var reply = webAccount.reply(
                WebRequest(
                    isPost: request.method == .post, path: request.uri.path,
                    host: request.head.authority ?? "localhost", fields: fields,
                    session: session ?? cookie ?? ""))
            reply.cookie = cookie
            return reply
        }
        return [
            ("/api/cemails.php", accountPage), ("/api/ccsr.php", orderPage),
            ("/index.php", webPage), ("/account.php", webPage),
        ]
    }

    private func tlsConfiguration() throws -> TLSConfiguration {
        let certificate = try NIOSSLCertificate(
            bytes: Array(authority.server.certificate.pem().utf8), format: .pem)
        let key = try NIOSSLPrivateKey(
            bytes: Array(authority.server.key.pem().utf8), format: .pem)
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
}
