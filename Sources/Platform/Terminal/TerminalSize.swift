#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

package func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

/// The number of columns of a terminal; nil if the descriptor is not a terminal or the width is
/// unknown.
package func terminalWidth(_ descriptor: Int32) -> Int? {
    var size = winsize()
    guard unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
        return nil
    }
    return Int(size.ws_col)
}
