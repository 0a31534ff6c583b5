internal import TokencertPlatform

struct HookRun {
    let hook: Hook
    let words: [String]
    let environment: [String: String]
    /// The JSON for standard input.
    let input: String

    /// The time limit, in seconds.
    static let timeLimit = 60

    init(_ input: HookInput, words: [String]) throws {
        hook = input.hook
        self.words = words
        // The number of an order belongs to one ledger.
        environment = input.environment.merging(["TOKENCERT_LEDGER": LedgerOptions.used]) { $1 }
        self.input = try jsonOutput(input) + "\n"
    }

    /// Runs the program. Returns why it failed, or nil.
    func problem(withinSeconds seconds: Int = HookRun.timeLimit) -> HookProblem? {
        Progress.shared.begin("running the hook \(hook.rawValue)", onToken: false, isBrief: true)
        defer { Progress.shared.abandon() }
        let program = words.first ?? ""
        if let found = HookProgramProblem(program) {
            return HookProblem(
                reason: "cannot run \(program): it \(found.text)", advice: found.advice)
        }
        let result: ProgramResult
        do throws(ProgramStartError) {
            // Settings of tokencert may name the sources of PINs and passwords.
            result = try runProgram(
                words, input: Array(input.utf8),
                environment: EnvironmentChanges(
                    removingPrefix: HookInput.prefix, adding: environment),
                limits: ProgramLimits(seconds: seconds, output: 1 << 20, keptErrors: 1 << 16))
        } catch {
            return HookProblem(reason: error.reason)
        }
        return HookProblem(result.end, of: program, errors: result.lastErrors, seconds: seconds)
    }
}

/// Why a run of a hook failed.
struct HookProblem: Equatable {
    /// Whether the program refused, by its exit status.
    let isRefusal: Bool
    /// How it ended: one line.
    let reason: String
    /// The last line on its standard error, or nil.
    let lastLine: String?
    let advice: String?

    /// The program did not run.
    init(reason: String, advice: String? = nil) {
        isRefusal = false
        self.reason = reason
        lastLine = nil
        self.advice = advice
    }

    /// What the end of a program means; nil if it succeeded.
    init?(_ end: ProgramEnd, of program: String, errors: [UInt8], seconds: Int) {
        switch end {
        case .exited(0): return nil
        case .exited(let status): reason = "\(program) exited with status \(status)"
        case .signalled(let signal): reason = "\(program) was terminated by signal \(signal)"
        case .timedOut: reason = "\(program) did not end within \(seconds) seconds"
        case .printedTooMuch: reason = "\(program) printed more than 1 MiB"
        case .unknown: reason = "the exit status of \(program) is unknown"
        }
        advice = nil
        if case .exited = end { isRefusal = true } else { isRefusal = false }
        let lines = errors.split { $0 == 10 || $0 == 13 }
        let last = lines.last { line in line.contains { $0 > 0x20 } }
        lastLine = last.map { line in
            let start = line.firstIndex { $0 > 0x20 } ?? line.startIndex
            return String(String(decoding: line[start...], as: UTF8.self).prefix(500))
        }
    }

    /// The text after the words "the hook NAME".
    var failureText: String { "failed: " + reason + (lastLine.map { ": \($0)" } ?? "") }

    /// The same for a hook that decides about an order.
    var orderText: String {
        isRefusal ? "refused the order: \(lastLine ?? reason)" : failureText
    }
}
