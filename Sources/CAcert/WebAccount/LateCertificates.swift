internal import OpenSSLX509
internal import TokencertIssuance
internal import TokencertPlatform

/// Searches the web account for the certificate of an order that was sent.
struct LateSearch {
    let account: WebAccount
    let order: SentOrder
    /// How long to wait for the CA in all, in seconds.
    let limit: Int

    /// The certificates that are downloaded at most if the number is not known.
    private static let maximumDownloads = 50
    /// How far the clocks of the CA and of this machine may differ, in seconds.
    private static let clockTolerance: Int64 = 86_400

    /// Looks repeatedly, with growing pauses, until the CA has issued a certificate for the key or the
    /// limit is reached.
    func run(
        _ username: String, _ password: borrowing Secret
    ) throws(WebAccountError) -> LateResult {
        try account.logIn(username, password)
        defer { account.logOut() }
        var pauses = SearchPauses(limit: limit)
        while true {
            var result: LateResult
            do throws(WebAccountError) {
                result = try look()
            } catch {
                switch error.code {
                // A long wait can outlast the session.
                case .notLoggedIn where pauses.waited > 0:
                    try account.logIn(username, password)
                    result = try look()
                // One failed connection does not end a long wait.
                case .unreachable: result = .failed(error.reason, advice: error.advice)
                default: throw error
                }
            }
            switch result {
            case .found: return result
            case .notYet, .failed:
                guard let seconds = pauses.next() else { return result }
                account.pause(seconds, .certificate)
            }
        }
    }

    /// Looks once.
    private func look() throws(WebAccountError) -> LateResult {
        guard let number = order.number else { return try lookInList() }
        guard let certificate = try account.certificate(number) else {
            return .notYet("the CA has not signed certificate \(number) yet")
        }
        // Only the list shows whether the CA has revoked the certificate.
        guard let listed = try account.certificates().first(where: { $0.number == number }) else {
            throw WebAccountError(
                .unknownPage, "the list of the account's certificates does not have \(number)")
        }
        return .found([
            LateCertificate(number: number, certificate: certificate, isRevoked: listed.isRevoked)
        ])
    }

    /// Downloads the newest certificates, and keeps those for the key of the order.
    private func lookInList() throws(WebAccountError) -> LateResult {
        let list = try account.certificates().sorted {
            ($0.number.count, $0.number) > ($1.number.count, $1.number)
        }
        var found: [LateCertificate] = []
        let signed = list.filter { $0.serialNumber != nil }
        var unread = 0
        var rest = signed.dropFirst(Self.maximumDownloads).count
        for listed in signed.prefix(Self.maximumDownloads) {
            let certificate: Certificate
            do throws(WebAccountError) {
                // The download of a signed certificate can be truncated to nothing.
                guard let downloaded = try account.certificate(listed.number) else {
                    unread += 1
                    continue
                }
                certificate = downloaded
            } catch {
                guard error.code == .noSuchCertificate else { throw error }
                unread += 1
                continue
            }
            // The CA numbers its orders in their sequence, so the others are older still.
            if certificate.notBefore < order.time - Self.clockTolerance {
                rest = 0
                break
            }
            guard hexadecimal(certificate.publicKey.sha256Fingerprint) == order.publicKeyHash
            else { continue }
            found.append(
                LateCertificate(
                    number: listed.number, certificate: certificate, isRevoked: listed.isRevoked))
        }
        guard found.isEmpty else { return .found(found) }
        guard unread + rest == 0 else {
            return .notYet(
                "none of the downloaded certificates is for this key; not downloaded: "
                    + "\(unread + rest)")
        }
        let pending = list.filter { $0.serialNumber == nil }.count
        return .notYet(
            pending == 0
                ? "the account has neither a certificate for this key nor a pending request"
                : "the account has no certificate for this key yet; pending requests: \(pending)")
    }
}
