/// Checks that the programs of the hooks can be run. None of them is run.
///
/// If the configuration file cannot be read, no hook is known, and `doctor` has already reported that.
struct HookChecks {
    func look(_ doctorReport: inout DoctorReport) {
        let configuration = ConfigurationFile.current
        for hook in Hook.allCases {
            // A hook that a profile turns off has no words.
            guard let program = configuration.hooks[hook]?.words.first else { continue }
            let area = "hooks"
            guard let problem = HookProgramProblem(program) else {
                doctorReport.ok(
                    area, "the program of the hook \(hook.rawValue) is found: \(program)")
                continue
            }
            let message = "the program of the hook \(hook.rawValue) \(problem.text): \(program)"
            let advice = [
                problem.advice,
                "or change \(hook.place) in \(configuration.path)",
                "to see all hooks: tokencert config",
            ]
            // The other hooks fail with a warning only; this one stops every order.
            if hook == .beforeOrder {
                doctorReport.fail(area, message, advice)
            } else {
                doctorReport.warn(area, message, advice)
            }
        }
    }
}
