internal import Synchronization

/// A request for a page of the web site.
struct WebRequest: Sendable {
    let isPost: Bool
    let path: String
    /// The host and port to which the client sent the request.
    let host: String
    let fields: FormFields
    let session: String
}

/// The web account: pages for members who log in with a browser. It has what the API lacks: a list of
/// certificates, a download and revocation.
final class WebAccount: Sendable {
    private let configuration: StandInConfiguration
    private let orders: Orders
    private let login: Login
    private let download: CertificateDownload
    private let now: @Sendable () -> Int64
    /// The accounts that are logged in, by session.
    private let members = Mutex<[String: Account]>([:])

    /// Creates the web account. `now` returns seconds since 1970-01-01 00:00 UTC.
    init(
        configuration: StandInConfiguration, authority: Authority, accounts: AccountsFile,
        orders: Orders, now: @escaping @Sendable () -> Int64
    ) {
        self.configuration = configuration
        self.orders = orders
        self.now = now
        login = Login(accounts: accounts)
        download = CertificateDownload(
            configuration: configuration, authority: authority, orders: orders, now: now)
    }

    /// Answers a request for `/index.php` or `/account.php`, with the configured fault.
    func reply(_ request: WebRequest) -> Reply {
        let reply: Reply
        if request.path == "/account.php" {
            guard configuration.webFault != .loginOnly else { return Reply(answer: .broken) }
            reply = accountPage(request)
        } else {
            reply = loginPage(request)
            guard !configuration.webFaultAfterLogin else { return reply }
        }
        guard let fault = configuration.webFault, fault.isOfAnswers else { return reply }
        return reply.with(fault)
    }

    private func loginPage(_ request: WebRequest) -> Reply {
        let fields = request.fields
        guard request.isPost, fields["id"] == "4", fields["oldid"] == "4",
            !(fields["process"] ?? "").isEmpty
        else {
            return page(Login.page(hasFailed: false))
        }
        let verdict = login.verdict(
            email: fields["email"] ?? "", password: fields["pword"] ?? "")
        switch verdict {
        case .refused:
            return page(Login.page(hasFailed: true))
        case .agreementRequired:
            return redirect(request, "index.php?id=52")
        case .loggedIn(let account):
            members.withLock { $0[request.session] = account }
            return redirect(
                request, "account.php" + (account.requiredPage.map { "?\($0.query)" } ?? ""))
        }
    }

    private func accountPage(_ request: WebRequest) -> Reply {
        guard let account = members.withLock({ $0[request.session] }) else {
            return redirect(request, "index.php?id=4")
        }
        let number = request.fields["id"] ?? ""
        if number == "logout" {
            members.withLock { $0[request.session] = nil }
            return redirect(request, "index.php")
        }
        if let required = account.requiredPage, required.number != number {
            return redirect(request, "account.php?\(required.query)")
        }
        if request.isPost, request.fields["oldid"] == "5" {
            return change(request.fields, of: account)
        }
        switch number {
        case "5":
            let list = CertificateList(orders: orders.ofAccount(account.username), now: now())
            let showsAll = request.fields["viewall"] == "1"
            let isChanged = configuration.webFault == .changedPage
            return page(isChanged ? list.changedPage : list.page(showsAll: showsAll))
        case "6":
            return download.reply(request.fields, of: account)
        default:
            return page(.page("My Account", "<p>\(account.username)</p>"))
        }
    }

    /// Revokes certificates and deletes pending orders.
    private func change(_ fields: FormFields, of account: Account) -> Reply {
        guard !(fields["revoke"] ?? "").isEmpty else {
            return page(.page("Client Certificates", "<p>Nothing was changed.</p>"))
        }
        let serialNumbers = orders.revoke(
            fields.list("revokeid").compactMap { UInt64($0) }, of: account.username, at: now())
        orders.deletePending(
            fields.list("delid").compactMap { UInt64($0) }, of: account.username)
        return page(CertificateList.revoked(serialNumbers))
    }

    private func page(_ html: HTML) -> Reply { Reply(answer: .body(html.bytes)) }

    private func redirect(_ request: WebRequest, _ target: String) -> Reply {
        Reply(answer: .status(302, body: [], location: "https://\(request.host)/\(target)"))
    }
}
