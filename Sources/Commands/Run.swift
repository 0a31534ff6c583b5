internal import ArgumentParser
internal import Cryptoki
internal import Logging
internal import OpenSSLX509
internal import Secrets
internal import Synchronization
internal import Terminal

/// Runs the program with the arguments of this process.
///
/// Modules are finalised when this returns, so the process may exit.
///
/// - Returns: The status to exit with: see ``ExitStatus``.
public func runTokencert() -> Int32 {
    let status = runCommand()
    do {
        try StandardOutput.shared.flush()
        return status
    } catch {
        return status == ExitStatus.done.rawValue ? report(error) : status
    }
}

private func runCommand() -> Int32 {
    // Scripts ask for this again and again; all that argument-parser prepares is for nothing then.
    if CommandLine.arguments.dropFirst().elementsEqual(["--version"]) {
        print(Tokencert.version)
        return ExitStatus.done.rawValue
    }
    do {
        var command = try Tokencert.parseAsRoot(
            resolvingHome(inArguments: Array(CommandLine.arguments.dropFirst())))
        try command.run()
        return ExitStatus.done.rawValue
    } catch {
        return report(error)
    }
}

private func report(_ error: any Error) -> Int32 {
    if error is Findings { return ExitStatus.findings.rawValue }
    if let failure = error as? Failure {
        write(failure)
        return failure.status.rawValue
    }
    if Tokencert.exitCode(for: error) == .success {
        // Help and version come as errors.
        print(Tokencert.fullMessage(for: error))
        return ExitStatus.done.rawValue
    }
    let failure = Failure(error)
    write(failure)
    return failure.status.rawValue
}

private func write(_ failure: Failure) {
    Progress.shared.abandon()
    let style = Style(.standardError, choice: settings.withLock { $0.color })
    printError(style.bad("error:") + " " + printable(failure.message))
    printDetails(of: failure)
    guard isJSONWanted, !failure.isInJSON else { return }
    // A failure to print has nobody left to be told to.
    try? printJSON(["error": FailureReport(failure)])
}

/// Prints what follows the line that says what is wrong.
func printDetails(of failure: Failure) {
    let style = Style(.standardError, choice: settings.withLock { $0.color })
    for hint in failure.hints {
        printError(style.faint("hint:") + " " + printable(hint))
    }
    for line in failure.attachment { printError(printable(line)) }
}

/// What was said about how to talk, for errors that come when the options are out of sight.
private struct Settings {
    var color = ColorChoice.auto
    var isJSON: Bool?
}

private let settings = Mutex(Settings())

/// Whether an error is told in JSON; where the command line could not be read, by what stands there.
private var isJSONWanted: Bool {
    settings.withLock { $0.isJSON }
        ?? CommandLine.arguments.contains("--json")
}

/// What every command does before anything else.
func prepareProcess(_ output: CommonOptions) throws {
    try requireFolders()
    try EnvironmentSettings.load()
    try ConfigurationFile.load(file: output.config, profile: output.profile)
    let color = try output.colorChoice()
    settings.withLock { $0 = Settings(color: color, isJSON: output.isJSON) }
    Progress.shared.setManner(
        output.isQuiet ? .quiet : Output.standardError.isTerminal ? .live : .lines)
    Interruption.installHandler { tellInterruption() }
    protectProcessMemory()
    OpenSSL.startWithoutConfiguration()
    let level: Logger.Level = output.isVerbose ? .debug : .error
    LoggingSystem.bootstrap { label in
        var handler = StreamLogHandler.standardError(label: label)
        handler.logLevel = level
        return handler
    }
}

/// Leaves a sentence where a person interrupts: what state things are in, and what to type next.
private func tellInterruption() {
    let (situation, doing) = Progress.shared.situation
    let place = doing.map { " while \($0)" } ?? ""
    write(
        Failure(
            .tokenFailed, code: "interrupted", "interrupted\(place): \(situation.state)",
            hints: situation.hints))
    StandardOutput.shared.flushIfIdle()
}
