import OpenSSLX509
import Testing
import TokencertIssuance
import TokencertPlatform
import TokencertTestAuthority

@testable import TokencertCAcert

/// A web site that returns given answers, by the request.
final class ScriptedSite: WebTransport {
    /// The answers to each request; the last one is repeated.
    var answers: [String: [TransportAnswer]] = [:]
    /// The requests that arrive although the connection then breaks.
    var broken: Set<String> = []
    private(set) var requests: [String] = []
    private(set) var forms: [String] = []
    private(set) var timesForgotten = 0

    static let site = "https://ca.example.org"

    private func answer(_ request: String) throws(TransportError) -> TransportAnswer {
        requests.append(request)
        guard !broken.contains(request) else {
            throw TransportError(reason: "the connection broke", mayHaveBeenSent: true)
        }
        guard let next = answers[request]?.first else {
            throw TransportError(reason: "no answer to \(request)", mayHaveBeenSent: false)
        }
        if (answers[request]?.count ?? 0) > 1 { answers[request]?.removeFirst() }
        return next
    }

    func get(_ url: String) throws(TransportError) -> TransportAnswer {
        try answer(String(url.dropFirst(Self.site.count)))
    }

    func post(to url: String, form: borrowing Secret) throws(TransportError) -> TransportAnswer {
        forms.append(
            form.withBytes { bytes in
                String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
            })
        return try answer(String(url.dropFirst(Self.site.count)))
    }

    func forget() { timesForgotten += 1 }
}

/// The account at the CA's web site: logins, downloads and the list of certificates.
@Suite struct WebAccountTests {
    private static let login = "/index.php"
    private static let list = "/account.php?id=5&viewall=1"
    private static let success = TransportAnswer(
        status: 302, redirect: ScriptedSite.site + "/account.php", contentType: "text/html")
    private static let sentAt: Int64 = 1_800_000_000

    private let site = ScriptedSite()

    init() {
        site.answers[Self.login] = [Self.success]
        site.answers["/account.php?id=logout"] = [
            TransportAnswer(status: 302, redirect: ScriptedSite.site + "/index.php")
        ]
    }

    private static func page(_ text: String) -> TransportAnswer {
        TransportAnswer(
            status: 200, contentType: "text/html; charset=UTF-8", body: Array(text.utf8))
    }

    private static func download(_ certificate: Certificate?) -> TransportAnswer {
        TransportAnswer(
            status: 200, contentType: "application/pkix-cert",
            body: Array((certificate?.pem ?? "").utf8))
    }

    private static func row(
        _ number: Int, serial: String, revoked: String = "Not Revoked",
        expires: String = "2028-11-27 09:00:00", box: String = "revokeid[]"
    ) -> String {
        """
        <tr><td><input type="checkbox" name="\(box)" value="\(number)"></td><td>G&uuml;ltig</td>
        <td><a href="account.php?id=6&amp;cert=\(number)">anna@example.org</a></td>
        <td>\(serial)</td><td>\(revoked)</td><td>\(expires)</td>
        <td><input type="checkbox" name="disablelogin_\(number)" value="1"/>
        <input type="hidden" name="cert_\(number)" value="1" /></td>
        <td><input name="comment_\(number)" type="text" value="2020-01-01" /></td><td></td></tr>
        """
    }

    private static func table(_ rows: String...) -> String {
        let headings = "<tr>" + String(repeating: "<td>x</td>", count: 8) + "</tr>"
        return "<html><TABLE><tr><td colspan=10>title</td></tr>\(headings)\(rows.joined())</TABLE>"
            + "<p>footer</p></body></HTML>\n"
    }

