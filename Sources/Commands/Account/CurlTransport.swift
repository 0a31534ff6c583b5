internal import ArgumentParser
internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertHTTP
internal import TokencertIssuance
internal import TokencertPlatform

/// Sends the forms of the CA's API with libcurl.
struct CurlTransport: ~Copyable, Transport {
    private var client: HTTPClient

    init(anchorsPEM: String, timeout: Int) throws(HTTPError) {
        client = try HTTPClient(
            policy: TLSPolicy(anchorsPEM: anchorsPEM),
            userAgent: userAgent,
            limits: HTTPLimits(connectTimeout: min(20, timeout), timeout: timeout))
    }

    mutating func post(
        to url: String, form: borrowing Secret
    ) throws(TransportError) -> TransportAnswer {
        do throws(HTTPError) {
            let answer = try client.post(to: url, form: form)
            return TransportAnswer(status: answer.status, body: answer.body)
        } catch {
            throw TransportError(
                reason: error.reason, mayHaveBeenSent: error.mayHaveBeenSent,
                partialAnswer: error.partialAnswer, partialStatus: error.partialStatus)
        }
    }
}

/// Queries OCSP responders with libcurl. The server is not authenticated, since the response is
/// signed.
struct OCSPClient: ~Copyable, OCSPTransport {
    private var client: UnverifiedHTTPClient

    init() throws(HTTPError) {
        client = try UnverifiedHTTPClient(
            userAgent: userAgent, limits: HTTPLimits(connectTimeout: 10, timeout: 30))
    }

    mutating func ask(
        _ address: String, _ question: [UInt8]
    ) throws(TransportError) -> TransportAnswer {
        Progress.shared.begin("asking \(address)", onToken: false)
        defer { Progress.shared.abandon() }
        do throws(HTTPError) {
            let answer = try client.post(
                to: address, question, contentType: "application/ocsp-request")
            return TransportAnswer(status: answer.status, body: answer.body)
        } catch {
            throw TransportError(reason: error.reason, mayHaveBeenSent: error.mayHaveBeenSent)
        }
    }
}

/// The value of the `User-Agent` header.
let userAgent = "tokencert/\(programVersion)"

/// Opens the account that the options name, and reads its password.
func openAccount(
    _ options: CAOptions, anchorsPEM: String
) throws -> CAcertAccount<CurlTransport> {
    let url = try options.baseURL()
    let username = try options.accountName()
    let transport = try CurlTransport(anchorsPEM: anchorsPEM, timeout: options.seconds())
    Progress.shared.finish()
    let source = try options.source()
    try SecretReader.shared.useIfUnset([.password: source])
    let password = try SecretReader.shared.read(
        .password, from: source, promptText: "Password of \(username) at \(url)")
    return CAcertAccount(
        baseURL: url, username: username, password: password, transport: transport)
}

/// The settings of a job. Without CA options, any kind of key is accepted.
func issuanceSettings(
    _ anchors: TrustAnchors, _ ca: CAOptions?, _ token: TokenOptions
) throws -> IssuanceSettings {
    IssuanceSettings(
        anchors: anchors, acceptance: try ca?.acceptance() ?? .anything,
        allowsLastTry: token.allowsLastTry, clock: now, observer: OrderProgress(),
        authority: CAcertAccount<CurlTransport>.self)
}
