#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// A program that runs beside this one, such as a server on the loopback interface. It has no terminal,
/// and it ends with its owner.
package struct BackgroundProgram: ~Copyable {
    private let identifier: pid_t
    /// The descriptor from which its standard output and standard error are read.
    private let output: Int32
    private var text: [UInt8] = []

    /// Starts a program found through `PATH`. No shell runs; it inherits no descriptors. None of
    /// the words is secret.
    package init(
        _ words: [String], environment: EnvironmentChanges
    ) throws(ProgramStartError) {
        let name = words.first ?? ""
        guard let pipe = makePipe() else {
            throw ProgramStartError(reason: "cannot create a pipe for \(name)")
        }
        let (identifier, status) = startProgram(
            name, words, input: nil, output: pipe.write,
            errors: ErrorOutput(pipe.write, hasTerminal: false), environment: environment)
        close(pipe.write)
        guard status == 0 else {
            close(pipe.read)
            throw ProgramStartError(reason: startFailure(name, status))
        }
        self.identifier = identifier
        output = pipe.read
    }

    deinit {
        var status: Int32 = 0
        for signal in [SIGTERM, SIGKILL] {
            kill(-identifier, signal)
            for _ in 0..<100 {
                if unsafe waitpid(identifier, &status, WNOHANG) != 0 { break }
                usleep(10_000)
            }
        }
        close(output)
        Interruption.removeChild(identifier)
    }

    /// What it has printed so far, at most 64 KiB.
    package var printed: String { String(decoding: text, as: UTF8.self) }

    /// Waits for a line that it prints and returns the rest of the line; nil if it has closed its
    /// output or the time has passed.
    package mutating func line(
        beginningWith prefix: String, withinSeconds seconds: Int
    ) -> String? {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while true {
            let lines = printed.split(separator: "\n", omittingEmptySubsequences: false)
            // The last one may not be complete.
            if let found = lines.dropLast().first(where: { $0.hasPrefix(prefix) }) {
                return String(found.dropFirst(prefix.count))
            }
            let left = (deadline - .now) / .milliseconds(1)
            var waiting = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            guard left > 0, text.count < 1 << 16,
                unsafe poll(&waiting, 1, Int32(left.rounded(.up))) > 0
            else { return nil }
            var bytes = [UInt8](repeating: 0, count: 4096)
            let count = unsafe read(output, &bytes, bytes.count)
            if count > 0 {
                text += bytes.prefix(count)
            } else if count == 0 || errno != EINTR {
                return nil
            }
        }
    }
}
