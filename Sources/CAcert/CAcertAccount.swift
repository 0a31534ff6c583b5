package import TokencertIssuance
package import TokencertLedger
package import TokencertPlatform

/// An account at CAcert, used through the API for client certificates: `cemails.php` and
/// `ccsr.php`.
package final class CAcertAccount<Carrier: Transport & ~Copyable>: CertificateAuthority {
    private var transport: Carrier
    package let url: String
    package let account: String
    private let password: Secret
    /// The web account, or nil if the user has not agreed to a login there.
    private let web: WebAccount?
    /// How long to wait for a late certificate, in seconds.
    private let waitingTime: Int
    /// The names of the account, as the CA sent them.
    private var names: [AccountName] = []

    /// Creates an account without sending anything. `baseURL` has no path, such as
    /// `https://www.cacert.org`; `web` is searched for late certificates.
    package init(
        baseURL: String, username: String, password: consuming Secret, transport: consuming Carrier,
        web: WebAccount? = nil, waitingTime: Int = 0
    ) {
        self.web = web
        self.waitingTime = waitingTime
        url = withoutSlash(baseURL)
        account = username
        self.password = password
        self.transport = transport
    }

    // MARK: Orders

    package func grant(_ request: IssuanceRequest) throws(IssuanceError) -> CertificateGrant {
        let status = try accountStatus()
        names = status.names
        let name = try status.chosenName(request.name)
        let addresses = try status.chosenAddresses(request.emailAddresses)
        try status.requireCodeSigning(request.codeSigning)
        return CertificateGrant(
            name: name.text, emailAddresses: addresses, codeSigning: request.codeSigning)
    }

    package func place(_ order: CertificateOrder) -> PlacedOrder {
        // Two names may be equal as text but differ in their bytes.
        let name =
            names.first { $0.text.utf8.elementsEqual(order.grant.name.utf8) }
            ?? names.first { $0.text == order.grant.name } ?? AccountName(order.grant.name)
        do throws(TransportError) {
            let answer = try place(
                order.request, name: name, emailAddresses: order.grant.emailAddresses,
                codeSigning: order.grant.codeSigning)
            return .answered(.init(status: answer.status, body: answer.body, interruption: nil))
        } catch {
            guard error.mayHaveBeenSent else { return .notSent(error.reason) }
            guard !error.partialAnswer.isEmpty else { return .unanswered(error.reason) }
            return .answered(
                .init(
                    status: error.partialStatus ?? 0, body: error.partialAnswer,
                    interruption: error.reason))
        }
    }

    package var findsLate: Bool { web != nil }

    package func findLate(_ order: SentOrder) -> LateResult {
        guard let web else { return .failed("the web account is not used", advice: []) }
        do throws(WebAccountError) {
            return try LateSearch(account: web, order: order, limit: waitingTime)
                .run(account, password)
        } catch {
            // The API does not check whether an account is locked.
            let isLocked = error.code == .loginRefused && (try? accountStatus()) != nil
            guard isLocked else { return .failed(error.reason, advice: error.advice) }
            return .failed(
                "the CA's web site refuses the password that its API accepts",
                advice: [
                    "the account may be locked or not confirmed yet; log in with a browser to see why: "
                        + "\(url)/index.php?id=4",
                    "the web site ignores blanks around a password, and backslashes in it",
                ])
        }
    }

    package static func address(ofCertificate number: String, at url: String) -> String? {
        "\(url)/account.php?id=6&cert=\(number)"
    }

    package static func meaning(of answer: OrderEvent.Answer) -> AnswerMeaning {
        AnswerMeaning(TransportAnswer(status: answer.status, body: Array(answer.body)))
    }

    // MARK: The API

    /// Asks the CA for the names, addresses and permissions of the account.
    package func accountStatus() throws(IssuanceError) -> AccountStatus {
        let answer: TransportAnswer
        do throws(TransportError) {
            answer = try transport.post(to: url + "/api/cemails.php", form: makeForm().body)
        } catch {
            throw IssuanceError(
                .caUnreachable, at: .plan, "the CA cannot be reached: \(error.reason)")
        }
        return try AccountStatus(answer)
    }

    /// Places an order once. If it is placed again, the CA issues a second certificate.
    ///
    /// - Parameter request: The request in PEM. The CA uses only its key.
    package func place(
        _ request: String, name: AccountName, emailAddresses: [String], codeSigning: Bool
    ) throws(TransportError) -> TransportAnswer {
        var form = makeForm()
        for (index, address) in emailAddresses.enumerated() {
            form.append("email[\(index)]", address)
        }
        form.append("name", name.bytes)
        form.append("codesign", codeSigning ? "1" : "0")
        form.append("optionalCSR", request)
        return try transport.post(to: url + "/api/ccsr.php", form: form.body)
    }

    private func makeForm() -> Form {
        var form = Form()
        form.append("username", account)
        form.append("password", password)
        return form
    }
}
