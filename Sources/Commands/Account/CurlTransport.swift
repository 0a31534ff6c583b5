internal import Cryptoki
internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertCommandCA
internal import TokencertHTTP
internal import TokencertIssuance
internal import TokencertLedger
internal import TokencertPlatform

/// Sends the forms of the CA's API with libcurl.
struct CurlTransport: ~Copyable, Transport {
    private var client: HTTPClient

    init(anchorsPEM: String, timeout: Int) throws(HTTPError) {
        client = try HTTPClient(
            anchorsPEM: anchorsPEM, userAgent: userAgent,
            limits: HTTPLimits(connectTimeout: min(20, timeout), timeout: timeout))
    }

    mutating func post(
        to url: String, form: borrowing Secret
    ) throws(TransportError) -> TransportAnswer {
        do throws(HTTPError) {
            return TransportAnswer(try client.post(to: url, form: form))
        } catch {
            throw TransportError(error)
        }
    }
}

/// Carries a session at the CA's web site with libcurl.
final class CurlWebTransport: WebTransport {
    private var client: HTTPClient

    init(anchorsPEM: String, timeout: Int) throws(HTTPError) {
        client = try HTTPClient(
            anchorsPEM: anchorsPEM, userAgent: userAgent,
            limits: HTTPLimits(
                connectTimeout: min(20, timeout), timeout: timeout, maximumAnswer: 8 << 20),
            keepsCookies: true)
    }

    func get(_ url: String) throws(TransportError) -> TransportAnswer {
        do throws(HTTPError) {
            return TransportAnswer(try client.get(url))
        } catch {
            throw TransportError(error)
        }
    }

    func post(to url: String, form: borrowing Secret) throws(TransportError) -> TransportAnswer {
        do throws(HTTPError) {
            return TransportAnswer(try client.post(to: url, form: form))
        } catch {
            throw TransportError(error)
        }
    }

    func forget() { client.removeCookies() }
}

extension TransportAnswer {
    fileprivate init(_ answer: HTTPAnswer) {
        self.init(
            status: answer.status, redirect: answer.redirect, contentType: answer.contentType,
            body: answer.body)
    }
}

extension TransportError {
    fileprivate init(_ error: HTTPError) {
        self.init(
            reason: error.reason, mayHaveBeenSent: error.mayHaveBeenSent,
            partialAnswer: error.partialAnswer, partialStatus: error.partialStatus)
    }
}

/// Queries OCSP responders and gets revocation lists with libcurl. The server is not authenticated,
/// since responses and lists are signed.
struct RevocationClient: ~Copyable, RevocationTransport {
    private var client: UnverifiedHTTPClient
    private var listClient: UnverifiedHTTPClient
    /// When the last request may begin; nil for any time.
    private let end: ContinuousClock.Instant?

    /// The limit in seconds for the beginning of the last brief request.
    private static let briefSeconds = 60

    /// Sends nothing yet. With `isBrief`, the answers are only information for the user, who does not
    /// wait long for them.
    init(isBrief: Bool = false) throws(HTTPError) {
        let connectTimeout = isBrief ? 5 : 10
        let client = try UnverifiedHTTPClient(
            userAgent: userAgent,
            limits: HTTPLimits(connectTimeout: connectTimeout, timeout: isBrief ? 10 : 30))
        let listClient = try UnverifiedHTTPClient(
            userAgent: userAgent,
            limits: HTTPLimits(
                connectTimeout: connectTimeout, timeout: isBrief ? 30 : 120,
                maximumAnswer: RevocationListCache.maximumSize))
        self.client = client
        self.listClient = listClient
        end = isBrief ? ContinuousClock.now + .seconds(Self.briefSeconds) : nil
    }

    private func requireTime() throws(TransportError) {
        guard let end, ContinuousClock.now > end else { return }
        throw TransportError(
            reason: "the time limit of \(Self.briefSeconds) s for all answers was reached",
            mayHaveBeenSent: false)
    }

    mutating func getList(_ address: String) throws(TransportError) -> TransportAnswer {
        try requireTime()
        Progress.shared.begin("getting \(address)", onToken: false)
        defer { Progress.shared.abandon() }
        do throws(HTTPError) {
            return TransportAnswer(try listClient.get(address))
        } catch {
            throw TransportError(error)
        }
    }

    mutating func ask(
        _ address: String, _ question: [UInt8]
    ) throws(TransportError) -> TransportAnswer {
        try requireTime()
        Progress.shared.begin("asking \(address)", onToken: false)
        defer { Progress.shared.abandon() }
        do throws(HTTPError) {
            return TransportAnswer(
                try client.post(to: address, question, contentType: "application/ocsp-request"))
        } catch {
            throw TransportError(error)
        }
    }
}

