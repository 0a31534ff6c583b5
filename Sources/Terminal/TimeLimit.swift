#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Ends the process without a word after some time, whatever hangs in it. Only for a process that
/// has changed nothing and is logged in nowhere.
///
/// The C function is `_exit`.
///
/// - Parameter milliseconds: After how long, with status 0.
public func endProcess(afterMilliseconds milliseconds: UInt32) {
    repeatInBackground(everyMilliseconds: milliseconds) { _exit(0) }
}
