internal import CTokencertCurl
internal import TokencertPlatform

/// Owns a `CURL` easy handle.
@safe struct CurlHandle: ~Copyable {
    private let handle: UnsafeMutableRawPointer
    private let maximumAnswer: Int

    private init(owning handle: UnsafeMutableRawPointer, maximumAnswer: Int) {
        unsafe self.handle = unsafe handle
        self.maximumAnswer = maximumAnswer
    }

    static func open(
        anchorsPEM: String, userAgent: String, limits: HTTPLimits, keepsCookies: Bool
    ) throws(HTTPError) -> CurlHandle {
        let owner = try start(userAgent, limits)
        try owner.setLongs([(CURLOPT_SSL_VERIFYPEER, 1), (CURLOPT_SSL_VERIFYHOST, 2)])
        try owner.trust(anchorsPEM)
        // An empty name keeps cookies in memory only.
        if keepsCookies { try owner.setString(CURLOPT_COOKIEFILE, "") }
        return owner
    }

    /// Removes all cookies.
    func removeCookies() {
        _ = unsafe tokencert_curl_set_string(handle, CURLOPT_COOKIELIST, "ALL")
    }

    /// Creates a handle that trusts any server, for data that is verified by other means.
    static func openUnverified(
        userAgent: String, limits: HTTPLimits
    ) throws(HTTPError) -> CurlHandle {
        let owner = try start(userAgent, limits)
        try owner.setLongs([(CURLOPT_SSL_VERIFYPEER, 0), (CURLOPT_SSL_VERIFYHOST, 0)])
        return owner
    }

    /// Loads libcurl for the whole process. A failure is reported with the first request.
    static func loadLibrary() {
        tokencert_curl_load()
    }

