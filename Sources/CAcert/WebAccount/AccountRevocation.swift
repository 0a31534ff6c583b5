internal import TokencertPlatform

/// What is known after a revocation was requested.
package enum RevocationResult: Sendable, Hashable {
    /// The list of the account shows the certificate as revoked.
    case revoked
    /// For this reason, no revocation was requested.
    case notRequested(WebAccountError)
    /// For this reason, it is unknown whether the CA revokes the certificate.
    case unknown(String)
}

extension WebAccount {
    /// Revokes the certificate with a number, and reads the list again to confirm that. A revocation
    /// cannot be undone. It is requested once, and not at all if the list does not show a signed
    /// certificate with the number that is not revoked yet.
    package func revoke(_ number: String) -> RevocationResult {
        var doubt: String?
        do throws(WebAccountError) {
            let answer = try page(Self.listPage)
            let before = try Self.certificates(inPage: answer).filter { $0.number == number }
            guard before.count == 1, before[0].serialNumber != nil else {
                throw WebAccountError(
                    .noSuchCertificate,
                    "the account does not have exactly one signed certificate with the number "
                        + number)
            }
            guard !before[0].isRevoked else { return .revoked }
            doubt = try postRevocation(number, csrf: Self.hiddenField("csrf", inPage: answer.body))
        } catch {
            return .notRequested(error)
        }
        do throws(WebAccountError) {
            let after = try certificates().first { $0.number == number }
            if after?.isRevoked ?? false { return .revoked }
            return .unknown(doubt ?? "the CA's web site does not show it as revoked")
        } catch {
            return .unknown(doubt ?? error.reason)
        }
    }

    /// Requests a revocation. Returns the reason why it is unknown whether the site received the
    /// request, or nil. `csrf` is the token of the site's page against forged requests, if it has
    /// one.
    private func postRevocation(
        _ number: String, csrf: String?
    ) throws(WebAccountError) -> String? {
        var form = Form()
        form.append("oldid", "5")
        form.append("revokeid[]", number)
        form.append("revoke", "Revoke/Delete")
        if let csrf { form.append("csrf", csrf) }
        let answer: TransportAnswer
        do throws(TransportError) {
            answer = try transport.post(to: site + "/account.php", form: form.body)
        } catch {
            guard error.mayHaveBeenSent else { throw WebAccountError(unreachable: error) }
            return error.reason
        }
        // Any other answer says less than the list, which is read next.
        if let redirect = answer.redirect {
            let page = SitePage(redirect)
            guard page != .login, SitePage.required[page] == nil else {
                throw WebAccountError(redirectedTo: redirect, site: site)
            }
        }
        return nil
    }

    /// The value of the first hidden field with a name, or nil.
    static func hiddenField(_ name: String, inPage page: [UInt8]) -> String? {
        let text = String(decoding: page, as: UTF8.self)
        for part in text.split(separator: "<input", omittingEmptySubsequences: false).dropFirst() {
            let tag = part.prefix { $0 != ">" }
            if attribute("name", of: tag) == name { return attribute("value", of: tag) }
        }
        return nil
    }

    private static func attribute(_ name: String, of tag: Substring) -> String? {
        for quote: Character in ["\"", "'"] {
            guard let start = tag.firstRange(of: " \(name)=\(quote)") else { continue }
            let value = tag[start.upperBound...].prefix { $0 != quote }
            return HTMLText.decode(Array(value.utf8)[...])
        }
        return nil
    }
}
