internal import Synchronization

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Handles Ctrl-C and the other signals that end the program.
///
/// The process ends with the signal, as its caller expects, or, as process 1 of a container, with
/// status 128 + number. Before that, a handler can report the state of the job. The process ends at
/// most two seconds after the signal, even if other threads are blocked.
package enum Interruption {
    /// Calls a function with the signal's number on a separate thread when `SIGINT`, `SIGTERM` or
    /// `SIGHUP` tells the process to end. It must not take a lock that is held during a write. A
    /// signal that was ignored when the process started stays ignored.
    package static func installHandler(_ handler: @escaping @Sendable (_ signal: Int32) -> Void) {
        guard let ends = makePipe() else { return }
        unsafe writer = ends.write
        // The handler must not block, even if it is called many times.
        _ = fcntl(ends.write, F_SETFL, O_NONBLOCK)
        pendingSignal.store(0, ordering: .sequentiallyConsistent)
        // Both threads start now: while a module is loaded, glibc starts none.
        guard
            startThread({
                let signal = waitForSignal(ends.read)
                for _ in 0..<19 { usleep(100_000) }
                end(by: signal, groupEndsWithin: 5)
            }), startThread({ tellAndEnd(by: waitForSignal(ends.read), handler) })
        else { return }
        // The parent process may have blocked these signals.
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
                // that wakes both threads. The number is not read from the pipe.
                _ = pendingSignal.compareExchange(
                    expected: 0, desired: signal, ordering: .sequentiallyConsistent)
                var bytes: UInt16 = 0
                let saved = errno
                _ = unsafe write(writer, &bytes, 2)
                errno = saved
            }
            action.sa_flags = Int32(SA_RESTART)
            unsafe sigaction(signal, &action, nil)
        }
    }

    /// Delays the end of the process by at most one second while a temporary state must be undone, such as
    /// a terminal without echo, or while a module changes its token. `body` must return soon after
    /// ``isPending`` becomes true.
    package static func deferred<Result: ~Copyable, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        beginDeferral()
        defer { endDeferral() }
        return try body()
    }

    /// Begins what ``deferred(_:)`` does. Call ``endDeferral()`` soon.
    package static func beginDeferral() {
        deferrals.wrappingAdd(1, ordering: .sequentiallyConsistent)
        guard isPending else { return }
        deferrals.wrappingSubtract(1, ordering: .sequentiallyConsistent)
        stopIfPending()
    }

    /// Ends what ``beginDeferral()`` began.
    package static func endDeferral() {
        let left = deferrals.wrappingSubtract(1, ordering: .sequentiallyConsistent).newValue
        // An outer deferral has something left to do.
        if left == 0 { stopIfPending() }
    }

    /// Blocks forever after a signal to end the process, so that nothing new begins.
    package static func stopIfPending() {
        guard isPending else { return }
        while true { pause() }
    }

    /// Whether a signal to end the process has arrived.
    package static var isPending: Bool {
        pendingSignal.load(ordering: .sequentiallyConsistent) != 0
    }

    /// Starts a program that ends with this process: when a signal ends this process, the program
    /// and its descendants, or the process group that it leads, get `SIGTERM`; the group also
    /// `SIGKILL`. After that signal, no program is started. `start` returns the process id, for
    /// ``removeChild(_:)``, and 0 or an `errno` value.
    package static func startChild(
        leadsGroup: Bool, _ start: () -> (identifier: Int32, status: Int32)
    ) -> (identifier: Int32, status: Int32) {
        stopIfPending()
        // The program may send the signal before its process id is known here.
        return deferred {
            let started = start()
            if started.status == 0 {
                children.withLock {
                    $0.append(leadsGroup ? -started.identifier : started.identifier)
                }
            }
            return started
        }
    }

    /// Forgets a program that has ended.
    package static func removeChild(_ identifier: Int32) {
        children.withLock { $0.removeAll { $0 == identifier || $0 == -identifier } }
    }

    private static let deferrals = Atomic<Int>(0)

    /// The process ids of the programs that run, negative if the program leads a process group.
    private static let children = Mutex<[pid_t]>([])

    /// Waits for a signal to end the process, and returns it.
    private static func waitForSignal(_ reader: Int32) -> Int32 {
        var byte: UInt8 = 0
        while !isPending {
            // The bytes do not matter. If the pipe fails, the thread polls ten times per second.
            if unsafe read(reader, &byte, 1) != 1 { usleep(100_000) }
        }
        return pendingSignal.load(ordering: .sequentiallyConsistent)
    }

    private static func tellAndEnd(by signal: Int32, _ handler: (Int32) -> Void) -> Never {
        // A prompt checks five times per second whether it must restore the terminal.
        for _ in 0..<100 where deferrals.load(ordering: .sequentiallyConsistent) > 0 {
            usleep(10_000)
        }
        handler(signal)
        end(by: signal, groupEndsWithin: 50)
    }

    /// Ends the process. The process groups of programs get some time after `SIGTERM`, in hundredths
    /// of a second.
    private static func end(by signal: Int32, groupEndsWithin hundredths: Int) -> Never {
        let programs = children.withLock { $0 }
        let groups = programs.filter { $0 < 0 }
        for program in programs where program > 0 { signalProgram(program, SIGTERM) }
        for group in groups { kill(group, SIGTERM) }
        for _ in 0..<hundredths where groups.contains(where: { kill($0, 0) == 0 }) {
            usleep(10_000)
        }
        for group in groups { kill(group, SIGKILL) }
        PrivateFolder.removeAll()
        // The kernel ends process 1 with its own signal only if a thread happens to block it.
        if getpid() != 1 {
            var action = sigaction()
            setDefault(&action)
            unsafe sigaction(signal, &action, nil)
            var unblocked = sigset_t()
            unsafe sigemptyset(&unblocked)
            unsafe sigaddset(&unblocked, signal)
            unsafe pthread_sigmask(SIG_UNBLOCK, &unblocked, nil)
            kill(getpid(), signal)
        }
        _exit(128 + signal)
    }
}

/// The signal that ends the process, or 0. Set before the threads wake up.
private let pendingSignal = Atomic<Int32>(0)

/// The descriptor that the signal handler writes to. Set once, before the handler is installed.
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
