internal import Synchronization

/// The answer of a page, or a fault of the connection.
enum PageAnswer: Sendable {
    case body([UInt8])
    case status(Int, body: [UInt8], location: String? = nil)
    /// The connection breaks before anything is sent.
    case broken
    case cutOff(after: [UInt8], of: Int)
    case huge
    case never
}

/// The two pages of the API, with checks in the same order as the server.
final class Service: Sendable {
    private let configuration: StandInConfiguration
    private let authority: Authority
    private let accounts: AccountsFile
    private let policy: KeyPolicy
    private let now: @Sendable () -> Int64
    private let numbers: Mutex<(order: UInt64, serial: UInt64)>
    private let issued: IssuedCertificates

    /// Creates a service. Serial numbers continue after the last one in `issued`; `now` returns
    /// seconds since 1970-01-01 00:00 UTC.
    init(
        configuration: StandInConfiguration, authority: Authority, accounts: AccountsFile,
        weakKeys: Set<String>, issued: IssuedCertificates, now: @escaping @Sendable () -> Int64
    ) {
        self.configuration = configuration
        self.authority = authority
        self.accounts = accounts
        policy = KeyPolicy(
            acceptsEllipticCurves: configuration.acceptsEllipticCurves,
            weakKeys: configuration.fault == .weakKeyList ? nil : weakKeys)
        self.now = now
        self.issued = issued
        // Three bytes, random because several stand-ins may share a root in tests.
        numbers = Mutex((4711, issued.lastSerial ?? UInt64.random(in: 0x10_0000...0x6F_FFFF)))
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
        return wrong(lines.flatMap { $0 + [UInt8(ascii: "\n")] }, configuration.accountFault)
    }

    func orderPage(_ fields: FormFields, _ language: KeyText.Language) async -> PageAnswer {
        guard let account = account(fields, configuration.fault) else { return Self.unknownUser }
        let emails = addresses(fields.list("email"), of: account)
        guard !emails.isEmpty else {
            return text("404,Wasn't able to match any emails sent against your account")
        }
        let wanted = trimmed(fields["name"] ?? "")
        // The server escapes the value for SQL, and compares it byte by byte with the unescaped name.
        let isReal =
            !wanted.contains { "'\"\\".contains($0) }
            && account.realNames.contains { $0.utf8.elementsEqual(wanted.utf8) }
        let name = isReal ? wanted : Account.anonymousName
        let codeSigning =
            account.codeSigning && account.points >= 100 && fields["codesign"] == "1"
        let pem = Array((fields["optionalCSR"] ?? "").utf8)
        do {
            let (request, verdict) = try await onAThread { [authority, policy] in
                let folder = try WorkFolder(in: authority.directory)
                let request = try ReadRequest(pem, in: folder)
                guard case .request(let key) = request else {
                    return (request, KeyPolicy.Verdict.accepted)
                }
                return (request, try policy.verdict(key, in: folder))
            }
            switch (request, verdict) {
            case (.notPEM, _): return text(KeyText.noRequest.answer(in: language))
            case (_, .refused(let reason)): return text(reason.answer(in: language))
            case (_, .serverError): return .status(500, body: [])
            case (.unreadable, _): return text("404,Invalid or missing CSR")
            default: break
            }
        } catch {
            return .status(500, body: Array("the stand-in failed: \(error)".utf8))
        }
        guard configuration.fault != .refuse else { return text("404,Invalid or missing CSR") }
        return await order(
            Grant(
                name: name, emails: emails, codeSigning: codeSigning, request: pem,
                validityDays: account.validityDays))
    }

    /// The addresses for the certificate: those that belong to the account, ignoring case, without
    /// duplicates and in the spelling that was sent.
    private func addresses(_ sent: [String], of account: Account) -> [String] {
        let verified = Set(account.emails.map { $0.lowercased() })
        var seen: Set<String> = []
        return sent.map(trimmed).filter {
            verified.contains($0.lowercased()) && seen.insert($0.lowercased()).inserted
        }.map {
            // The server drops apostrophes before it passes an address to the signer.
            $0.filter { $0 != "'" }
        }
    }

