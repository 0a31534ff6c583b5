package import TokencertPlatform

/// CAcert's API for members' own certificates: `cemails.php` and `ccsr.php`.
package struct API<Carrier: Transport & ~Copyable>: ~Copyable {
    private var transport: Carrier
    /// Where the CA is, without a slash at its end.
    package let baseURL: String
    /// The account's e-mail address.
    package let username: String
    private let password: Secret

    /// Prepares the use of an account. Nothing is sent yet.
    ///
    /// - Parameters:
    ///   - baseURL: Where the CA is, as `https://www.cacert.org`, without a path.
    ///   - username: The account's e-mail address.
    ///   - password: The account's password, UTF-8.
    ///   - transport: What carries the forms.
    package init(
        baseURL: String, username: String, password: consuming Secret, transport: consuming Carrier
    ) {
        var base = baseURL[...]
        while base.hasSuffix("/") { base = base.dropLast() }
        self.baseURL = String(base)
        self.username = username
        self.password = password
        self.transport = transport
    }

    /// Asks what the account may have.
    ///
    /// - Throws: ``CAcertError``.
    package mutating func accountStatus() throws(CAcertError) -> AccountStatus {
        let answer: TransportAnswer
        do throws(TransportError) {
            answer = try transport.post(to: baseURL + "/api/cemails.php", form: makeForm().body)
        } catch {
            throw CAcertError(.unreachable, error.reason, transportError: error)
        }
        return try AccountStatus(answer)
    }

    /// Places an order, once. An order is not idempotent: placed twice, two certificates are
    /// issued.
    ///
    /// - Parameter order: What is ordered.
    /// - Returns: What came back, as it came. ``OrderOutcome`` reads it.
    /// - Throws: ``TransportError``; it tells whether the order may have been taken.
    package mutating func place(_ order: CertificateOrder) throws(TransportError) -> TransportAnswer
    {
        var form = makeForm()
        for (index, address) in order.emailAddresses.enumerated() {
            form.append("email[\(index)]", address)
        }
        form.append("name", order.name.bytes)
        form.append("codesign", order.codeSigning ? "1" : "0")
        form.append("optionalCSR", order.requestPEM)
        return try transport.post(to: baseURL + "/api/ccsr.php", form: form.body)
    }

    private borrowing func makeForm() -> Form {
        var form = Form()
        form.append("username", username)
        form.append("password", password)
        return form
    }
}

/// What is ordered from the CA.
package struct CertificateOrder: Sendable, Hashable {
    /// The addresses that the certificate shall be for, verified ones of the account.
    package let emailAddresses: [String]
    /// The name that it shall bear, one of the account's or ``AccountStatus/anonymousName``.
    package let name: AccountName
    /// Whether it shall be good for signing code.
    package let codeSigning: Bool
    /// The request in PEM. The CA takes nothing from it but the key.
    package let requestPEM: String

    /// Makes an order.
    ///
    /// - Parameters:
    ///   - emailAddresses: Verified addresses of the account.
    ///   - name: One of the account's names or ``AccountStatus/anonymousName``.
    ///   - codeSigning: Whether it shall be good for signing code.
    ///   - requestPEM: The request in PEM.
    package init(
        emailAddresses: [String], name: AccountName, codeSigning: Bool, requestPEM: String
    ) {
        self.emailAddresses = emailAddresses
        self.name = name
        self.codeSigning = codeSigning
        self.requestPEM = requestPEM
    }
}