    private static func start(
        _ userAgent: String, _ limits: HTTPLimits
    ) throws(HTTPError) -> CurlHandle {
        guard unsafe tokencert_curl_library() != nil else {
            throw HTTPError(.failed, "libcurl is not installed (\(TOKENCERT_LIBCURL))")
        }
        // libcurl counts these calls and initializes itself only once.
        guard tokencert_curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK,
            let handle = unsafe tokencert_curl_easy_init()
        else {
            throw HTTPError(.failed, "cannot initialise libcurl")
        }
        let owner = unsafe CurlHandle(owning: handle, maximumAnswer: limits.maximumAnswer)
        try owner.setLongs([
            (CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2)),
            (CURLOPT_FOLLOWLOCATION, 0),
            (CURLOPT_NETRC, 0),
            // If the server closes a reused connection without an answer, libcurl sends the request
            // again, which would place an order twice.
            (CURLOPT_FRESH_CONNECT, 1),
            (CURLOPT_FORBID_REUSE, 1),
            (CURLOPT_NOSIGNAL, 1),
            (CURLOPT_CONNECTTIMEOUT, limits.connectTimeout),
            (CURLOPT_TIMEOUT, limits.timeout),
            (CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1)),
            // By default, libcurl waits a second for "100 Continue" before it sends the body.
            (CURLOPT_EXPECT_100_TIMEOUT_MS, 1),
        ])
        try owner.setSecurityLevel()
        try owner.setString(CURLOPT_USERAGENT, userAgent)
        // A proxy from the environment is used, except for loopback addresses.
        try owner.setString(CURLOPT_NOPROXY, Self.hostsWithoutProxy)
        return owner
    }

    /// Requires 112 bits of security for every key, signature and cipher, including those of TLS
    /// 1.3: OpenSSL does not read the system's configuration, which would set a level.
    ///
    /// Other TLS libraries interpret the option differently and keep their own limits.
    private func setSecurityLevel() throws(HTTPError) {
        guard let library = unsafe tokencert_curl_tls_library() else { return }
        let names = unsafe String(cString: library).split(separator: " ")
        guard names.contains(where: { $0.hasPrefix("OpenSSL/") || $0.hasPrefix("quictls/") }) else {
            return
        }
        try setString(CURLOPT_SSL_CIPHER_LIST, "DEFAULT@SECLEVEL=2")
    }

    private func trust(_ anchorsPEM: String) throws(HTTPError) {
        // Otherwise libcurl also trusts the system's anchors.
        try unsafe check(tokencert_curl_set_pointer(handle, CURLOPT_CAINFO, nil))
        try unsafe check(tokencert_curl_set_pointer(handle, CURLOPT_CAPATH, nil))
        var pem = Array(anchorsPEM.utf8)
        let returned = unsafe pem.withUnsafeMutableBytes { bytes in
            var blob = unsafe curl_blob(
                data: bytes.baseAddress, len: bytes.count, flags: UInt32(CURL_BLOB_COPY))
            return unsafe tokencert_curl_set_blob(handle, CURLOPT_CAINFO_BLOB, &blob)
        }
        try check(returned)
    }

    deinit {
        unsafe tokencert_curl_easy_cleanup(handle)
    }

    private func setLongs(_ options: [(CURLoption, Int)]) throws(HTTPError) {
        for (option, value) in options {
            try unsafe check(tokencert_curl_set_long(handle, option, value))
        }
    }

    private func setString(_ option: CURLoption, _ value: String) throws(HTTPError) {
        try unsafe check(tokencert_curl_set_string(handle, option, value))
    }

    private func check(_ code: CURLcode) throws(HTTPError) {
        guard code == CURLE_OK else {
            throw HTTPError(
                .failed, unsafe String(cString: tokencert_curl_easy_strerror(code)),
                curlCode: Int(code.rawValue))
        }
    }

    /// The hosts in NO_PROXY and the loopback addresses.
    private static var hostsWithoutProxy: String {
        let named = unsafe (tokencert_curl_getenv("NO_PROXY") ?? tokencert_curl_getenv("no_proxy"))
        defer { unsafe tokencert_curl_free(named) }
        let loopback = "localhost,127.0.0.1,::1"
        // An asterisk means all hosts only if the list has no other entry.
        if let named = unsafe named, unsafe String(cString: named) == "*" { return "*" }
        return unsafe named.map { unsafe String(cString: $0) + "," + loopback } ?? loopback
    }

    /// Posts a form that may contain a secret.
    func post(_ url: String, _ form: borrowing Secret) throws(HTTPError) -> HTTPAnswer {
        try unsafe exchange(url) { handle in
            unsafe form.withUnsafeBytes { bytes in unsafe Self.perform(handle, bytes) }
        }
    }

    /// Posts bytes that are not secret.
    func post(
        _ url: String, _ body: [UInt8], contentType: String
    ) throws(HTTPError) -> HTTPAnswer {
        let headers = unsafe tokencert_curl_slist_append(nil, "Content-Type: \(contentType)")
        defer { unsafe tokencert_curl_slist_free_all(headers) }
        try unsafe check(tokencert_curl_set_list(handle, CURLOPT_HTTPHEADER, headers))
        defer { _ = unsafe tokencert_curl_set_list(handle, CURLOPT_HTTPHEADER, nil) }
        var body = body
        return try unsafe exchange(url) { handle in
            unsafe body.withUnsafeMutableBufferPointer { bytes in unsafe Self.perform(handle, bytes)
            }
        }
    }

    func get(_ url: String) throws(HTTPError) -> HTTPAnswer {
        try setLongs([(CURLOPT_HTTPGET, 1)])
        return try unsafe exchange(url) { handle in
            unsafe tokencert_curl_easy_perform(handle)
        }
    }

    @unsafe private static func perform(
        _ handle: UnsafeMutableRawPointer, _ bytes: UnsafeMutableBufferPointer<UInt8>
    ) -> CURLcode {
        unsafe tokencert_curl_set_off_t(
            handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(bytes.count))
        unsafe tokencert_curl_set_pointer(handle, CURLOPT_POSTFIELDS, bytes.baseAddress)
        let code = unsafe tokencert_curl_easy_perform(handle)
        unsafe tokencert_curl_set_pointer(handle, CURLOPT_POSTFIELDS, nil)
        return code
    }

    @unsafe private func exchange(
        _ url: String, _ perform: (UnsafeMutableRawPointer) -> CURLcode
    ) throws(HTTPError) -> HTTPAnswer {
        try setString(CURLOPT_URL, url)
        var message = [CChar](repeating: 0, count: Int(CURL_ERROR_SIZE))
        let collected = CollectedAnswer(maximum: maximumAnswer)
        unsafe tokencert_curl_set_write_function(handle) { data, size, count, user in
            unsafe CollectedAnswer.collect(data, size * count, user)
        }
        unsafe tokencert_curl_set_header_function(handle) { data, size, count, user in
            unsafe CollectedAnswer.collectHeader(data, size * count, user)
        }
        let collector = unsafe Unmanaged.passUnretained(collected).toOpaque()
        unsafe tokencert_curl_set_pointer(handle, CURLOPT_WRITEDATA, collector)
        unsafe tokencert_curl_set_pointer(handle, CURLOPT_HEADERDATA, collector)
        let code = unsafe message.withUnsafeMutableBytes { message in
            unsafe tokencert_curl_set_pointer(handle, CURLOPT_ERRORBUFFER, message.baseAddress)
            let code = unsafe perform(handle)
            unsafe tokencert_curl_set_pointer(handle, CURLOPT_ERRORBUFFER, nil)
            return code
        }
        withExtendedLifetime(collected) {}
        guard code == CURLE_OK else {
            let text = String(
                decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            throw error(code, text, collected)
        }
        var status = 0
        unsafe tokencert_curl_get_long(handle, CURLINFO_RESPONSE_CODE, &status)
        var contentType: UnsafeMutablePointer<CChar>?
        unsafe tokencert_curl_get_string(handle, CURLINFO_CONTENT_TYPE, &contentType)
        var redirect: UnsafeMutablePointer<CChar>?
        unsafe tokencert_curl_get_string(handle, CURLINFO_REDIRECT_URL, &redirect)
        return HTTPAnswer(
            status: status, contentType: unsafe contentType.map { unsafe String(cString: $0) },
            redirect: unsafe redirect.map { unsafe String(cString: $0) },
            date: collected.date, body: collected.bytes)
    }

    private func error(_ code: CURLcode, _ message: String, _ answer: CollectedAnswer) -> HTTPError
    {
        let standard = unsafe String(cString: tokencert_curl_easy_strerror(code))
        var uploaded: curl_off_t = 0
        unsafe tokencert_curl_get_off_t(handle, CURLINFO_SIZE_UPLOAD_T, &uploaded)
        var status = 0
        unsafe tokencert_curl_get_long(handle, CURLINFO_RESPONSE_CODE, &status)
        let kind: HTTPError.Code =
            switch code {
            case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL: .invalidURL
            case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT:
                .unreachable
            case CURLE_PEER_FAILED_VERIFICATION: .untrustedServer
            case CURLE_SSL_CACERT_BADFILE: .badAnchors
            case CURLE_SSL_CONNECT_ERROR: .tlsFailed
            case CURLE_OPERATION_TIMEDOUT: .timedOut
            case CURLE_WRITE_ERROR where answer.isTooLarge: .answerTooLarge
            default: .interrupted
            }
        let reason =
            kind == .answerTooLarge
            ? "the answer is larger than \(answer.limit)"
            : message.isEmpty ? standard : withoutProxyAddress(message)
        return HTTPError(
            kind, reason,
            // A server cannot act on a form before it has received some of the body.
            mayHaveBeenSent: uploaded > 0, partialAnswer: answer.bytes,
            partialStatus: status == 0 ? nil : status, curlCode: Int(code.rawValue))
    }
}

