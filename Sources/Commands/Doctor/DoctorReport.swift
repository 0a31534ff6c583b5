struct DoctorReport: Encodable {
    enum Status: String, Encodable {
        case ok
        /// It works, but may not be intended.
        case warn
        /// It keeps tokencert from working.
        case fail
    }

    struct Check: Encodable {
        let area: String
        let status: Status
        let message: String
        /// Instructions, in the order in which to try them.
        let advice: [String]
    }

    private(set) var checks: [Check] = []

    var hasFailed: Bool { checks.contains { $0.status == .fail } }

    mutating func ok(_ area: String, _ message: String) {
        checks.append(Check(area: area, status: .ok, message: message, advice: []))
    }

    mutating func warn(_ area: String, _ message: String, _ advice: [String]) {
        checks.append(Check(area: area, status: .warn, message: message, advice: advice))
    }

    mutating func fail(_ area: String, _ message: String, _ advice: [String]) {
        checks.append(Check(area: area, status: .fail, message: message, advice: advice))
    }

    mutating func fail(_ area: String, _ error: any Error) {
        let failure = Failure(error)
        fail(area, failure.message, failure.hints)
    }

    mutating func add(_ other: DoctorReport) { checks += other.checks }

    /// The result of the body, or nil after its failure was added.
    mutating func result<Value>(_ area: String, _ body: () throws -> Value) -> Value? {
        do {
            return try body()
        } catch {
            fail(area, error)
            return nil
        }
    }

    func printLines(_ style: Style) {
        for check in checks {
            let head =
                switch check.status {
                case .ok: style.good("ok  ")
                case .warn: style.warning("warn")
                case .fail: style.bad("fail")
                }
            let plain = "      " + padded(check.area, 15) + printable(check.message)
            let lines = folded(plain, at: 21, width: Output.standardOutput.width)
            print(head + String(lines[0].dropFirst(4)))
            for line in lines.dropFirst() { print(line) }
            for line in check.advice {
                printMessage(
                    line, after: String(repeating: " ", count: 21) + style.symbols.arrow + " ")
            }
        }
    }
}

extension DoctorReport {
    /// Checks that the programs of the hooks can be run. None of them is run.
    ///
    /// If the configuration file cannot be read, no hook is known, and that is already reported.
    mutating func lookAtHooks() {
        let configuration = ConfigurationFile.current
        for hook in Hook.allCases {
            // A hook that a profile turns off has no words.
            guard let program = configuration.hooks[hook]?.words.first else { continue }
            guard let problem = HookProgramProblem(program) else {
                ok("hooks", "the program of the hook \(hook.rawValue) is found: \(program)")
                continue
            }
            // The other hooks fail with a warning only; this one stops every order.
            let status = hook == .beforeOrder ? Status.fail : .warn
            checks.append(
                Check(
                    area: "hooks", status: status,
                    message: "the program of the hook \(hook.rawValue) \(problem.text): \(program)",
                    advice: [
                        problem.advice,
                        "or change \(hook.place) in \(configuration.path)",
                        "to see all hooks: tokencert config",
                    ]))
        }
    }
}
