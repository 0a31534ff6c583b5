internal import OpenSSLX509
internal import Synchronization

/// What a page answers: a body, or something that is wrong with the connection itself.
enum PageAnswer: Sendable {
    case body([UInt8])
    case status(Int, body: [UInt8], location: String? = nil)
    /// The connection breaks before anything is sent.
    case broken
    case cutOff(after: [UInt8], of: Int)
    case huge
    case never
}

/// The two pages of the API. Checks come in the server's own order.
final class Service: Sendable {
    private let configuration: StandInCA.Configuration
    private let authority: Authority
    private let accounts: AccountsFile
    private let policy: KeyPolicy
    private let now: @Sendable () -> Int64
    private let numbers: Mutex<(order: UInt64, serial: UInt64)>

    /// Where a certificate goes that was issued.
    private let record: @Sendable (Certificate) -> Void

    init(
        configuration: StandInCA.Configuration, authority: Authority, accounts: AccountsFile,
        weakKeys: Set<String>, now: @escaping @Sendable () -> Int64,
        record: @escaping @Sendable (Certificate) -> Void
    ) {
        self.configuration = configuration
        self.authority = authority
        self.accounts = accounts
        policy = KeyPolicy(
            acceptsEllipticCurves: configuration.acceptsEllipticCurves, weakKeys: weakKeys)
        self.now = now
        self.record = record
        numbers = Mutex((4711, UInt64.random(in: 1 << 24..<1 << 56)))
    }

    func accountPage(_ fields: FormFields) -> PageAnswer {
        guard let account = account(fields) else { return Self.unknownUser }
        var lines: [[UInt8]] = [Array("200,Authentication Ok".utf8)]
        lines.append(Array("CS=\(account.codeSigning ? 1 : 0)".utf8))
        for name in [Account.anonymousName] + account.realNames {
            lines.append(Array("NAME=".utf8) + Escaping.escape(name))
        }
        for email in account.emails {
            lines.append(Array("EMAIL=".utf8) + Escaping.escape(email))
        }
        return wrong(
            Array(lines.joined(separator: [UInt8(ascii: "\n")])), configuration.accountFault)
    }

    func orderPage(_ fields: FormFields) async -> PageAnswer {
        guard let account = account(fields) else { return Self.unknownUser }
        let emails = fields.list("email").map(trimmed).filter { account.emails.contains($0) }
        guard !emails.isEmpty else {
            return text("404,Wasn't able to match any emails sent against your account")
        }
        let wanted = fields["name"] ?? ""
        // Byte by byte: letters can be written in more than one way.
        let isReal = account.realNames.contains { $0.utf8.elementsEqual(wanted.utf8) }
        let name = isReal ? wanted : Account.anonymousName
        let codeSigning =
            account.codeSigning && account.points >= 100 && fields["codesign"] == "1"
        let pem = Array((fields["optionalCSR"] ?? "").utf8)
        guard let request = try? CertificateRequest(unverifiedPEM: pem) else {
            return text(
                """
                403, I didn't receive a valid Certificate Request. Hit the back button and try \
                again.
                """)
        }
        if let refusal = policy.refusal(request.publicKey) { return text(refusal) }
        guard (try? request.verifySignature()) != nil, configuration.fault != .refuse else {
            return text("404,Invalid or missing CSR")
        }
        return await order(
            Grant(
                name: name, emails: emails, codeSigning: codeSigning,
                publicKey: request.publicKey, validityDays: account.validityDays))
    }

    /// Queues the order for the signer, and waits for as long as the server always waits.
    private func order(_ grant: Grant) async -> PageAnswer {
        let (order, serial) = numbers.withLock { numbers in
            numbers.order += 1
            numbers.serial += 1
            return numbers
        }
        let signingTime =
            configuration.fault == .late ? configuration.delay + 1 : configuration.signingTime
        let isLate = signingTime > configuration.delay
        let signing = Task { [configuration, authority, record, now] in
            if isLate { try await Task.sleep(for: .seconds(signingTime)) }
            let signer = configuration.signer == .class1 ? authority.class1 : authority.class3
            let certificate = try authority.sign(
                grant, serialNumber: serial, signer: signer, at: now(),
                fault: configuration.fault, form: configuration.answerForm,
                ocsp: configuration.ocspAddress)
            record(certificate)
            return (certificate, signer.certificate)
        }
        if configuration.delay > 0 {
            try? await Task.sleep(for: .seconds(configuration.delay))
        }
        guard !isLate else {
            return text("404,Your certificate request has failed. ID: \(order)")
        }
        do {
            let (certificate, issuer) = try await signing.value
            return answer(certificate, issuer)
        } catch {
            return .status(500, body: Array("the stand-in cannot sign: \(error)".utf8))
        }
    }

    private func answer(_ certificate: Certificate, _ issuer: Certificate) -> PageAnswer {
        var body = "200,Authentication Ok\n"
        switch configuration.answerForm {
        case .plain:
            body += certificate.pem
        case .messy:
            let dump = """
                Certificate:
                    Data:
                        Version: 3 (0x2)
                        Serial Number: \(certificate.serialNumber)
                        Subject: \(certificate.subject)

                """
            body += (dump + certificate.pem + "\n" + issuer.pem)
                .split(separator: "\n", omittingEmptySubsequences: false)
                .joined(separator: "\r\n")
        }
        let bytes = Array(body.utf8)
        return wrong(bytes, configuration.fault)
    }

    /// An answer as a fault makes it; a fault of certificates leaves it as it is.
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

    private func account(_ fields: FormFields) -> Account? {
        accounts.account(username: fields["username"] ?? "", password: fields["password"] ?? "")
    }

    private static let unknownUser = PageAnswer.body(
        Array("403,That username couldn't be found\n".utf8))

    private func text(_ text: String) -> PageAnswer { .body(Array(text.utf8)) }

    /// Trims as PHP does.
    private func trimmed(_ text: String) -> String {
        let isBlank: (Character) -> Bool = { " \t\n\r\0\u{0B}\r\n".contains($0) }
        var slice = text.drop(while: isBlank)
        while let last = slice.last, isBlank(last) { slice = slice.dropLast() }
        return String(slice)
    }
}
