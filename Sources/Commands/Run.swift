internal import ArgumentParser
internal import Cryptoki
internal import Logging
internal import OpenSSLX509
internal import Synchronization
internal import TokencertPlatform

/// Runs the program with the arguments of this process, and returns its ``ExitStatus``. All modules are
/// finalised when it returns.
package func runTokencert() -> Int32 {
    expectReturn(orEndWith: ExitStatus.tokenFailed.rawValue) {
        printError("error: a module, or a library that it uses, ended the program")
        printError("hint: to see what was done: tokencert history, tokencert list")
    }
    defer { endExpectation() }
    var status = runCommand()
    // Without this, the process could exit while another thread reports an interruption.
    Interruption.stopIfPending()
    do {
        try StandardOutput.shared.flush()
    } catch {
        // Findings that were not written are not reported.
        let isUnreported = [ExitStatus.done, .findings].contains { $0.rawValue == status }
        if isUnreported { status = report(error) }
    }
    // Hooks run after the output, and when the token is no longer in use.
    tellJSONPrinted()
    Hooks.finish()
    Interruption.stopIfPending()
    return status
}

private func runCommand() -> Int32 {
    // Scripts call this often, and argument-parser takes long to start.
    if CommandLine.arguments.dropFirst().elementsEqual(["--version"]) {
        print(Tokencert.version)
        return ExitStatus.done.rawValue
    }
    let arguments = Array(CommandLine.arguments.dropFirst())
    if readModule(arguments) { return ExitStatus.done.rawValue }
    offerValues()
    do {
        try requireText(arguments)
        if try printHelpTopic(arguments) { return ExitStatus.done.rawValue }
        var command = try Tokencert.parseAsRoot(resolvingHome(inArguments: arguments))
        (command as? any OrderCommand)?.ledgerOptions.use()
        Hooks.begin(
            type(of: command).configuration.commandName ?? "",
            reportsFailures: (command as? any OrderCommand).map { !$0.dryRun } ?? false)
        try command.run()
        return ExitStatus.done.rawValue
    } catch {
        return report(error)
    }
}

/// Refuses arguments that are not in UTF-8: they would be read as other labels and other files.
private func requireText(_ arguments: [String]) throws {
    // A completion prints only its proposals. It passes on the words of the command line.
    guard arguments.first?.hasPrefix("---") != true, let position = positionOfArgumentNotInUTF8()
    else { return }
    // Not the argument itself: it may be a URI with a PIN.
    throw Failure(
        .usage, code: "argumentInvalid", "argument \(position) is not valid UTF-8",
        hints: [
            "type it in a terminal whose locale uses UTF-8; to see the locale: locale",
            "to use a file with such a name, give it another name first",
        ])
}

private func report(_ error: any Error) -> Int32 {
    if error is Findings { return ExitStatus.findings.rawValue }
    if let failure = error as? Failure { return fail(failure) }
    if Tokencert.exitCode(for: error) == .success {
        // argument-parser throws help and version as errors, and calls a group "LOOK SUBCOMMANDS".
        print(Tokencert.fullMessage(for: error).replacing(" SUBCOMMANDS:\n", with: ":\n"))
        return ExitStatus.done.rawValue
    }
    return fail(
        Failure(
            error, commands: Tokencert.subcommandNames,
            path: Tokencert.commandPath(CommandLine.arguments.dropFirst())))
}

private func fail(_ failure: Failure) -> Int32 {
    let failure = failure.namingOrigin(inArguments: CommandLine.arguments)
    write(failure)
    Hooks.failed(failure)
    return failure.status.rawValue
}

/// A command that works on an order or a request, and whose failure the hook on-failure gets.
private protocol OrderCommand {
    var ledgerOptions: LedgerOptions { get }
    var dryRun: Bool { get }
}

extension IssueCommand: OrderCommand {}
extension RenewCommand: OrderCommand {}
extension RequestCommand: OrderCommand {}
extension ImportCommand: OrderCommand {
    fileprivate var dryRun: Bool { false }
}
extension ResumeCommand: OrderCommand {
    fileprivate var dryRun: Bool { false }
}

private func write(_ failure: Failure) {
    // After an interruption, only output that would otherwise be lost is printed.
    if failure.attachment.isEmpty { Interruption.stopIfPending() }
    Progress.shared.abandon()
    for line in lines(failure) { printError(line) }
    guard isJSONWanted, !failure.isInJSON else { return }
    // There is no way to report that printing failed.
    try? printJSON(["error": FailureReport(failure)])
}

/// Prints the hints and the attachment of a failure, without its message.
func printDetails(of failure: Failure) {
    for line in details(failure) { printError(line) }
}

/// The lines that report a failure: message, hints and attachment.
private func lines(_ failure: Failure) -> [String] {
    lines("error:", failure.message) { $0.bad($1) } + details(failure)
}

private func details(_ failure: Failure) -> [String] {
    failure.hints.flatMap { hint in lines("hint:", hint) { $0.faint($1) } }
        + failure.attachment.map { printable($0) }
}

/// A message after its styled first word. Only a terminal breaks it: in a file, it is one line.
private func lines(
    _ head: String, _ message: String, styled: (Style, String) -> String
) -> [String] {
    let style = Style(.standardError, choice: settings.withLock { $0.color })
    let width = Output.standardError.isTerminal ? Output.standardError.width : nil
    let parts = foldedMessage(printable(message), at: head.count + 1, width: width)
    return [styled(style, head) + " " + parts[0]] + parts.dropFirst()
}

/// The output options, for errors that are reported after the command has ended.
private struct Settings {
    var color = ColorChoice.auto
    var isJSON: Bool?
    /// Whether the JSON of the command was printed, or is about to be.
    var isJSONPrinted = false
}

private let settings = Mutex(Settings())

/// Whether errors are also printed as JSON. If the command line is invalid, `--json` in it decides.
private var isJSONWanted: Bool {
    settings.withLock { $0.isJSON }
        ?? CommandLine.arguments.contains("--json")
}

/// Notes that the JSON of the command was printed, or is about to be. Standard output has one JSON value,
/// so an interruption that follows, such as one of a hook, is reported on standard error only.
func tellJSONPrinted() { settings.withLock { $0.isJSONPrinted = true } }

/// Whether a command has begun that prints no JSON.
var isTextWanted: Bool { settings.withLock { $0.isJSON == false } }

/// Prepares the process; every command calls this first.
func prepareProcess(_ output: CommonOptions) throws {
    try requireFolders()
    try EnvironmentSettings.load(isOption: isOption)
    try ConfigurationFile.load(file: output.config, profile: output.profile)
    let color = try output.colorChoice()
    settings.withLock { $0 = Settings(color: color, isJSON: output.isJSON) }
    Progress.shared.setStyle(
        output.isQuiet ? .quiet : Output.standardError.isCapableTerminal ? .live : .lines)
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

/// Whether any command has an option with this name.
private func isOption(_ word: String) -> Bool {
    // argument-parser's JSON description of all commands.
    Tokencert._dumpHelp().filter { !$0.isWhitespace }.contains(#""name":"\#(word)""#)
}

/// Reports an interruption: the state of the job, and the command to run next. Other threads may be
/// blocked in a write, so this takes no lock that is held during a write, and does not block.
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
    let isErrorInJSON = isJSONWanted && !settings.withLock { $0.isJSONPrinted }
    let json = isErrorInJSON ? try? jsonOutput(["error": FailureReport(failure)]) : nil
    StandardOutput.shared.writeIfPossible(json.map { $0 + "\n" } ?? "")
}
