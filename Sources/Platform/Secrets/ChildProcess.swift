#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// A program that supplies a secret. A pipe carries its standard output and, if `isTalkedTo`, its
/// standard input. No shell runs; it inherits no other descriptor except standard error.
struct ChildProcess: ~Copyable {
    /// The descriptor that its output is read from.
    let output: Int32
    /// The descriptor that its input is written to; -1 if it gets none.
    private(set) var input: Int32
    private let identifier: pid_t
    private let name: String
    /// The status from `waitpid`; nil while it runs.
    private var status: Int32?

    private init(owning identifier: pid_t, _ name: String, output: Int32, input: Int32) {
        self.identifier = identifier
        self.name = name
        self.output = output
        self.input = input
    }

    /// Starts a program found through `PATH`. None of the words is secret. If `isTalkedTo`, it gets
    /// a pipe as its input.
    static func start(_ words: [String], isTalkedTo: Bool) throws(SecretError) -> ChildProcess {
        let name = words.first ?? ""
        let outgoing = try openPipe()
        let incoming: (read: Int32, write: Int32)?
        do throws(SecretError) {
            incoming = isTalkedTo ? try openPipe() : nil
        } catch {
            close(outgoing.read)
            close(outgoing.write)
            throw error
        }
        let (identifier, status) = startProgram(
            name, words, input: incoming?.read, output: outgoing.write)
        close(outgoing.write)
        if let incoming { close(incoming.read) }
        guard status == 0 else {
            close(outgoing.read)
            if let incoming { close(incoming.write) }
            throw SecretError(.unreadable, startFailure(name, status))
        }
        return ChildProcess(
            owning: identifier, name, output: outgoing.read, input: incoming?.write ?? -1)
    }

    deinit {
        close(output)
        if input >= 0 { close(input) }
        guard status == nil else { return }
        defer { Interruption.removeChild(identifier) }
        // Nothing reads its output any more. It gets one second after SIGTERM and one after SIGKILL;
        // a program of another user cannot be signalled and keeps running.
        var value: Int32 = 0
        for signal in [SIGTERM, SIGKILL] {
            signalProgram(identifier, signal)
            for _ in 0..<100 {
                guard unsafe waitpid(identifier, &value, WNOHANG) == 0 else { return }
                usleep(10_000)
            }
        }
    }

    /// Waits for output or the end of the output; throws at the deadline. Returns false if the
    /// program has ended and another program, which may never close it, still has its output open.
    mutating func hasOutput(before deadline: Deadline) throws(SecretError) -> Bool {
        while true {
            // Check this first, so that everything printed before the end is still read.
            let isOver = hasEnded()
            var waiting = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            let milliseconds = min(deadline.milliseconds, 100)
            if unsafe poll(&waiting, 1, isOver ? 0 : milliseconds) > 0 { return true }
            if isOver { return false }
            if milliseconds == 0 { throw deadline.failure(name) }
        }
    }

    private mutating func hasEnded() -> Bool {
        guard status == nil else { return true }
        var value: Int32 = 0
        let result = unsafe waitpid(identifier, &value, WNOHANG)
        // ECHILD: this process was started with SIGCHLD ignored, so the status is unknown.
        if result == identifier { status = value }
        if result < 0, errno == ECHILD { status = 0 }
        if status != nil { Interruption.removeChild(identifier) }
        return status != nil
    }

    /// Ends its input and waits until the program has ended. Throws if it failed, or if it did not
    /// end before the deadline and is killed.
    mutating func wait(before deadline: Deadline) throws(SecretError) {
        if input >= 0 { close(input) }
        input = -1
        while !hasEnded() {
            if deadline.milliseconds == 0 {
                throw SecretError(.timedOut, "\(name) did not exit")
            }
            usleep(2000)
        }
        guard let status, status != 0 else { return }
        let signal = status & 0x7F
        throw SecretError(
            .unreadable,
            signal == 0
                ? "\(name) exited with status \((status >> 8) & 0xFF)"
                : "\(name) was killed by signal \(signal)")
    }

    private static func openPipe() throws(SecretError) -> (read: Int32, write: Int32) {
        guard let pipe = makePipe() else {
            throw SecretError(.unreadable, "cannot create a pipe: \(systemMessage())")
        }
        return pipe
    }
}
