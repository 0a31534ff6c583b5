#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Waits before slots or tokens are polled again.
///
/// - Parameter milliseconds: The duration in milliseconds.
public func pause(milliseconds: UInt32) {
    usleep(milliseconds * 1000)
}
