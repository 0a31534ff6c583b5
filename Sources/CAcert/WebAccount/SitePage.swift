/// A page of the CA's web site, by the file and the number `id` in its URL.
struct SitePage: Hashable {
    let file: String
    let id: Int?

    /// The page that a URL names.
    init(_ url: String) {
        let withoutFragment = url.prefix { $0 != "#" }
        let parts = withoutFragment.split(
            separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let path = parts.first ?? ""
        file = String(path.split(separator: "/", omittingEmptySubsequences: false).last ?? "")
        let fields = parts.count > 1 ? parts[1].split(separator: "&") : []
        id = fields.first { $0.hasPrefix("id=") }.flatMap { Int($0.dropFirst("id=".count)) }
    }

    private init(_ file: String, _ id: Int) {
        self.file = file
        self.id = id
    }

    /// The page on which a member logs in. Every page of an account leads to it without a session.
    static let login = SitePage("index.php", 4)

    /// Why a member must use a browser first, by the page to which a login leads.
    static let required: [SitePage: String] = [
        SitePage("index.php", 52): "accept CAcert's current community agreement",
        SitePage("account.php", 13): "set the questions for a lost password",
        SitePage("account.php", 14): "choose a stronger password",
    ]
}

extension WebAccountError {
    /// The error that a redirect to another page means.
    init(redirectedTo url: String, site: String) {
        let page = SitePage(url)
        guard url.hasPrefix(site + "/") else {
            let place = url.prefix { $0 != "?" && $0 != "#" }.prefix(80)
            self.init(.unknownPage, "the CA's web site redirects to another site: \(place)")
            return
        }
        if page == .login {
            self.init(.notLoggedIn, "the session at the CA's web site ended")
        } else if let task = SitePage.required[page] {
            self.init(
                .memberRequired, "the CA's web site asks you to \(task) first",
                advice: ["log in there with a browser, then try again: \(site)/index.php?id=4"])
        } else {
            self.init(
                .unknownPage,
                "the CA's web site redirects to an unknown page: \(page.file.prefix(40))")
        }
    }
}