let userAgent = "tokencert/\(programVersion)"

/// The CA that the options name, with its account and password unless it is a command. `waitingTime` is
/// how long to wait for a late certificate, in seconds, or nil if none is to be fetched.
func openAuthority(
    _ options: CAOptions, anchorsPEM: String, waitingTime: Int? = nil
) throws -> any CertificateAuthority {
    guard let command = try options.command(),
        let ca = CommandCA(
            command: command, timeout: try options.seconds(),
            waitingTime: waitingTime ?? 0, pause: { pauseVisibly($0, .certificate) })
    else { return try openAccount(options, anchorsPEM: anchorsPEM, waitingTime: waitingTime) }
    return ca
}

/// Begins to load what an account requires while the token is searched. Nothing is asked for or sent.
func prepareAuthority(_ options: CAOptions) throws {
    guard try options.command() == nil else { return }
    HTTPClient.loadLibraryInBackground()
}

/// Opens the account that the options name, and reads its password. `waitingTime` is nil if the web
/// account is not used; see ``FetchOptions/agreedWaitingTime(_:)``.
func openAccount(
    _ options: CAOptions, anchorsPEM: String, waitingTime: Int? = nil
) throws -> CAcertAccount<CurlTransport> {
    try options.requireAccount()
    let url = try options.baseURL()
    let username = try options.accountName()
    let timeout = try options.seconds()
    let transport = try CurlTransport(anchorsPEM: anchorsPEM, timeout: timeout)
    let web =
        waitingTime == nil
        ? nil : try WebAccount(site: url, anchorsPEM: anchorsPEM, timeout: timeout)
    let password = try readPassword(options, of: username, at: url)
    return CAcertAccount(
        baseURL: url, username: username, password: password, transport: transport, web: web,
        waitingTime: waitingTime ?? 0)
}

private func readPassword(
    _ options: CAOptions, of username: String, at url: String
) throws -> Secret {
    Progress.shared.finish()
    let source = try options.source()
    try SecretReader.shared.useIfUnset([.password: source])
    return try SecretReader.shared.read(
        .password, from: source, promptText: "Password of \(username) at \(url)")
}

/// The account at the CA's web site, after a login.
struct WebLogin {
    let account: WebAccount
    /// The trust anchors with which the site was verified.
    let anchors: TrustAnchors
    /// The address of the site, without a trailing slash.
    let site: String
    let username: String

    /// Logs in to the account that the options name, once, with the password of the API. The site keeps
    /// the session until `account.logOut()`.
    init(_ options: CAOptions) throws {
        try options.requireAccount()
        anchors = try trustStore.anchors(file: setting(options.caFile, .caFile))
        site = try options.siteAddress()
        username = try options.accountName()
        account = try WebAccount(site: site, anchorsPEM: anchors.pem, timeout: options.seconds())
        let password = try readPassword(options, of: username, at: site)
        Progress.shared.begin("logging in at \(site)", onToken: false, isBrief: true)
        defer { Progress.shared.abandon() }
        try account.logIn(username, password)
    }
}

extension WebAccount {
    /// An account at a site with these trust anchors. Nothing is sent yet; `timeout` is in seconds.
    fileprivate convenience init(site: String, anchorsPEM: String, timeout: Int) throws {
        self.init(
            site: site, transport: try CurlWebTransport(anchorsPEM: anchorsPEM, timeout: timeout),
            pause: pauseVisibly)
    }
}

/// Waits for the CA, and shows that.
private func pauseVisibly(_ seconds: Int, _ reason: PauseReason) {
    Progress.shared.addNews(
        reason == .login
            ? "waiting \(seconds) s before the next login"
            : "not found yet; looking again in \(seconds) s")
    for _ in 0..<seconds * 10 {
        // After an interruption nothing more is sent.
        Interruption.stopIfPending()
        pause(milliseconds: 100)
    }
}

/// The settings of a job. Without CA options, any kind of key is accepted. The CA of an order that
/// continues is the one in the ledger.
func issuanceSettings(
    _ anchors: TrustAnchors, _ ca: CAOptions?, _ token: TokenOptions, continuing order: Order? = nil
) throws -> IssuanceSettings {
    let command = try order == nil ? ca?.command() : order?.commandOfCA
    return IssuanceSettings(
        anchors: anchors, acceptance: try ca?.acceptance(isCommand: command != nil) ?? .anything,
        allowsLastTry: token.allowsLastTry, clock: now,
        observer: OrderProgress(isOfCommand: command != nil),
        authority: authorityType(isCommand: command != nil))
}
