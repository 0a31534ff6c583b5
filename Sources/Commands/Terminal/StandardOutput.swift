internal import Synchronization
internal import SystemPackage
internal import TokencertPlatform

/// Standard output: gathered, since there may be ten thousand lines, and never lost in silence.
final class StandardOutput: Sendable {
    /// That of the process.
    static let shared = StandardOutput()

    private struct State {
        var bytes: [UInt8] = []
        var failure: Errno?
    }

    private let state = Mutex(State())
    private static let most = 1 << 16

    /// Writes bytes; on a terminal they are seen at once.
    func write(_ bytes: some Sequence<UInt8>) {
        state.withLock { state in
            state.bytes += bytes
            if state.bytes.count >= Self.most || Output.standardOutput.isTerminal {
                Self.flush(&state)
            }
        }
    }

    /// Insists that all that was written has gone out.
    ///
    /// - Parameter text: What would be lost where it has not, or nothing.
    /// - Throws: ``Failure``. A reader that goes away, as `head` does, is none.
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
                "what was done is done: tokencert history and tokencert list show it"
            ], attachment: text.split(separator: "\n").map(String.init))
    }

    /// Writes the buffered output and a text at the end of the process, unless another thread is
    /// writing or the reader is blocked.
    func writeIfPossible(_ text: String) {
        state.withLockIfAvailable { state in
            guard state.failure == nil else { return }
            state.bytes += text.utf8
            writeWithoutBlocking(
                state.bytes, to: Output.standardOutput.rawValue, withinMilliseconds: 400)
            state.bytes = []
        }
    }

    private static func flush(_ state: inout State) {
        let bytes = state.bytes
        state.bytes = []
        guard state.failure == nil, !bytes.isEmpty else { return }
        do {
            try FileDescriptor.standardOutput.writeAll(bytes)
        } catch {
            state.failure = error as? Errno ?? .ioError
        }
    }
}
