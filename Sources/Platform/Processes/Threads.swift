#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Starts a detached thread with all signals blocked, so that signals that a module uses are never
/// delivered to it.
///
/// - Returns: Whether the thread was started.
func startThread(_ body: @escaping @Sendable () -> Void) -> Bool {
    final class Box {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    let box = unsafe Unmanaged.passRetained(Box(body))
    var all = sigset_t()
    var before = sigset_t()
    unsafe sigfillset(&all)
    unsafe pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
    #if canImport(Darwin)
        var thread: pthread_t?
        let status = unsafe pthread_create(
            &thread, nil,
            { argument in
                unsafe Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body()
                return nil
            }, box.toOpaque())
    #else
        var thread = pthread_t()
        let status = unsafe pthread_create(
            &thread, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                unsafe Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body()
                return nil
            }, box.toOpaque())
    #endif
    guard status == 0 else {
        unsafe box.release()
        return false
    }
    #if canImport(Darwin)
        if let thread = unsafe thread { unsafe pthread_detach(thread) }
    #else
        pthread_detach(thread)
    #endif
    return true
}

/// Calls a function repeatedly on a separate thread until it returns false.
package func repeatInBackground(
    everyMilliseconds milliseconds: UInt32, _ body: @escaping @Sendable () -> Bool
) {
    _ = startThread {
        repeat { usleep(milliseconds * 1000) } while body()
    }
}

/// Exits silently with status 0 after a time, even if a thread hangs. Use it only in a process that
/// changes nothing and never logs in.
package func endProcess(afterMilliseconds milliseconds: UInt32) {
    repeatInBackground(everyMilliseconds: milliseconds) { _exit(0) }
}
