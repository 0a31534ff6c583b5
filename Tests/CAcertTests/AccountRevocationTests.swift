import Testing

@testable import TokencertCAcert

/// Revocations at the CA's web site.
@Suite struct AccountRevocationTests {
    private static let list = "/account.php?id=5&viewall=1"
    private static let change = "/account.php"

    private let site = ScriptedSite()
    private let account: WebAccount

    init() {
        account = WebAccount(site: ScriptedSite.site, transport: site) { _, _ in }
        site.answers[Self.change] = [Self.page("<html>done</html>")]
    }

    private static func page(_ text: String) -> TransportAnswer {
        TransportAnswer(status: 200, contentType: "text/html", body: Array(text.utf8))
    }

    /// A page that lists one certificate.
    private static func listing(
        _ number: String, revoked: String = "Not Revoked", serial: String = "0A1B",
        csrf: String = ""
    ) -> TransportAnswer {
        let expiry = serial.isEmpty ? "0000-00-00 00:00:00" : "2028-11-27 09:00:00"
        return page(
            """
            <html><table><tr><td>title</td></tr><tr>
            <td><input type="checkbox" name="revokeid[]" value="\(number)"></td><td>Valid</td>
            <td>anna@example.org</td><td>\(serial)</td><td>\(revoked)</td><td>\(expiry)</td>
            <td><input type="hidden" name="cert_\(number)" value="1"></td><td></td><td></td></tr>
            </table>\(csrf)</body></html>
            """)
    }

    private static let revoked = listing("7", revoked: "1970-01-01 10:00:01")

    @Test("A revocation sends the fields that the site expects, and the list confirms it")
    func fields() {
        site.answers[Self.list] = [Self.listing("7"), Self.revoked]
        #expect(account.revoke("7") == .revoked)
        #expect(site.forms == ["oldid=5&revokeid%5B%5D=7&revoke=Revoke%2FDelete"])
        #expect(site.requests == [Self.list, Self.change, Self.list])
    }

    // Otherwise the site would take the request for a forged one.
    @Test("The token of the page against forged requests is sent back")
    func csrf() {
        for field in [
            "<input type=\"hidden\" name=\"csrf\" value=\"a&amp;b\">",
            "<input type='hidden' name='csrf' value='a&amp;b' />",
        ] {
            site.answers[Self.list] = [Self.listing("7", csrf: field), Self.revoked]
            #expect(account.revoke("7") == .revoked)
            #expect(site.forms.last?.hasSuffix("&csrf=a%26b") == true, "\(site.forms)")
        }
        #expect(WebAccount.hiddenField("csrf", inPage: Array("<input name=\"x\">".utf8)) == nil)
    }

    @Test("A certificate that is already revoked is not revoked again")
    func twice() {
        site.answers[Self.list] = [Self.revoked]
        #expect(account.revoke("7") == .revoked)
        #expect(site.forms.isEmpty)
    }

    // Otherwise a pending request, or another certificate, would be deleted or revoked.
    @Test("Without exactly one signed certificate with the number, nothing is requested")
    func notListed() {
        for page in [
            Self.listing("8"), Self.listing("7", serial: ""), Self.page("<html>Maintenance</html>"),
            TransportAnswer(status: 500),
            TransportAnswer(status: 302, redirect: ScriptedSite.site + "/index.php?id=4"),
        ] {
            site.answers[Self.list] = [page]
            guard case .notRequested = account.revoke("7") else {
                Issue.record("a revocation was requested: \(page)")
                continue
            }
        }
        #expect(site.forms.isEmpty)
    }

    // Otherwise the user would rely on a revocation that did not happen.
    @Test("The answer alone is no proof: the list must show the certificate as revoked")
    func unconfirmed() {
        for page in [
            Self.listing("7"), Self.listing("8"), Self.page("<html>Maintenance</html>"),
            TransportAnswer(status: 302, redirect: ScriptedSite.site + "/index.php?id=4"),
        ] {
            site.answers[Self.list] = [Self.listing("7"), page]
            guard case .unknown = account.revoke("7") else {
                Issue.record("the outcome is unknown: \(page)")
                continue
            }
        }
    }

    // Otherwise the site could have two certificates with the number, or show another state.
    @Test("A page that ends before its list neither leads to a revocation nor confirms one")
    func truncatedPage() {
        let cut = Self.page(
            String(decoding: Self.revoked.body, as: UTF8.self).replacing("</table>", with: ""))
        site.answers[Self.list] = [cut]
        guard case .notRequested(let error) = account.revoke("7") else {
            Issue.record("nothing was requested")
            return
        }
        #expect(error.code == .unknownPage && site.forms.isEmpty)
        site.answers[Self.list] = [Self.listing("7"), cut]
        guard case .unknown = account.revoke("7") else {
            Issue.record("the outcome is unknown")
            return
        }
    }

    @Test(
        "If the answer is lost, the list decides; if the request was never sent, it is not repeated"
    )
    func lostAnswer() {
        site.broken = [Self.change]
        site.answers[Self.list] = [Self.listing("7"), Self.revoked]
        #expect(account.revoke("7") == .revoked)
        site.answers[Self.list] = [Self.listing("7")]
        #expect(account.revoke("7") == .unknown("the connection broke"))
        site.broken = []
        site.answers[Self.change] = nil
        guard case .notRequested(let error) = account.revoke("7") else {
            Issue.record("nothing was sent")
            return
        }
        #expect(error.code == .unreachable)
        #expect(site.forms.count == 3)
    }

    @Test("A session that ended before the request means that nothing was requested")
    func endedSession() {
        site.answers[Self.list] = [Self.listing("7")]
        site.answers[Self.change] = [
            TransportAnswer(status: 302, redirect: ScriptedSite.site + "/index.php?id=4")
        ]
        guard case .notRequested(let error) = account.revoke("7") else {
            Issue.record("nothing was requested")
            return
        }
        #expect(error.code == .notLoggedIn)
    }
}
