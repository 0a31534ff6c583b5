internal import Synchronization

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// What is said when a person interrupts the program with Ctrl-C, or the system ends it.
///
/// The process ends by the signal all the same, as its caller expects; before that the handler may
/// say what state things are in.
public enum Interruption {
    /// Has a function called, on a thread of its own, when the process is told to end: by `SIGINT`,
    /// `SIGTERM` or `SIGHUP`. A signal that the process was started to ignore stays ignored.
    ///
    /// The C functions are `sigaction` and `pthread_create`.
    ///
    /// - Parameter handler: What is done before the process ends. It must not wait for what the
    ///   other threads do.
    public static func installHandler(_ handler: @escaping @Sendable () -> Void) {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { return }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let reader = ends[0]
        unsafe writer = ends[1]
        wasSignalled.store(false, ordering: .sequentiallyConsistent)
        guard startThread({ wait(reader, handler) }) else { return }
        // Whoever started the process may have left them blocked.
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
                // Only what is safe in a handler: a flag and one write.
                wasSignalled.store(true, ordering: .sequentiallyConsistent)
                var number = UInt8(truncatingIfNeeded: signal)
                let saved = errno
                _ = unsafe write(writer, &number, 1)
                errno = saved
            }
            action.sa_flags = Int32(SA_RESTART)
            unsafe sigaction(signal, &action, nil)
        }
    }

    /// Holds the end of the process back while something is done that must be undone first, as a
    /// terminal that does not echo.
    ///
    /// - Parameter body: What is done. It ends soon once ``isPending`` says so.
    /// - Returns: What it returns.
    /// - Throws: What it throws.
    public static func deferred<Result: ~Copyable, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        state.withLock { $0.deferrals += 1 }
        defer {
            let isOver = state.withLock { state in
                state.deferrals -= 1
                return isPending && state.deferrals == 0
            }
            // The process ends now: nobody is to say anything else.
            if isOver { sleep(5) }
        }
        return try body()
    }

    /// Goes no further where the process has been told to end, which it does at any moment: what is
    /// begun after a person has interrupted it would be begun against their will.
    public static func stopIfPending() {
        if isPending { sleep(5) }
    }

    /// Whether the process has been told to end.
    public static var isPending: Bool { wasSignalled.load(ordering: .sequentiallyConsistent) }

    private struct State {
        var deferrals = 0
    }

    private static let state = Mutex(State())

    private static func wait(_ reader: Int32, _ handler: () -> Void) {
        var number: UInt8 = 0
        while true {
            let count = unsafe read(reader, &number, 1)
            if count == 1 { break }
            guard count < 0, errno == EINTR else { return }
        }
        // Bounded: whoever defers looks several times a second.
        for _ in 0..<200 where state.withLock({ $0.deferrals > 0 }) {
            usleep(10_000)
        }
        handler()
        let signal = Int32(number)
        var action = sigaction()
        setDefault(&action)
        unsafe sigaction(signal, &action, nil)
        var unblocked = sigset_t()
        unsafe sigemptyset(&unblocked)
        unsafe sigaddset(&unblocked, signal)
        unsafe pthread_sigmask(SIG_UNBLOCK, &unblocked, nil)
        kill(getpid(), signal)
    }
}

/// Whether the handler was called: known at once, before the other thread has woken up.
private let wasSignalled = Atomic<Bool>(false)

/// Where the handler writes the signal's number. Written once, before the handler is set.
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
