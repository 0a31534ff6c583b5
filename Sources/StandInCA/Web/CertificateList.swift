internal import FoundationEssentials

/// The list of an account's certificates as the web account shows it.
struct CertificateList {
    /// The orders of the account, newest first.
    let orders: [Order]
    /// Seconds since 1970-01-01 00:00 UTC.
    let now: Int64

    /// The page with the table. Expired and revoked certificates are listed only on request.
    func page(showsAll: Bool) -> HTML {
        let listed = orders.filter {
            showsAll || [.valid, .pending].contains($0.status(at: now))
        }
        let none: HTML =
            "<tr><td colspan=\"9\">No client certificates are currently listed.</td></tr>\n"
        let rows = listed.isEmpty ? none : HTML(joining: listed.map(row))
        let token = String(UInt64.random(in: 0...UInt64.max), radix: 16)
        return .page(
            "Client Certificates",
            """
            <form method="post" action="account.php">
            <table>
            <tr><td>Renew, revoke or delete</td><td>Status</td><td>Address</td>\
            <td>Serial number</td><td>Revoked</td><td>Expires</td><td>Login</td>\
            <td colspan="2">Comment</td></tr>
            \(rows)</table>
            <input type="submit" name="renew" value="Renew">
            <input type="submit" name="revoke" value="Revoke or delete">
            <input type="submit" name="change" value="Change settings">
            <input type="hidden" name="oldid" value="5">
            <input type="hidden" name="csrf" value="\(token)">
            </form>
            """)
    }

    /// The list in a form that has no table.
    var changedPage: HTML {
        let items = orders.map { order -> HTML in
            "<li>\(order.address): \(order.status(at: now).rawValue)</li>\n"
        }
        return .page(
            "My Certificates", "<main><ul>\n\(HTML(joining: items))</ul></main>")
    }

    /// The answer to a revocation.
    static func revoked(_ serialNumbers: [String]) -> HTML {
        let lines = serialNumbers.map { number -> HTML in
            "<p>Certificate \(number) has been revoked.</p>\n"
        }
        return .page("Revocation", HTML(joining: lines))
    }

    private func row(_ order: Order) -> HTML {
        let number = order.number
        let expiry = order.certificate.map { Self.time($0.notAfter) } ?? "0000-00-00 00:00:00"
        let revoked = order.certificate?.revoked.map { Self.time($0) } ?? "Not Revoked"
        return """
            <tr>
            <td>\(action(order))</td>
            <td>\(order.status(at: now).rawValue)</td>
            <td>\(address(order))</td>
            <td>\(order.certificate?.serialNumber ?? "")</td>
            <td>\(revoked)</td>
            <td>\(expiry)</td>
            <td><input type="checkbox" name="disablelogin_\(number)" value="1" checked>\
            <input type="hidden" name="cert_\(number)" value="1"></td>
            <td><input type="text" name="comment_\(number)" value=""></td>
            <td><input type="checkbox" name="check_comment_\(number)"></td>
            </tr>

            """
    }

    private func action(_ order: Order) -> HTML {
        switch order.status(at: now) {
        case .valid, .expired:
            return "<input type=\"checkbox\" name=\"revokeid[]\" value=\"\(order.number)\">"
        case .pending:
            return "<input type=\"checkbox\" name=\"delid[]\" value=\"\(order.number)\">"
        case .revoked:
            return "&nbsp;"
        }
    }

    private func address(_ order: Order) -> HTML {
        switch order.status(at: now) {
        case .valid, .expired:
            return "<a href=\"account.php?id=6&amp;cert=\(order.number)\">\(order.address)</a>"
        case .pending, .revoked:
            return "\(order.address)"
        }
    }

    /// A time in UTC, such as `2026-01-02 03:04:05`.
    private static func time(_ seconds: Int64) -> String {
        let text = Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
        return String(text.dropLast().map { $0 == "T" ? " " : $0 })
    }
}
