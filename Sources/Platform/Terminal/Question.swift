#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Asks a question that is not secret at the controlling terminal `/dev/tty`, and returns the typed
/// text, empty after Ctrl-D; nil without a terminal, or if it was closed. What was typed before the
/// question is ignored. Ctrl-C ends the process: see ``Interruption``.
package func askAtTerminal(_ question: String) -> String? {
    let terminal = unsafe open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
    guard terminal >= 0 else { return nil }
    defer { close(terminal) }
    tcflush(terminal, TCIFLUSH)
    writeAll(terminal, question)
    var bytes: [UInt8] = []
    var byte: UInt8 = 0
    while bytes.count < 4096 {
        let count = unsafe read(terminal, &byte, 1)
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { return nil }
        if count == 0 {
            // Ctrl-D ends no line.
            writeAll(terminal, "\n")
            break
        }
        if byte == 10 { break }
        if byte != 13 { bytes.append(byte) }
    }
    return String(decoding: bytes, as: UTF8.self)
}

/// Writes a text as UTF-8 to a file descriptor; errors are ignored.
package func writeAll(_ descriptor: Int32, _ text: String) {
    writeAll(descriptor, Array(text.utf8))
}
