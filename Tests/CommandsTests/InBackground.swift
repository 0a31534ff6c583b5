import Foundation
import TokencertTestSupport

/// A running tokencert process for tests that send it a signal.
final class InBackground {
    private let process = Process()
    private let output = Pipe()
    private let errors = Pipe()

    /// The result of the process.
    struct End: CustomStringConvertible {
        /// The signal that ended the process, or nil.
        let signal: Int32?
        let status: Int32
        /// The time from the signal to the end of the process.
        let seconds: Double
        let output: String
        let errors: String

        var description: String {
            "signal \(signal ?? 0), status \(status), \(seconds) s\n\(output)\n\(errors)"
        }
    }

    /// Starts a bash script that replaces itself with the program by `exec "$@"`, for example with
    /// redirections.
    init(
        _ bench: Bench, _ arguments: [String], script: String = #"exec "$@""#,
        _ variables: [String: String] = [:]
    ) throws {
        process.executableURL = URL(filePath: "/usr/bin/env")
        // The test runner may block or ignore signals, which its children inherit.
        process.arguments =
            ["--default-signal=INT,TERM,HUP", "bash", "-c", script, "bash", product("tokencert")]
            + arguments
        var all = [
            "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "", "HOME": "/nonexistent",
        ]
        all.merge(bench.environment) { $1 }
        all.merge(variables) { $1 }
        process.environment = all.filter { !$0.value.isEmpty }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = errors
        try process.run()
    }

    deinit {
        if process.isRunning { end(process) }
    }

    /// The process identifier of tokencert if the script starts it as a child of `unshare`.
    func child() throws -> Int32 {
        let number = process.processIdentifier
        for _ in 0..<100 {
            let children = try String(
                contentsOfFile: "/proc/\(number)/task/\(number)/children", encoding: .utf8)
            if let child = children.split(separator: " ").first.flatMap({ Int32($0) }) {
                return child
            }
            usleep(50_000)
        }
        return number
    }

    /// Sends a signal and waits until the program has ended; kills it after ten seconds.
    func send(_ signal: Int32, to identifier: Int32? = nil) -> End {
        let start = Date()
        kill(identifier ?? process.processIdentifier, signal)
        while process.isRunning, Date().timeIntervalSince(start) < 10 { usleep(20_000) }
        let seconds = Date().timeIntervalSince(start)
        if process.isRunning {
            if let identifier { kill(identifier, SIGKILL) }
            end(process)
        }
        let isSignal = process.terminationReason == .uncaughtSignal
        func text(_ pipe: Pipe) -> String {
            String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        }
        return End(
            signal: isSignal ? process.terminationStatus : nil, status: process.terminationStatus,
            seconds: seconds, output: text(output), errors: text(errors))
    }
}

/// Waits until a condition is true, for at most 15 seconds.
func waitUntil(_ condition: () -> Bool) {
    for _ in 0..<300 where !condition() { usleep(50_000) }
}
