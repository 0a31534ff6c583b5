internal import Synchronization

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Handles Ctrl-C and the signals that end the program.
///
/// The process ends by the signal, as its caller expects, or with 128 + its number if the kernel
/// ignores the signal (process 1 of a container). Before that, the handler may report the state of
/// the job. The process ends at most two seconds after the signal, even if other threads are
/// blocked.
package enum Interruption {
    /// Has a function called, on a thread of its own, when the process is told to end: by `SIGINT`,
    /// `SIGTERM` or `SIGHUP`. A signal that the process was started to ignore stays ignored.
    ///
    /// The C functions are `sigaction` and `pthread_create`.
    ///
    /// - Parameter handler: Runs before the process ends, with the signal's number. It must not
    ///   take a lock that is held during a write.
    package static func installHandler(_ handler: @escaping @Sendable (_ signal: Int32) -> Void) {
        guard let ends = makePipe() else { return }
        unsafe writer = ends.write
        // The handler must not block, even if it is called many times.
        _ = fcntl(ends.write, F_SETFL, O_NONBLOCK)
        pendingSignal.store(0, ordering: .sequentiallyConsistent)
        guard startThread({ wait(ends.read, handler) }) else { return }
        // The parent process may have left them blocked.
        var unblocked = sigset_t()
        unsafe sigemptyset(&unblocked)
        defer { unsafe pthread_sigmask(SIG_UNBLOCK, &unblocked, nil) }
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            unsafe sigaddset(&unblocked, signal)
            var action = sigaction()
            unsafe sigaction(signal, nil, &action)
            guard !isIgnored(action) else { continue }
            action = sigaction()
            setHandler(&action) { signal in
                // Only operations that are safe in a signal handler: an atomic store, and one write
                // that wakes the thread. The number is not read from the pipe.
                _ = pendingSignal.compareExchange(
                    expected: 0, desired: signal, ordering: .sequentiallyConsistent)
                var byte: UInt8 = 0
                let saved = errno
                _ = unsafe write(writer, &byte, 1)
                errno = saved
            }
            action.sa_flags = Int32(SA_RESTART)
            unsafe sigaction(signal, &action, nil)
        }
    }

    /// Delays the end of the process by at most a second while a state lasts that must be undone
    /// first, such as a terminal without echo.
    ///
    /// - Parameter body: The work. It returns soon after ``isPending`` becomes true.
    /// - Returns: What it returns.
    /// - Throws: What it throws.
    package static func deferred<Result: ~Copyable, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        deferrals.wrappingAdd(1, ordering: .sequentiallyConsistent)
        defer {
            deferrals.wrappingSubtract(1, ordering: .sequentiallyConsistent)
            stopIfPending()
        }
        return try body()
    }

    /// Does not return after a signal to end the process, since nothing may begin after that.
    package static func stopIfPending() {
        guard isPending else { return }
        while true { pause() }
    }

    /// Whether the process has been told to end.
    package static var isPending: Bool {
        pendingSignal.load(ordering: .sequentiallyConsistent) != 0
    }

    /// Sets the program that was started for this process and ends with it: it and the programs that
    /// it has started get `SIGTERM` before a signal ends this process. Another one that was set
    /// before is forgotten.
    ///
    /// - Parameter identifier: Its process.
    package static func setChild(_ identifier: Int32) {
        child.store(identifier, ordering: .sequentiallyConsistent)
    }

    /// Forgets a program, unless another one has been set since. Call it once it has ended.
    ///
    /// - Parameter identifier: Its process.
    package static func removeChild(_ identifier: Int32) {
        _ = child.compareExchange(
            expected: identifier, desired: 0, ordering: .sequentiallyConsistent)
    }

    private static let deferrals = Atomic<Int>(0)

    /// The process of the program, or 0.
    private static let child = Atomic<Int32>(0)

    private static func wait(_ reader: Int32, _ handler: (Int32) -> Void) {
        var byte: UInt8 = 0
        while !isPending {
            // The bytes that are read do not matter. Without the pipe, the thread polls several
            // times a second.
            if unsafe read(reader, &byte, 1) != 1 { usleep(100_000) }
        }
        let signal = pendingSignal.load(ordering: .sequentiallyConsistent)
        _ = startThread {
            for _ in 0..<19 { usleep(100_000) }
            end(by: signal)
        }
        // A prompt checks five times a second whether it has to restore the terminal.
        for _ in 0..<100 where deferrals.load(ordering: .sequentiallyConsistent) > 0 {
            usleep(10_000)
        }
        handler(signal)
        end(by: signal)
    }

    /// Ends the process by a signal.
    private static func end(by signal: Int32) -> Never {
        let identifier = child.load(ordering: .sequentiallyConsistent)
        if identifier > 0 { signalProgram(identifier, SIGTERM) }
        var action = sigaction()
        setDefault(&action)
        unsafe sigaction(signal, &action, nil)
        var unblocked = sigset_t()
        unsafe sigemptyset(&unblocked)
        unsafe sigaddset(&unblocked, signal)
        unsafe pthread_sigmask(SIG_UNBLOCK, &unblocked, nil)
        kill(getpid(), signal)
        // The kernel does not end process 1 by a signal that it does not handle.
        _exit(128 + signal)
    }
}

/// The signal that ends the process, or 0; set before the thread wakes up.
private let pendingSignal = Atomic<Int32>(0)

/// The descriptor to which the handler writes to wake the thread. Set once, before the handler is
/// installed.
nonisolated(unsafe) private var writer: Int32 = -1

private func isIgnored(_ action: sigaction) -> Bool {
    #if canImport(Darwin)
        unsafe unsafeBitCast(action.__sigaction_u.__sa_handler, to: Int.self)
            == unsafeBitCast(SIG_IGN, to: Int.self)
    #else
        unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
            == unsafeBitCast(SIG_IGN, to: Int.self)
    #endif
}

private func setHandler(
    _ action: inout sigaction, _ handler: @convention(c) (Int32) -> Void
) {
    #if canImport(Darwin)
        unsafe action.__sigaction_u.__sa_handler = handler
    #else
        unsafe action.__sigaction_handler.sa_handler = handler
    #endif
}

private func setDefault(_ action: inout sigaction) {
    #if canImport(Darwin)
        unsafe action.__sigaction_u.__sa_handler = SIG_DFL
    #else
        unsafe action.__sigaction_handler.sa_handler = SIG_DFL
    #endif
}
