internal import TokencertIssuance
internal import TokencertLedger
internal import TokencertPlatform

/// What a run of the program of a CA means, by its exit status: some of those of sysexits(3).
enum CommandOutcome: Equatable {
    /// The CA answered. The answer has the exit status; its body is the standard output if a
    /// certificate was issued, otherwise the standard error.
    case answered(OrderEvent.Answer)
    /// The CA was not reached, and nothing was ordered.
    case unreachable(String)
    /// It is unknown, for this reason, whether the CA has the order. The status is that of a shell.
    case unclear(String, status: Int)

    private static let issued = 0
    private static let refused = 65
    private static let notReached = 69
    private static let later = 75
    private static let credentialsRefused = 77

    init(_ result: ProgramResult, _ program: String, _ timeout: Int) {
        let lines = Self.lines(result.errors)
        let last = Self.lines(result.lastErrors).last.map { ": \($0)" } ?? ""
        switch result.end {
        case .exited(let exit):
            let status = Int(exit)
            switch status {
            case Self.issued:
                self = .answered(.init(status: status, body: result.output, interruption: nil))
            case Self.refused, Self.later, Self.credentialsRefused:
                self = .answered(.init(status: status, body: result.errors, interruption: nil))
            case Self.notReached:
                self = .unreachable(lines.first ?? "\(program) exited with status \(status)")
            default:
                self = .unclear("\(program) exited with status \(status)\(last)", status: status)
            }
        case .signalled(let signal):
            self = .unclear(
                "\(program) was terminated by signal \(signal)\(last)", status: 128 + Int(signal))
        case .timedOut:
            self = .unclear("\(program) did not end within \(timeout) seconds\(last)", status: 124)
        case .printedTooMuch:
            self = .unclear("\(program) printed more than 1 MiB\(last)", status: 1)
        case .unknown:
            self = .unclear("the exit status of \(program) is unknown\(last)", status: 1)
        }
    }

    /// What a run that places an order means. A certificate on standard output is never dropped: with
    /// a status that is not 0 it is unclear whether the answer is complete.
    init(ofOrder result: ProgramResult, _ program: String, _ timeout: Int) {
        self.init(result, program, timeout)
        guard case .exited(let exit) = result.end, Int(exit) != Self.issued,
            result.output.contains(Self.beginningOfCertificate)
        else { return }
        let last = Self.lines(result.lastErrors).last.map { ": \($0)" } ?? ""
        self = .unclear("\(program) exited with status \(exit)\(last)", status: Int(exit))
    }

    private static let beginningOfCertificate = Array("-----BEGIN CERTIFICATE-----".utf8)

    /// Interprets an answer in the ledger.
    static func meaning(of answer: OrderEvent.Answer) -> AnswerMeaning {
        let body = Array(answer.body)
        // The body is then the standard output, which has no reason and no number of an order.
        if let interruption = answer.interruption { return .unclear(interruption) }
        switch answer.status {
        case issued: return .issued(body)
        case later: return .pending(reference(body))
        case refused, credentialsRefused:
            return .refused(
                lines(body).first ?? "the CA command gives no reason",
                concernsCredentials: answer.status == credentialsRefused)
        default: return .unclear("the CA command exited with status \(answer.status)")
        }
    }

    /// The CA's number of the order: the first word. It becomes an environment variable, so it must be
    /// short printable ASCII.
    private static func reference(_ text: [UInt8]) -> String? {
        let word = text.drop { $0 <= 0x20 }.prefix { $0 > 0x20 }
        guard (1...200).contains(word.count), word.allSatisfy({ $0 < 0x7F }) else { return nil }
        return String(decoding: word, as: UTF8.self)
    }

    /// The lines of a text that are not blank, without the blanks around them.
    private static func lines(_ text: [UInt8]) -> [String] {
        text.split { $0 == 10 || $0 == 13 }.compactMap { line in
            let end = line.lastIndex { $0 > 0x20 }
            guard let start = line.firstIndex(where: { $0 > 0x20 }), let end else { return nil }
            return String(decoding: line[start...end], as: UTF8.self)
        }
    }
}