    /// Searches for the certificate of an order, without real pauses.
    private func search(
        _ number: String?, _ key: String = "aa", limit: Int = 0
    ) throws(WebAccountError) -> (result: LateResult, pauses: [Int]) {
        let pauses = Pauses()
        let account = WebAccount(site: ScriptedSite.site + "/", transport: site) { seconds, _ in
            pauses.all.append(seconds)
        }
        let order = SentOrder(
            number: number, publicKeyHash: key, time: Self.sentAt,
            order: CertificateOrder(
                grant: CertificateGrant(name: "Anna", emailAddresses: [], codeSigning: false),
                request: "PEM"))
        let result = try LateSearch(account: account, order: order, limit: limit)
            .run("anna@example.org", Secret(copying: Array("p&w".utf8)))
        return (result, pauses.all)
    }

    private final class Pauses {
        var all: [Int] = []
    }

    private func error(_ number: String? = "7") throws -> WebAccountError {
        try #require(throws: WebAccountError.self) { _ = try search(number) }
    }

    private func certificate(_ key: HostPrivateKey, at time: Int64) throws -> Certificate {
        try key.issue(
            CertificateContent(
                subject: [.init(.commonName, "Anna")], publicKey: key.publicKey,
                serialNumber: [1, UInt8(truncatingIfNeeded: time)], notBefore: time,
                notAfter: time + 864_000, extensions: []), issuer: nil)
    }

    // MARK: Logins

