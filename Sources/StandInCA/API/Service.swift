internal import Synchronization

/// The two pages of the API, with checks in the same order as the server.
final class Service: Sendable {
    private let configuration: StandInConfiguration
    private let authority: Authority
    private let accounts: AccountsFile
    private let policy: KeyPolicy
    private let now: @Sendable () -> Int64
    private let lastSerial: Mutex<UInt64>
    private let orders: Orders

    /// Creates a service. Serial numbers continue after the last one in `orders`; `now` returns
    /// seconds since 1970-01-01 00:00 UTC.
    init(
        configuration: StandInConfiguration, authority: Authority, accounts: AccountsFile,
        weakKeys: Set<String>, orders: Orders, now: @escaping @Sendable () -> Int64
    ) {
        self.configuration = configuration
        self.authority = authority
        self.accounts = accounts
        policy = KeyPolicy(
            acceptsEllipticCurves: configuration.acceptsEllipticCurves,
            weakKeys: configuration.fault == .weakKeyList ? nil : weakKeys)
        self.now = now
        self.orders = orders
        // Three bytes, random because several stand-ins may share a root in tests.
        lastSerial = Mutex(
            orders.certificates.lastSerial ?? UInt64.random(in: 0x10_0000...0x6F_FFFF))
    }

    func accountPage(_ fields: FormFields) -> PageAnswer {
        guard let account = account(fields, configuration.accountFault) else {
            return Self.unknownUser
        }
        var lines: [[UInt8]] = [Array("200,Authentication Ok".utf8)]
        lines.append(Array("CS=\(account.codeSigning ? 1 : 0)".utf8))
        for name in [Account.anonymousName] + account.realNames {
            lines.append(Array("NAME=".utf8) + Escaping.escape(name))
        }
        for email in account.emails {
            lines.append(Array("EMAIL=".utf8) + Escaping.escape(email))
        }
        return PageAnswer(
            lines.flatMap { $0 + [UInt8(ascii: "\n")] }, fault: configuration.accountFault)
    }

    func orderPage(_ fields: FormFields, _ language: KeyText.Language) async -> PageAnswer {
        guard let account = account(fields, configuration.fault) else { return Self.unknownUser }
        let emails = addresses(fields.list("email"), of: account)
        guard !emails.isEmpty else {
            return .text("404,Wasn't able to match any emails sent against your account")
        }
        let wanted = PHPText.trimmed(fields["name"] ?? "")
        // The server escapes the value for SQL, and compares it byte by byte with the unescaped name.
        let isReal =
            !wanted.contains { "'\"\\".contains($0) }
            && account.realNames.contains { $0.utf8.elementsEqual(wanted.utf8) }
        let name = isReal ? wanted : Account.anonymousName
        let codeSigning =
            account.codeSigning && account.points >= 100 && fields["codesign"] == "1"
        let pem = Array((fields["optionalCSR"] ?? "").utf8)
        let request: CertificateRequest
        switch ReadRequest(pem) {
        case .notPEM: return .text(KeyText.noRequest.answer(in: language))
        case .unreadable: return .text("404,Invalid or missing CSR")
        case .request(let read): request = read
        }
        switch policy.verdict(request.key) {
        case .accepted: break
        case .refused(let reason): return .text(reason.answer(in: language))
        case .serverError: return .status(500, body: [])
        }
        guard configuration.fault != .refuse else { return .text("404,Invalid or missing CSR") }
        let grant = Grant(
            name: name, emails: emails, codeSigning: codeSigning,
            validityDays: account.validityDays)
        return await order(grant, request, of: account)
    }

    /// The addresses for the certificate: those that belong to the account, ignoring case, without
    /// duplicates and in the spelling that was sent.
    private func addresses(_ sent: [String], of account: Account) -> [String] {
        let verified = Set(account.emails.map { $0.lowercased() })
        var seen: Set<String> = []
        return sent.map(PHPText.trimmed).filter {
            verified.contains($0.lowercased()) && seen.insert($0.lowercased()).inserted
        }.map {
            // The server drops apostrophes before it passes an address to the signer.
            $0.filter { $0 != "'" }
        }
    }

    /// Queues the order for the signer, and waits for the configured delay.
    private func order(
        _ grant: Grant, _ request: CertificateRequest, of account: Account
    ) async -> PageAnswer {
        let queued = (0..<(configuration.webFault == .doubled ? 2 : 1)).map { _ in
            orders.queue(username: account.username, address: grant.emails.first ?? "")
        }
        let failed = PageAnswer.text("404,Your certificate request has failed. ID: \(queued[0])")
        guard configuration.fault != .never else { return failed }
        let signingTime =
            configuration.fault == .late ? configuration.delay + 1 : configuration.signingTime
        let isLate = signingTime > configuration.delay
        let signing = Task { [self] () throws -> SignedCertificate? in
            if isLate { try await Task.sleep(for: .seconds(signingTime)) }
            // A request with a wrong signature is queued, but the signer does not sign it.
            guard let key = try? request.verifiedKey() else { return nil }
            return try sign(grant, for: key, queued)
        }
        if configuration.delay > 0 {
            try? await Task.sleep(for: .seconds(configuration.delay))
        }
        guard !isLate else { return failed }
        do {
            return try await signing.value.map { try answer($0) } ?? failed
        } catch {
            return .status(500, body: Array("the stand-in failed: \(error)".utf8))
        }
    }

    /// Signs a certificate for each of the queued orders, and returns the first; nil if none was signed,
    /// as when all orders were deleted.
    private func sign(
        _ grant: Grant, for key: Key, _ queued: [UInt64]
    ) throws(StandInError) -> SignedCertificate? {
        var signed: [SignedCertificate] = []
        for number in queued where orders[number] != nil {
            let serial = lastSerial.withLock { last in
                last += 1
                return last
            }
            let digits = String(serial, radix: 16, uppercase: true)
            // What the signer cannot sign, such as a long name, stays pending.
            guard
                let certificate = try? authority.sign(
                    grant, for: key, serialNumber: digits.count % 2 == 0 ? digits : "0" + digits,
                    at: now(), configuration)
            else { continue }
            let isRevoked = configuration.webFault == .revoked
            try orders.issue(certificate, for: number, revoked: isRevoked ? now() : nil)
            signed.append(certificate)
        }
        return signed.first
    }

    private func answer(_ certificate: SignedCertificate) throws(StandInError) -> PageAnswer {
        var body = "200,Authentication Ok\n"
        switch configuration.answerForm {
        case .plain:
            body += certificate.pem
        case .messy:
            let issuer = configuration.signer == .class1 ? authority.class1 : authority.class3
            let text = try Certificate(pem: certificate.pem).description()
            body += (text + certificate.pem + "\n" + (try issuer.certificate.pem()))
                .split(separator: "\n", omittingEmptySubsequences: false)
                .joined(separator: "\r\n")
        }
        return PageAnswer(Array(body.utf8), fault: configuration.fault)
    }

    private func account(_ fields: FormFields, _ fault: Fault?) -> Account? {
        guard fault != .deadDatabase else { return nil }
        return accounts.account(
            username: fields["username"] ?? "", password: fields["password"] ?? "")
    }

    private static let unknownUser = PageAnswer.text("403,That username couldn't be found\n")
}
