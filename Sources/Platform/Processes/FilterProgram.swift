#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// What a program may use before it is terminated.
package struct ProgramLimits: Sendable, Hashable {
    /// The time until it must have ended, in seconds.
    package let seconds: Int
    /// The most bytes on its standard output.
    package let output: Int
    /// The bytes that are kept of the beginning and of the end of its standard error; the others are
    /// read and dropped.
    package let keptErrors: Int

    /// Creates limits.
    package init(seconds: Int, output: Int, keptErrors: Int) {
        self.seconds = seconds
        self.output = output
        self.keptErrors = keptErrors
    }
}

/// How a program ended.
package enum ProgramEnd: Sendable, Hashable {
    case exited(Int32)
    case signalled(Int32)
    /// It was terminated after the time limit.
    case timedOut
    /// It was terminated because it printed more than the limit.
    case printedTooMuch
    /// This process ignores `SIGCHLD`, so the system does not report how it ended.
    case unknown
}

/// What a program printed, and how it ended.
package struct ProgramResult: Sendable, Hashable {
    package let end: ProgramEnd
    package let output: [UInt8]
    /// The beginning of its standard error.
    package let errors: [UInt8]
    /// The end of its standard error: the same bytes if they were within the limit.
    package let lastErrors: [UInt8]
}

/// Why a program was not started.
package struct ProgramStartError: Error, Sendable, Hashable {
    /// The text for the user.
    package let reason: String
}

/// Runs a program, found through `PATH`, that reads its standard input and prints a result. No
/// shell runs; it inherits no descriptors, and it runs in a process group of its own, which ends
/// with it. None of the words is secret. The input must fit into a pipe: 64 KiB on Linux.
package func runProgram(
    _ words: [String], input: [UInt8], environment: EnvironmentChanges, limits: ProgramLimits
) throws(ProgramStartError) -> ProgramResult {
    var program = try FilterProgram.start(words, input, environment)
    return program.collect(limits)
}

/// A program that ``runProgram(_:input:environment:limits:)`` runs.
struct FilterProgram: ~Copyable {
    private let identifier: pid_t
    /// The descriptors of its standard output and standard error; -1 after their end.
    private var pipes: [Int32]
    /// How it ended; nil while it runs.
    private var end: ProgramEnd?

    private init(owning identifier: pid_t, _ pipes: [Int32]) {
        self.identifier = identifier
        self.pipes = pipes
    }

    static func start(
        _ words: [String], _ input: [UInt8], _ environment: EnvironmentChanges
    ) throws(ProgramStartError) -> FilterProgram {
        guard let incoming = makePipe() else { throw noPipe() }
        defer { close(incoming.read) }
        // Written before there is a reader that could close the pipe, so there is no SIGPIPE.
        let isWritten = writeWithoutBlocking(input, to: incoming.write, withinMilliseconds: 1000)
        close(incoming.write)
        guard isWritten else { throw tooLong(words) }
        return try start(words, environment, input: incoming.read, hasTerminal: true)
    }

    static func tooLong(_ words: [String]) -> ProgramStartError {
        ProgramStartError(reason: "the input of \(words.first ?? "") is too long")
    }

    /// Starts a program with a descriptor as its standard input, which the caller closes.
    static func start(
        _ words: [String], _ environment: EnvironmentChanges, input: Int32, hasTerminal: Bool
    ) throws(ProgramStartError) -> FilterProgram {
        let name = words.first ?? ""
        guard let output = makePipe() else { throw noPipe() }
        guard let errors = makePipe() else {
            let error = noPipe()
            close(output.read)
            close(output.write)
            throw error
        }
        let (identifier, status) = startProgram(
            name, words, input: input, output: output.write,
            errors: ErrorOutput(errors.write, hasTerminal: hasTerminal), environment: environment)
        close(output.write)
        close(errors.write)
        guard status == 0 else {
            close(output.read)
            close(errors.read)
            throw ProgramStartError(reason: startFailure(name, status))
        }
        return FilterProgram(owning: identifier, [output.read, errors.read])
    }

    deinit {
        for pipe in pipes where pipe >= 0 { close(pipe) }
        Interruption.removeChild(identifier)
    }

    /// Reads what it prints until it has ended or exceeds a limit. A descendant that keeps the pipes
    /// open is not waited for.
    mutating func collect(_ limits: ProgramLimits) -> ProgramResult {
        let deadline = ContinuousClock.now + .seconds(limits.seconds)
        var printed: [[UInt8]] = [[], []]
        var lastErrors: [UInt8] = []
        var reached: ProgramEnd?
        while reached == nil {
            // Check this first, so that everything printed before the end is still read.
            let ended = endIfKnown()
            let left = (deadline - .now) / .milliseconds(1)
            let known = printed[1].count
            let isRead = readOnce(
                withinMilliseconds: ended == nil ? Int32(min(max(left, 0), 100).rounded(.up)) : 0,
                &printed)
            lastErrors += printed[1].dropFirst(known)
            // Not at each read, since this moves all bytes that are kept.
            if lastErrors.count > 2 * limits.keptErrors + 4096 {
                lastErrors.removeFirst(lastErrors.count - limits.keptErrors)
            }
            if printed[1].count > limits.keptErrors {
                printed[1].removeLast(printed[1].count - limits.keptErrors)
            }
            if printed[0].count > limits.output {
                printed[0].removeLast(printed[0].count - limits.output)
                reached = .printedTooMuch
            } else if let ended, !isRead || left <= 0 {
                reached = ended
            } else if left <= 0 {
                reached = .timedOut
            }
        }
        stopGroup()
        return ProgramResult(
            end: reached ?? .unknown, output: printed[0], errors: printed[1],
            lastErrors: Array(lastErrors.suffix(limits.keptErrors)))
    }

    /// Reads once from each pipe that has something to read. Returns false if none had.
    private mutating func readOnce(
        withinMilliseconds milliseconds: Int32, _ printed: inout [[UInt8]]
    ) -> Bool {
        var waiting = pipes.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        guard unsafe poll(&waiting, nfds_t(waiting.count), milliseconds) > 0 else { return false }
        for index in pipes.indices where waiting[index].revents != 0 {
            var bytes = [UInt8](repeating: 0, count: 4096)
            let count = unsafe read(pipes[index], &bytes, bytes.count)
            if count > 0 {
                printed[index] += bytes.prefix(count)
            } else if count == 0 || errno != EINTR {
                close(pipes[index])
                pipes[index] = -1
            }
        }
        return true
    }

    private mutating func endIfKnown() -> ProgramEnd? {
        guard end == nil else { return end }
        var status: Int32 = 0
        let result = unsafe waitpid(identifier, &status, WNOHANG)
        if result == identifier {
            let signal = status & 0x7F
            end = signal == 0 ? .exited((status >> 8) & 0xFF) : .signalled(signal)
        } else if result < 0, errno == ECHILD {
            end = .unknown
        }
        return end
    }

    /// Ends its process group with SIGKILL; if the program itself still runs, one second after
    /// SIGTERM.
    private mutating func stopGroup() {
        if endIfKnown() == nil {
            kill(-identifier, SIGTERM)
            for _ in 0..<100 where endIfKnown() == nil { usleep(10_000) }
        }
        // Other processes of the group may still run, even if the program has ended. If none does,
        // this fails and nothing is lost.
        kill(-identifier, SIGKILL)
        for _ in 0..<100 where endIfKnown() == nil { usleep(10_000) }
    }

    static func noPipe() -> ProgramStartError {
        ProgramStartError(
            reason: "cannot create a pipe: \(unsafe String(cString: strerror(errno)))")
    }
}
