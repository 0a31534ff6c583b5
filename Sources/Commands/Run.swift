internal import ArgumentParser
internal import Cryptoki
internal import Logging
internal import OpenSSLX509
internal import Synchronization
internal import TokencertPlatform

/// Runs the program with the arguments of this process.
///
/// Modules are finalised when this returns, so the process may exit.
///
/// - Returns: The status to exit with: see ``ExitStatus``.
package func runTokencert() -> Int32 {
    let status = runCommand()
    // Otherwise the process would end with this status while its interruption is being reported.
    Interruption.stopIfPending()
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
    offerValues()
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
    let commands = Tokencert.configuration.subcommands.compactMap {
        $0.configuration.commandName
    }
    let failure = Failure(error, commands: commands)
    write(failure)
    return failure.status.rawValue
}

private func write(_ failure: Failure) {
    // After an interruption, only output that would otherwise be lost is shown.
    if failure.attachment.isEmpty { Interruption.stopIfPending() }
    Progress.shared.abandon()
    for line in lines(failure) { printError(line) }
    guard isJSONWanted, !failure.isInJSON else { return }
    // A failure to print has nobody left to be told to.
    try? printJSON(["error": FailureReport(failure)])
}

/// Prints what follows the line that says what is wrong.
func printDetails(of failure: Failure) {
    for line in lines(failure).dropFirst() { printError(line) }
}

/// The line with the error, and the lines that follow it.
private func lines(_ failure: Failure) -> [String] {
    let style = Style(.standardError, choice: settings.withLock { $0.color })
    return [style.bad("error:") + " " + printable(failure.message)]
        + failure.hints.map { style.faint("hint:") + " " + printable($0) }
        + failure.attachment.map { printable($0) }
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
    try EnvironmentSettings.load(isOption: isOption)
    try ConfigurationFile.load(file: output.config, profile: output.profile)
    let color = try output.colorChoice()
    settings.withLock { $0 = Settings(color: color, isJSON: output.isJSON) }
    Progress.shared.setStyle(
        output.isQuiet ? .quiet : Output.standardError.isTerminal ? .live : .lines)
    Interruption.installHandler { tellInterruption($0) }
    protectProcessMemory()
    SecretReader.shared.takeVariables(namedSources(inArguments: CommandLine.arguments))
    OpenSSL.startWithoutConfiguration()
    ModuleNotices.setShown(output.isVerbose)
    let level: Logger.Level = output.isVerbose ? .debug : .error
    LoggingSystem.bootstrap { label in
        var handler = StreamLogHandler.standardError(label: label)
        handler.logLevel = level
        return handler
    }
}

/// Whether any command has an option of a name.
private func isOption(_ word: String) -> Bool {
    // The names of all options of all commands, from argument-parser.
    Tokencert._dumpHelp().filter { !$0.isWhitespace }.contains(#""name":"\#(word)""#)
}

/// Reports an interruption: the state of the job, and the command to run next.
///
/// It runs on its own thread while others may be blocked in a write, so it takes no lock that is
/// held during a write, and writes only what can be written without blocking.
private func tellInterruption(_ signal: Int32) {
    let (interruptionState, doing) = Progress.shared.interruptionState
    let place = doing.map { " while \($0)" } ?? ""
    let failure = Failure(
        ExitStatus(rawValue: 128 + signal) ?? .interrupted, code: "interrupted",
        "interrupted\(place): \(interruptionState.state)", hints: interruptionState.hints)
    let clearing = Progress.shared.isLive ? "\r\u{1B}[K" : ""
    writeWithoutBlocking(
        (clearing + lines(failure).joined(separator: "\n") + "\n").utf8,
        to: HeldStandardError.descriptor, withinMilliseconds: 400)
    let json = isJSONWanted ? try? jsonText(["error": FailureReport(failure)]) : nil
    StandardOutput.shared.writeIfPossible(json.map { $0 + "\n" } ?? "")
}
