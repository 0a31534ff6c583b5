#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Whether a file descriptor is a terminal.
///
/// The C function is `isatty`.
///
/// - Parameter descriptor: An open file descriptor.
package func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

/// How many cells a line of a terminal has; nil where the descriptor is none, or does not tell.
///
/// The C function is `ioctl` with `TIOCGWINSZ`.
///
/// - Parameter descriptor: An open file descriptor.
package func terminalWidth(_ descriptor: Int32) -> Int? {
    var size = winsize()
    guard unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
        return nil
    }
    return Int(size.ws_col)
}
