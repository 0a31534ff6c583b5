internal import OpenSSLX509
package import TokencertIssuance
package import TokencertLedger
internal import TokencertPlatform

/// A CA behind a program of the user, which gets the request and prints the certificate. The contract
/// of the program is in `OtherCAs.md`.
package final class CommandCA: CertificateAuthority {
    /// The beginning of ``url``.
    package static let scheme = "command:"

    package let url: String
    package let account = ""
    /// The program and its arguments.
    private let words: [String]
    /// The time limit of the program, in seconds.
    private let timeout: Int
    /// How long to wait for a late certificate, in seconds.
    private let waitingTime: Int
    private let pause: (Int) -> Void

    /// Creates a CA without running anything; nil if the command, which no shell splits, has no
    /// program or an open quotation. `pause` waits for a number of seconds.
    package init?(command: String, timeout: Int, waitingTime: Int, pause: @escaping (Int) -> Void) {
        guard let words = TokencertPlatform.words(ofCommand: command) else { return nil }
        url = Self.scheme + command
        self.words = words
        self.timeout = timeout
        self.waitingTime = waitingTime
        self.pause = pause
    }

    /// Whether a text is a command: a program and its arguments.
    package static func isCommand(_ text: String) -> Bool {
        TokencertPlatform.words(ofCommand: text) != nil
    }

    /// The program in a command, or an empty text.
    package static func program(of command: String) -> String {
        TokencertPlatform.words(ofCommand: command)?.first ?? ""
    }

    /// The command in an address of a CA, or nil if it is the address of a server.
    package static func command(ofURL url: String) -> String? {
        url.hasPrefix(scheme) ? String(url.dropFirst(scheme.count)) : nil
    }

    // MARK: Orders

    package func grant(_ request: IssuanceRequest) throws(IssuanceError) -> CertificateGrant {
        // No account has a name; the certificate gets the address as its name, as is usual for S/MIME.
        guard let name = request.name ?? request.emailAddresses.first else {
            throw IssuanceError(
                .badSubject, at: .plan,
                "a name or an e-mail address is required: a CA command has no account to take them "
                    + "from")
        }
        if let problem = ProgramProblem(of: program) {
            throw IssuanceError(
                .caUnreachable, at: .plan,
                "the program \(program) of the CA command \(problem.text)")
        }
        return CertificateGrant(
            name: name, emailAddresses: request.emailAddresses, codeSigning: request.codeSigning)
    }

    package func place(_ order: CertificateOrder) -> PlacedOrder {
        let result: ProgramResult
        do throws(ProgramStartError) {
            result = try run(order, "issue", reference: "")
        } catch {
            return .notSent(error.reason)
        }
        switch CommandOutcome(ofOrder: result, program, timeout) {
        case .unreachable(let reason):
            // A program that printed something may have reached the CA.
            guard result.output.isEmpty else {
                return .unanswered(
                    "\(program) reports that nothing was ordered, but it printed something: \(reason)"
                )
            }
            return .notSent(reason)
        case .answered(let answer): return .answered(answer)
        case .unclear(let reason, let status):
            // Certificates count even if the program failed after it had printed them.
            guard !result.output.isEmpty else { return .unanswered(reason) }
            return .answered(.init(status: status, body: result.output, interruption: reason))
        }
    }

    /// Asking again orders nothing, by the contract of the program.
    package var findsLate: Bool { true }

    package func findLate(_ order: SentOrder) -> LateResult {
        var pauses = SearchPauses(limit: waitingTime)
        while true {
            let (result, isFinal) = look(for: order)
            guard !isFinal, let seconds = pauses.next() else { return result }
            pause(seconds)
        }
    }

    package static func address(ofCertificate number: String, at url: String) -> String? { nil }

    package static func meaning(of answer: OrderEvent.Answer) -> AnswerMeaning {
        CommandOutcome.meaning(of: answer)
    }

    // MARK: The program

    private var program: String { words.first ?? "" }

    /// Asks once. Another answer may follow unless it is final. Printed certificates count whatever the
    /// exit status is.
    private func look(for order: SentOrder) -> (result: LateResult, isFinal: Bool) {
        let result: ProgramResult
        do throws(ProgramStartError) {
            result = try run(order.order, "fetch", reference: order.number ?? "")
        } catch {
            return (.failed(error.reason, advice: []), true)
        }
        let found = certificates(in: result.output, for: order)
        if !found.isEmpty { return (.found(found), true) }
        let answer: OrderEvent.Answer
        switch CommandOutcome(result, program, timeout) {
        case .answered(let read): answer = read
        case .unreachable(let reason), .unclear(let reason, _):
            return (.failed(reason, advice: []), false)
        }
        switch Self.meaning(of: answer) {
        case .issued:
            return (
                .failed("\(program) printed no certificate for the key of this order", advice: []),
                true
            )
        case .pending:
            return (.notYet("\(program) reports that the certificate is not issued yet"), false)
        case .refused(let reason, _):
            return (
                .failed("\(program) reports that the CA refused the order: \(reason)", advice: []),
                true
            )
        case .unclear(let reason):
            return (.failed(reason, advice: []), false)
        }
    }

    /// The printed certificates for the key of an order, each once.
    private func certificates(in output: [UInt8], for order: SentOrder) -> [LateCertificate] {
        let printed = Certificate.all(inAnswer: output).certificates
        var own: [Certificate] = []
        for certificate in printed where !own.contains(certificate) {
            let hash = hexadecimal(certificate.publicKey.sha256Fingerprint)
            if hash == order.publicKeyHash { own.append(certificate) }
        }
        let others = printed.filter { !own.contains($0) }.map(\.pem).joined()
        return own.map {
            var late = LateCertificate(
                number: order.number ?? $0.serialNumber, certificate: $0, isRevoked: false)
            late.others = others
            return late
        }
    }

    private func run(
        _ order: CertificateOrder, _ action: String, reference: String
    ) throws(ProgramStartError) -> ProgramResult {
        let grant = order.grant
        let variables = [
            "TOKENCERT_ORDER_ACTION": action,
            "TOKENCERT_ORDER_NAME": grant.name,
            "TOKENCERT_ORDER_EMAILS": grant.emailAddresses.joined(separator: "\n"),
            "TOKENCERT_ORDER_CODESIGN": grant.codeSigning ? "1" : "0",
            "TOKENCERT_ORDER_REFERENCE": reference,
        ]
        // Settings of tokencert may name the sources of PINs and passwords.
        return try runProgram(
            words, input: Array(order.request.utf8),
            environment: EnvironmentChanges(removingPrefix: "TOKENCERT_", adding: variables),
            limits: ProgramLimits(seconds: timeout, output: 1 << 20, keptErrors: 4096))
    }
}
