internal import Synchronization
internal import SystemPackage
internal import TokencertPlatform

/// Buffered standard output; errors are reported at ``flush(showing:)``.
final class StandardOutput: Sendable {
    static let shared = StandardOutput()

    private struct State {
        var bytes: [UInt8] = []
        var failure: Errno?
    }

    private let state = Mutex(State())
    private static let most = 1 << 16

    /// Writes bytes, immediately if standard output is a terminal.
    func write(_ bytes: some Sequence<UInt8>) {
        state.withLock { state in
            state.bytes += bytes
            if state.bytes.count >= Self.most || Output.standardOutput.isTerminal {
                Self.flush(&state)
            }
        }
    }

    /// Writes the buffered output, and throws if any output was lost, with `text` as attachment. A
    /// reader that closes the pipe early, such as `head`, is no error.
    func flush(showing text: String = "") throws {
        let failure = state.withLock { state in
            Self.flush(&state)
            defer { state.failure = nil }
            return state.failure
        }
        guard let failure, failure != .brokenPipe else { return }
        throw Failure(
            .configuration, code: "outputNotWritten",
            "standard output cannot be written: \(failure)",
            hints: [
                "to see what was done: tokencert history, tokencert list"
            ], attachment: text.split(separator: "\n").map(String.init))
    }

    /// Writes the buffered output and a text before the process ends, unless another thread is
    /// writing or the reader is blocked.
    func writeIfPossible(_ text: String) {
        state.withLockIfAvailable { state in
            guard state.failure == nil else { return }
            state.bytes += text.utf8
            writeWithoutBlocking(
                state.bytes, to: Output.standardOutput.descriptor, withinMilliseconds: 400)
            state.bytes = []
        }
    }

    private static func flush(_ state: inout State) {
        let bytes = state.bytes
        state.bytes = []
        guard state.failure == nil, !bytes.isEmpty else { return }
        do {
            try FileDescriptor(rawValue: Output.standardOutput.descriptor).writeAll(bytes)
        } catch {
            state.failure = error as? Errno ?? .ioError
        }
    }
}
