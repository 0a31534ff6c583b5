#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Waits between two looks at slots or tokens.
///
/// - Parameter milliseconds: How long.
public func pause(milliseconds: UInt32) {
    usleep(milliseconds * 1000)
}
