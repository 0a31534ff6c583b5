internal import TokencertPlatform

/// What is wrong with the program of a hook before it runs.
struct HookProgramProblem: Equatable {
    /// The text after the program: "is not executable".
    let text: String
    /// An instruction for the user, with the command to type.
    let advice: String

    /// Checks the program of a hook; nil if it can be run.
    init?(_ program: String) {
        if let problem = ProgramProblem(of: program) {
            text = problem.text
            advice = problem.advice
            return
        }
        // The configuration file, which names it, is refused for the same reason.
        guard let file = programFile(program), (try? isWritableByOthers(file)) == true else {
            return nil
        }
        text = "can be changed by other users"
        advice = adviceOnWriters(of: file)
    }
}

extension ProgramProblem {
    var advice: String {
        switch self {
        case .notFound: "install it"
        case .notRegular(let path): "name a program instead of \(path)"
        case .notExecutable(let path): "chmod +x \(quoted(path))"
        case .noInterpreter(let path):
            "make #!/bin/sh, or #! with another interpreter, the first line of \(path)"
        case .interpreterNotFound(let path, let interpreter):
            "install \(interpreter), or correct the first line of \(path)"
        }
    }
}