    @Test("A login sends the fields that the site expects, and the session ends afterwards")
    func login() throws {
        site.answers["/account.php?id=6&cert=7&format=pem"] = [Self.download(nil)]
        guard case .notYet(let reason) = try search("7").result else {
            Issue.record("the certificate is not signed yet")
            return
        }
        #expect(reason.contains("certificate 7"))
        #expect(
            site.forms == [
                "id=4&oldid=4&email=anna%40example.org&pword=p%26w&process=Login"
            ])
        #expect(site.requests.last == "/account.php?id=logout")
        // Before the login, and after the logout.
        #expect(site.timesForgotten == 2)
    }

    // Otherwise the user would look for a fault in the wrong place.
    @Test(
        "Each page to which the site leads a member is explained, and no page is fetched",
        arguments: [
            ("/index.php?id=52", "agreement"), ("/account.php?id=13", "questions"),
            ("/account.php?id=14&force=1", "stronger password"),
        ])
    func requiredPages(page: String, part: String) throws {
        site.answers[Self.login] = [
            TransportAnswer(status: 302, redirect: ScriptedSite.site + page)
        ]
        let error = try error()
        #expect(error.code == .memberRequired && error.reason.contains(part), "\(error.reason)")
        #expect(error.advice.contains { $0.hasSuffix("https://ca.example.org/index.php?id=4") })
        #expect(site.requests == [Self.login])
    }

    @Test("A wrong password is sent once, and the reasons are named")
    func wrongPassword() throws {
        site.answers[Self.login] = [Self.page("<html>Incorrect <input name=pword></html>")]
        let error = try error()
        #expect(
            error.code == .loginRefused && error.advice.contains { $0.contains("five seconds") })
        #expect(site.forms.count == 1 && site.requests == [Self.login])
    }

    @Test("An unknown answer to a login is not taken for a success")
    func unknownLogin() throws {
        for answer in [
            TransportAnswer(status: 200), TransportAnswer(status: 404),
            TransportAnswer(status: 302, redirect: "https://other.example/account.php"),
            TransportAnswer(status: 302, redirect: "http://ca.example.org/account.php"),
            Self.page("<html>Maintenance</html>"),
            TransportAnswer(status: 200, contentType: "application/json", body: Array("{}".utf8)),
        ] {
            site.answers[Self.login] = [answer]
            #expect(try error().code == .unknownPage, "\(answer)")
        }
        site.answers[Self.login] = [TransportAnswer(status: 500)]
        #expect(try error().code == .unreachable)
        site.answers[Self.login] = nil
        #expect(try error().code == .unreachable)
    }

    // A password that is wrong must not be sent once for each certificate of a renewal.
    @Test("After a refused login, the account sends nothing more")
    func refusedOnce() throws {
        site.answers[Self.login] = [Self.page("<html>Incorrect <input name=pword></html>")]
        let account = WebAccount(site: ScriptedSite.site, transport: site) { _, _ in }
        for _ in 0..<3 {
            #expect(throws: WebAccountError.self) {
                try account.logIn("anna@example.org", Secret(copying: Array("p".utf8)))
            }
        }
        #expect(site.forms.count == 1)
    }

    // MARK: Downloads

    @Test("A certificate is downloaded by its number, and its revocation is read from the list")
    func download() throws {
        let key = try HostPrivateKey.generate(.ec(.p256))
        let certificate = try certificate(key, at: Self.sentAt)
        site.answers["/account.php?id=6&cert=7&format=pem"] = [Self.download(certificate)]
        for (list, isRevoked) in [
            (Self.table(Self.row(7, serial: "0A1B")), false),
            (Self.table(Self.row(7, serial: "0A1B", revoked: "2026-11-29 10:00:00")), true),
        ] {
            site.answers[Self.list] = [Self.page(list)]
            guard case .found(let found) = try search("7").result else {
                Issue.record("the certificate is found")
                return
            }
            #expect(found.map(\.number) == ["7"] && found[0].isRevoked == isRevoked)
            #expect(found[0].certificate == certificate)
        }
    }

    @Test("Another member's number, a broken download and a lost session are errors")
    func wrongDownloads() throws {
        let path = "/account.php?id=6&cert=7&format=pem"
        let broken = TransportAnswer(
            status: 200, contentType: "application/pkix-cert", body: Array("-----BEGIN".utf8))
        let cases: [(TransportAnswer, WebAccountError.Code)] = [
            (Self.page("<html>No such certificate</html>"), .noSuchCertificate),
            (broken, .unknownPage), (TransportAnswer(status: 404), .unknownPage),
            (
                TransportAnswer(status: 302, redirect: ScriptedSite.site + "/index.php?id=4"),
                .notLoggedIn
            ),
        ]
        for (answer, code) in cases {
            site.answers[path] = [answer]
            #expect(try error().code == code, "\(answer)")
            #expect(site.requests.last == "/account.php?id=logout")
        }
        // Whether it was revoked is not known.
        let key = try HostPrivateKey.generate(.ec(.p256))
        site.answers[path] = [Self.download(try certificate(key, at: Self.sentAt))]
        for list in ["<html>changed</html>", Self.table(Self.row(8, serial: "0A"))] {
            site.answers[Self.list] = [Self.page(list)]
            #expect(try error().code == .unknownPage, "\(list)")
        }
    }

    // Otherwise one failed connection would end a wait of hours.
    @Test("A site that cannot be reached for a moment is asked again until the limit")
    func unreachableForAMoment() throws {
        let path = "/account.php?id=6&cert=7&format=pem"
        site.answers[path] = [
            TransportAnswer(status: 503), TransportAnswer(status: 503), Self.download(nil),
        ]
        let (result, pauses) = try search("7", limit: 6)
        #expect(pauses == [2, 4])
        guard case .notYet = result else {
            Issue.record("the site was reached at last")
            return
        }
        site.answers[path] = [TransportAnswer(status: 503)]
        guard case .failed(let reason, _) = try search("7").result else {
            Issue.record("the site was never reached")
            return
        }
        #expect(reason.contains("HTTP 503"))
    }

    // Otherwise the CA's server would be asked many times a second, or for ever.
    @Test("The search is repeated with growing pauses until the limit is reached")
    func pauses() throws {
        site.answers["/account.php?id=6&cert=7&format=pem"] = [Self.download(nil)]
        #expect(try search("7", limit: 0).pauses == [])
        #expect(try search("7", limit: 200).pauses == [2, 4, 8, 16, 32, 60, 60, 18])
        #expect(site.forms.count == 2)
    }

    @Test("A session that ends during the wait is renewed, at least five seconds after the last")
    func renewedSession() throws {
        let lost = TransportAnswer(status: 302, redirect: ScriptedSite.site + "/index.php?id=4")
        site.answers["/account.php?id=6&cert=7&format=pem"] = [
            Self.download(nil), lost, Self.download(nil),
        ]
        let pauses = try search("7", limit: 2).pauses
        #expect(site.forms.count == 2)
        #expect(pauses.count == 2 && pauses[0] == 2 && pauses[1] >= 5, "\(pauses)")
    }

    // MARK: The list

    @Test("The state of each certificate is read from the list, whatever the language of the site")
    func states() throws {
        let page = Self.table(
            Self.row(9, serial: "", expires: "0000-00-00 00:00:00", box: "delid[]"),
            Self.row(8, serial: "0a1b"),
            Self.row(7, serial: "FF", revoked: "2026-11-29 10:00:00", box: "x"))
        let list = try #require(ListedCertificate.list(inPage: Array(page.utf8)))
        #expect(list.map(\.number) == ["9", "8", "7"])
        #expect(list.map(\.serialNumber) == [nil, "0A1B", "FF"])
        #expect(list.map(\.expiry) == [nil, "2028-11-27 09:00:00", "2028-11-27 09:00:00"])
        #expect(list.map(\.isRevoked) == [false, false, true])
        #expect(list.allSatisfy { $0.emailAddress == "anna@example.org" })
    }

    @Test("An empty list is not an unknown page, and an unknown page is not an empty list")
    func emptyList() {
        #expect(ListedCertificate.list(inPage: Array(Self.table().utf8)) == [])
        for text in [
            "", "<html>Maintenance</html>", "<table><tr><td>x</td></tr></table>", "<tr<td",
        ] {
            #expect(ListedCertificate.list(inPage: Array(text.utf8)) == nil, "\(text)")
        }
    }

    // A list of which a part is not understood could hide a revoked certificate.
    @Test("A list with a row that is not understood is an unknown page")
    func oddRows() throws {
        let good = Self.row(5, serial: "0C")
        #expect(ListedCertificate.list(inPage: Array(Self.table(good).utf8))?.count == 1)
        for row in [
            Self.row(7, serial: "0A").replacing("name=\"cert_7\"", with: "name=\"cert_8\""),
            Self.row(6, serial: "no"), Self.row(6, serial: "0A", expires: "soon"),
            "<tr><td><input name=\"cert_6\"></td></tr>",
        ] {
            let page = Self.table(good, row)
            #expect(ListedCertificate.list(inPage: Array(page.utf8)) == nil, "\(row)")
        }
        let cells = String(repeating: "<td>x</td>", count: 40)
        #expect(ListedCertificate.list(inPage: Array("<tr>\(cells)</tr>".utf8)) == nil)
    }

    // Otherwise a certificate would stay valid, or be ordered again, because the list seems not to
    // have it.
    @Test("A page that ends before its list or before its end is an unknown page")
    func truncatedPages() throws {
        let rows = [
            Self.row(9, serial: "", expires: "0000-00-00 00:00:00", box: "delid[]"),
            Self.row(8, serial: "0A1B"),
            Self.row(7, serial: "0A1A", revoked: "2026-11-29 10:00:00", box: "x"),
        ]
        for page in [Self.table(), Self.table(rows.joined())] {
            #expect(ListedCertificate.list(inPage: Array(page.utf8)) != nil)
            let tags = page.split(separator: ">", omittingEmptySubsequences: false).dropLast()
            for count in 0..<tags.count {
                let start = tags.prefix(count).map { $0 + ">" }.joined()
                #expect(ListedCertificate.list(inPage: Array(start.utf8)) == nil, "\(start)")
            }
        }
        // A table before the list or after the end of the page does not end the list.
        let cut = Self.table(rows.joined()).replacing("</TABLE>", with: "")
        for text in [cut, "<table></table>" + cut, cut + "</table>"] {
            #expect(ListedCertificate.list(inPage: Array(text.utf8)) == nil, "\(text)")
        }
        site.answers[Self.list] = [Self.page(cut)]
        #expect(try error(nil).code == .unknownPage)
    }

    @Test("A large page of unfinished tags is read within seconds")
    func largePages() {
        for piece in ["<", "<td ", "<tr><td ", "name=\"cert_", "revokeid[]"] {
            let start = ContinuousClock.now
            let page = "<tr>" + String(repeating: piece, count: (1 << 20) / piece.utf8.count)
            _ = ListedCertificate.list(inPage: Array(page.utf8))
            #expect(ContinuousClock.now - start < .seconds(60), "\(piece)")
        }
    }

    // Otherwise the user would have to find a certificate whose number is unknown.
    @Test("Without a number, the newest certificates are compared with the key")
    func searchInList() throws {
        let key = try HostPrivateKey.generate(.ec(.p256))
        let other = try HostPrivateKey.generate(.ec(.p256))
        let hash = hexadecimal(key.publicKey.sha256Fingerprint)
        let day: Int64 = 86_400
        let certificates: [(Int, Certificate)] = [
            (12, try certificate(other, at: Self.sentAt + 10)),
            (11, try certificate(key, at: Self.sentAt + 5)),
            (9, try certificate(other, at: Self.sentAt - 2 * day)),
            (8, try certificate(key, at: Self.sentAt - 3 * day)),
        ]
        for (number, certificate) in certificates {
            site.answers["/account.php?id=6&cert=\(number)&format=pem"] = [
                Self.download(certificate)
            ]
        }
        let pending = Self.row(13, serial: "", expires: "0000-00-00 00:00:00", box: "delid[]")
        let rows = [8, 12, 11, 9].map {
            Self.row($0, serial: "0\($0)".count % 2 == 0 ? "0\($0)" : "0\($0)0")
        }
        site.answers[Self.list] = [Self.page(Self.table(pending, rows.joined()))]
        guard case .found(let found) = try search(nil, hash).result else {
            Issue.record("the certificate is found")
            return
        }
        #expect(found.map(\.number) == ["11"])
        // Older certificates are not downloaded.
        #expect(!site.requests.contains("/account.php?id=6&cert=8&format=pem"))
        guard case .notYet(let reason) = try search(nil, "bb").result else {
            Issue.record("there is no certificate for the key")
            return
        }
        #expect(reason.hasSuffix("pending requests: 1"), "\(reason)")
        site.answers[Self.list] = [Self.page(Self.table())]
        guard case .notYet(let none) = try search(nil, "bb").result else {
            Issue.record("the account has no certificates")
            return
        }
        #expect(none.contains("neither"), "\(none)")
    }

    // Otherwise the user would order again, although the account has the certificate.
    @Test("A signed certificate that was not downloaded is reported, not taken for absent")
    func unreadInList() throws {
        let other = try certificate(HostPrivateKey.generate(.ec(.p256)), at: Self.sentAt + 10)
        for (count, empty, others) in [(2, 1, 1), (53, 0, 3), (53, 1, 4)] {
            let rows = (1...count).map { Self.row($0, serial: "0A") }
            site.answers[Self.list] = [Self.page(Self.table(rows.joined()))]
            for number in 1...count {
                let isEmpty = number > count - empty
                site.answers["/account.php?id=6&cert=\(number)&format=pem"] = [
                    Self.download(isEmpty ? nil : other)
                ]
            }
            guard case .notYet(let reason) = try search(nil, "bb").result else {
                Issue.record("there is no certificate for the key")
                continue
            }
            #expect(reason.hasSuffix("for this key; not downloaded: \(others)"), "\(reason)")
        }
    }
}