/// A message of libcurl without the address of a proxy that it quotes, which may contain a password.
func withoutProxyAddress(_ message: String) -> String {
    guard let end = message.firstRange(of: "proxy")?.upperBound,
        let quotation = message[end...].firstIndex(of: "'")
    else { return message }
    return message[..<quotation] + "the address of the proxy"
}

/// An answer while it is being received.
private final class CollectedAnswer {
    private(set) var bytes: [UInt8] = []
    private(set) var isTooLarge = false
    /// The time in the `Date` header, in seconds since 1970-01-01 00:00 UTC.
    private(set) var date: Int64?
    private let maximum: Int

    init(maximum: Int) {
        self.maximum = maximum
    }

    /// The size limit as text, such as `1 MiB`.
    var limit: String {
        for (unit, name) in [(1 << 20, "MiB"), (1 << 10, "KiB")] where maximum % unit == 0 {
            return "\(maximum / unit) \(name)"
        }
        return "\(maximum) bytes"
    }

    /// Receives a part of the body. libcurl aborts the transfer if the result is not the length of
    /// the part.
    @unsafe static func collect(
        _ data: UnsafeMutablePointer<CChar>?, _ count: Int, _ user: UnsafeMutableRawPointer?
    ) -> Int {
        guard let user = unsafe user else { return 0 }
        let answer = unsafe Unmanaged<CollectedAnswer>.fromOpaque(user).takeUnretainedValue()
        guard answer.bytes.count + count <= answer.maximum else {
            answer.isTooLarge = true
            return 0
        }
        unsafe answer.bytes.append(
            contentsOf: UnsafeRawBufferPointer(start: data, count: count))
        return count
    }

    /// Receives a header line.
    @unsafe static func collectHeader(
        _ data: UnsafeMutablePointer<CChar>?, _ count: Int, _ user: UnsafeMutableRawPointer?
    ) -> Int {
        guard let user = unsafe user else { return 0 }
        let answer = unsafe Unmanaged<CollectedAnswer>.fromOpaque(user).takeUnretainedValue()
        let line = unsafe String(
            decoding: UnsafeRawBufferPointer(start: data, count: count), as: UTF8.self)
        if line.lowercased().hasPrefix("date:") {
            let date = unsafe tokencert_curl_getdate(String(line.dropFirst("date:".count)))
            if date >= 0 { answer.date = Int64(date) }
        }
        return count
    }
}
