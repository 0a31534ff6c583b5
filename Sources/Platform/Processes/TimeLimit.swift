#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Ends the process silently after a time, even if a thread hangs. Use it only in a process that
/// changes nothing and never logs in.
///
/// The C function is `_exit`.
///
/// - Parameter milliseconds: The time until the process exits with status 0.
package func endProcess(afterMilliseconds milliseconds: UInt32) {
    repeatInBackground(everyMilliseconds: milliseconds) { _exit(0) }
}
