internal import ArgumentParser
internal import Cryptoki
internal import Logging
internal import OpenSSLX509
internal import Secrets
internal import Synchronization

/// Runs the program with the arguments of this process.
///
/// Modules are finalised when this returns, so the process may exit.
///
/// - Returns: The status to exit with: see ``ExitStatus``.
public func runTokencert() -> Int32 {
    do {
        var command = try Tokencert.parseAsRoot()
        try command.run()
        return ExitStatus.done.rawValue
    } catch {
        return report(error)
    }
}

private func report(_ error: any Error) -> Int32 {
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
    let style = Style(.standardError, choice: colorChoice.withLock { $0 })
    printError(style.bad("error:") + " " + printable(failure.message))
    printDetails(of: failure)
}

/// Prints what follows the line that says what is wrong.
func printDetails(of failure: Failure) {
    let style = Style(.standardError, choice: colorChoice.withLock { $0 })
    for hint in failure.hints {
        printError(style.faint("hint:") + " " + printable(hint))
    }
    for line in failure.attachment { printError(printable(line)) }
}

/// What was said about colour, for errors that come when the options are out of sight.
private let colorChoice = Mutex<ColorChoice>(.auto)

/// What every command does before anything else.
func prepareProcess(_ output: OutputOptions) throws {
    let color = try output.colorChoice()
    colorChoice.withLock { $0 = color }
    protectProcessMemory()
    OpenSSL.startWithoutConfiguration()
    let level: Logger.Level = output.isVerbose ? .debug : .error
    LoggingSystem.bootstrap { label in
        var handler = StreamLogHandler.standardError(label: label)
        handler.logLevel = level
        return handler
    }
}
