package import OpenSSLX509
internal import TokencertIssuance
package import TokencertPlatform

/// A member's account at the CA's web site, which lists, delivers and revokes certificates; nothing
/// is ordered there. Each use logs in and out. The site refuses every login for five seconds after
/// a wrong password, so there is at least that time between two logins.
package final class WebAccount {
    let transport: any WebTransport
    /// The address of the site, without a trailing slash.
    let site: String
    /// Waits for a number of seconds.
    let pause: (Int, PauseReason) -> Void
    private var lastLogin: ContinuousClock.Instant?
    /// Why the site refused a login, or nil. It is not tried again.
    private var refusal: WebAccountError?

    /// Creates an account without sending anything. The address of the site has no path, such as
    /// `https://www.cacert.org`; `pause` waits for a number of seconds.
    package init(
        site: String, transport: any WebTransport, pause: @escaping (Int, PauseReason) -> Void
    ) {
        self.site = withoutSlash(site)
        self.transport = transport
        self.pause = pause
    }

    // MARK: The session

    /// Logs in once. After a refusal, nothing more is sent.
    package func logIn(_ username: String, _ password: borrowing Secret) throws(WebAccountError) {
        if let refusal { throw refusal }
        do throws(WebAccountError) {
            try sendLogin(username, password)
        } catch {
            if [.loginRefused, .memberRequired].contains(error.code) { refusal = error }
            throw error
        }
    }

    private func sendLogin(
        _ username: String, _ password: borrowing Secret
    ) throws(WebAccountError) {
        if let lastLogin {
            let left = .seconds(6) - (ContinuousClock.now - lastLogin)
            if left > .zero { pause(Int(left.components.seconds) + 1, .login) }
        }
        lastLogin = ContinuousClock.now
        transport.forget()
        var form = Form()
        for (name, value) in [("id", "4"), ("oldid", "4"), ("email", username)] {
            form.append(name, value)
        }
        form.append("pword", password)
        form.append("process", "Login")
        let answer: TransportAnswer
        do throws(TransportError) {
            answer = try transport.post(to: site + "/index.php", form: form.body)
        } catch {
            throw WebAccountError(unreachable: error)
        }
        guard let redirect = answer.redirect else {
            // After a refusal, the site shows the login form again.
            guard answer.status == 200, isPage(answer),
                String(decoding: answer.body, as: UTF8.self).contains("pword")
            else { throw WebAccountError(unknown: answer) }
            throw WebAccountError(
                .loginRefused,
                "the CA's web site does not accept this user name and password",
                advice: [
                    "check --username and --password-source: the CA does not say which is wrong",
                    "after a wrong password, the web site refuses the right one for five seconds",
                ])
        }
        let page = SitePage(redirect)
        guard redirect.hasPrefix(site + "/"), page.file == "account.php",
            SitePage.required[page] == nil
        else { throw WebAccountError(redirectedTo: redirect, site: site) }
    }

    /// Ends the session, whether or not the site answers.
    package func logOut() {
        _ = try? transport.get(site + "/account.php?id=logout")
        transport.forget()
    }

    /// Gets a page of the account.
    func page(_ query: String) throws(WebAccountError) -> TransportAnswer {
        let answer: TransportAnswer
        do throws(TransportError) {
            answer = try transport.get("\(site)/account.php?\(query)")
        } catch {
            throw WebAccountError(unreachable: error)
        }
        if let redirect = answer.redirect {
            throw WebAccountError(redirectedTo: redirect, site: site)
        }
        guard answer.status == 200 else { throw WebAccountError(unknown: answer) }
        return answer
    }

    // MARK: Certificates

    /// The certificates of the account, also expired and revoked ones, and the pending requests.
    package func certificates() throws(WebAccountError) -> [ListedCertificate] {
        try Self.certificates(inPage: page(Self.listPage))
    }

    /// The query of the page that lists all certificates.
    static let listPage = "id=5&viewall=1"

    /// The certificates in the page that lists them.
    static func certificates(
        inPage answer: TransportAnswer
    ) throws(WebAccountError) -> [ListedCertificate] {
        guard let list = ListedCertificate.list(inPage: answer.body) else {
            throw WebAccountError(
                .unknownPage, "the list of certificates on the CA's web site has an unknown format")
        }
        return list
    }

    /// Downloads the certificate with a number; nil if the CA has not signed it yet.
    package func certificate(_ number: String) throws(WebAccountError) -> Certificate? {
        let answer = try page("id=6&cert=\(number)&format=pem")
        guard answer.contentType?.lowercased().hasPrefix("application/pkix-cert") ?? false else {
            guard isPage(answer) else { throw WebAccountError(unknown: answer) }
            throw WebAccountError(
                .noSuchCertificate,
                "the CA's web site shows a page instead of certificate \(number), which may belong to "
                    + "another account")
        }
        guard !answer.body.isEmpty else { return nil }
        guard let certificate = Certificate.all(inPEM: answer.body).certificates.first else {
            throw WebAccountError(
                .unknownPage, "the download with the number \(number) is not a certificate")
        }
        return certificate
    }

    private func isPage(_ answer: TransportAnswer) -> Bool {
        answer.contentType?.lowercased().hasPrefix("text/html") ?? false
            && answer.body.contains(UInt8(ascii: "<"))
    }
}

/// Why the program waits.
package enum PauseReason: Sendable, Hashable {
    /// The site refuses logins in quick succession.
    case login
    /// The CA has not issued the certificate yet.
    case certificate
}

extension WebAccountError {
    init(unreachable error: TransportError) {
        self.init(.unreachable, "the CA's web site cannot be reached: \(error.reason)")
    }

    fileprivate init(unknown answer: TransportAnswer) {
        let text = HTMLText.plainText(answer.body[...]).prefix(120)
        self.init(
            // A server with a fault may work again a little later.
            answer.status >= 500 ? .unreachable : .unknownPage,
            "the answer of the CA's web site is not understood (HTTP \(answer.status))"
                + (text.isEmpty ? "" : ": \(text)"))
    }
}
