internal import TokencertPlatform

/// Runs the programs of a consumer to try it.
enum Trial {
    /// Runs a program, which must succeed, and returns what it prints. It has no terminal to ask
    /// at. A PIN for its standard input has the line end that it requires; `words` and `variables`
    /// are not secret.
    @discardableResult
    static func run(
        _ words: [String], pin: borrowing Secret = Secret(), variables: [String: String] = [:],
        _ doing: String
    ) throws -> [UInt8] {
        let result = try result(words, pin: pin, variables: variables, doing)
        guard result.end == .exited(0) else { throw failure(doing, words, result) }
        return result.output
    }

    /// The same for a program whose end the caller interprets.
    static func result(
        _ words: [String], pin: borrowing Secret = Secret(), variables: [String: String] = [:],
        _ doing: String
    ) throws -> ProgramResult {
        do throws(ProgramStartError) {
            return try runProgram(
                words, secret: pin, environment: environment(variables),
                limits: ProgramLimits(seconds: 60, output: 1 << 22, keptErrors: 1 << 16))
        } catch {
            throw ConsumerError(
                .checkFailed, "cannot \(doing): \(error.reason)", advice: advice(words))
        }
    }

    /// The environment of the programs: the user's without the settings of tokencert, which may name
    /// the sources of PINs, and without options of Java, which can add a provider for another token.
    static func environment(_ variables: [String: String]) -> EnvironmentChanges {
        EnvironmentChanges(
            removingPrefix: "TOKENCERT_",
            removing: ["JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"],
            adding: variables.merging(["LC_ALL": "C"]) { own, _ in own })
    }

    /// The failure of a program that was tried.
    static func failure(
        _ doing: String, _ words: [String], _ result: ProgramResult
    ) -> ConsumerError {
        let name = words.first?.split(separator: "/").last.map(String.init) ?? ""
        let end =
            switch result.end {
            case .exited(let status): "\(name) exited with status \(status)"
            case .signalled(let signal): "\(name) was terminated by signal \(signal)"
            case .timedOut: "\(name) did not end in time"
            case .printedTooMuch: "\(name) printed too much"
            case .unknown: "the exit status of \(name) is unknown"
            }
        let lines = result.lastErrors.text.split(whereSeparator: \.isNewline).map(String.init)
            .filter { !$0.allSatisfy(\.isWhitespace) }
        let last = lines.last.map { ": " + $0.prefix(300) } ?? ""
        return ConsumerError(
            .checkFailed, "cannot \(doing): \(end)\(last)", advice: advice(words))
    }

    private static func advice(_ words: [String]) -> [String] {
        ["to see the set-up: tokencert use", "the command was: " + words.joined(separator: " ")]
    }
}

extension Secret {
    /// A copy with a line end, as programs read a PIN from their standard input; empty if there is none.
    borrowing func line() -> Secret {
        var line = duplicate()
        if !isEmpty { line.append(0x0A) }
        return line
    }
}

extension [UInt8] {
    /// What a program has printed, or the content of a file, as text.
    var text: String { String(decoding: self, as: UTF8.self) }
}

/// Writes a text to a file of a trial, which only this user can read.
func writeFile(_ text: String, _ path: String, permissions: UInt32 = 0o600) throws {
    try writeFileDurably(Array(text.utf8), path, permissions: permissions)
}