    /// Queues the order for the signer, and waits for the configured delay.
    private func order(_ grant: Grant) async -> PageAnswer {
        let (order, serial) = numbers.withLock { numbers in
            numbers.order += 1
            numbers.serial += 1
            return numbers
        }
        let signingTime =
            configuration.fault == .late ? configuration.delay + 1 : configuration.signingTime
        let isLate = signingTime > configuration.delay
        let signing = Task { [configuration, authority, issued, now] in
            if isLate { try await Task.sleep(for: .seconds(signingTime)) }
            return try await onAThread {
                let digits = String(serial, radix: 16, uppercase: true)
                let certificate = try authority.sign(
                    grant, serialNumber: digits.count % 2 == 0 ? digits : "0" + digits, at: now(),
                    configuration)
                issued.record(certificate)
                return certificate
            }
        }
        if configuration.delay > 0 {
            try? await Task.sleep(for: .seconds(configuration.delay))
        }
        let failed = text("404,Your certificate request has failed. ID: \(order)")
        guard !isLate else { return failed }
        // A request with a wrong signature is queued, but the signer does not sign it.
        guard let certificate = try? await signing.value else { return failed }
        return answer(certificate)
    }

    private func answer(_ certificate: SignedCertificate) -> PageAnswer {
        var body = "200,Authentication Ok\n"
        switch configuration.answerForm {
        case .plain:
            body += certificate.pem
        case .messy:
            let issuer = configuration.signer == .class1 ? authority.class1 : authority.class3
            body += (certificate.text + certificate.pem + "\n" + issuer.pem)
                .split(separator: "\n", omittingEmptySubsequences: false)
                .joined(separator: "\r\n")
        }
        let bytes = Array(body.utf8)
        return wrong(bytes, configuration.fault)
    }

    /// The answer with a fault applied, if the fault concerns answers.
    private func wrong(_ bytes: [UInt8], _ fault: Fault?) -> PageAnswer {
        switch fault {
        case .cut: .body(Array(bytes.prefix(bytes.count / 2)))
        case .huge: .huge
        case .noCertificate: text("200,Authentication Ok\n")
        case .reworded: text("404,Your certificate could not be made in time, try again later")
        case .warning: .body(Array("\nWarning: mysql_connect() in common.php\n".utf8) + bytes)
        case .html: text("<html><head><title>Maintenance</title></head></html>")
        case .empty: .body([])
        case .garbage: .body((0..<500).map { UInt8(truncatingIfNeeded: $0 &* 131) })
        case .serverError: .status(500, body: Array("<h1>Internal Server Error</h1>".utf8))
        case .redirect: .status(302, body: [], location: "https://localhost:1/api/ccsr.php")
        case .resetBefore: .broken
        case .reset: .cutOff(after: Array(bytes.prefix(bytes.count / 2)), of: bytes.count)
        case .lateReset: .cutOff(after: bytes, of: bytes.count + 1)
        case .hang: .never
        default: .body(bytes)
        }
    }

    private func account(_ fields: FormFields, _ fault: Fault?) -> Account? {
        guard fault != .deadDatabase else { return nil }
        return accounts.account(
            username: fields["username"] ?? "", password: fields["password"] ?? "")
    }

    private static let unknownUser = PageAnswer.body(
        Array("403,That username couldn't be found\n".utf8))

    private func text(_ text: String) -> PageAnswer { .body(Array(text.utf8)) }

    /// Trims a text like PHP.
    private func trimmed(_ text: String) -> String {
        let isBlank: (Character) -> Bool = { " \t\n\r\0\u{0B}\r\n".contains($0) }
        var slice = text.drop(while: isBlank)
        while let last = slice.last, isBlank(last) { slice = slice.dropLast() }
        return String(slice)
    }
}
