#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Asks at `/dev/tty`, whatever standard input and output are, and shows nothing of the answer.
func readFromTerminal(_ promptText: String) throws(SecretError) -> Secret {
    try Interruption.deferred { () throws(SecretError) in try ask(promptText) }
}

private func ask(_ promptText: String) throws(SecretError) -> Secret {
    let terminal = unsafe open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
    guard terminal >= 0 else {
        throw SecretError(.noTerminal, "there is no terminal to ask at")
    }
    defer { close(terminal) }

    // A signal that ends the process while echo is off would leave the terminal that way: such
    // signals wait until it is as it was.
    var ending = sigset_t()
    unsafe sigemptyset(&ending)
    for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP] {
        unsafe sigaddset(&ending, signal)
    }
    var before = sigset_t()
    unsafe pthread_sigmask(SIG_BLOCK, &ending, &before)
    defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }

    var settings = termios()
    guard unsafe tcgetattr(terminal, &settings) == 0 else {
        throw SecretError(.noTerminal, "the terminal cannot be set up: \(systemMessage())")
    }
    var quiet = settings
    quiet.c_lflag &= ~tcflag_t(ECHO | ICANON | ISIG)
    // Input that was typed before the prompt is not the answer to it.
    tcflush(terminal, TCIFLUSH)
    guard unsafe tcsetattr(terminal, TCSANOW, &quiet) == 0, isSilent(terminal) else {
        let reason = systemMessage()
        unsafe tcsetattr(terminal, TCSANOW, &settings)
        throw SecretError(
            .noTerminal, "cannot turn off the echo of the terminal: \(reason); nothing was asked")
    }
    defer {
        tcflush(terminal, TCIFLUSH)
        // TCSANOW, since the other modes wait for output, which a terminal stopped by Ctrl-S
        // blocks.
        unsafe tcsetattr(terminal, TCSANOW, &settings)
        // Back to the line's start and clear it: the question goes away with its answer.
        writeWithoutBlocking("\r\u{1B}[K".utf8, to: terminal, withinMilliseconds: 200)
    }
    guard waits(for: POLLOUT, terminal, &ending) else {
        throw SecretError(.interrupted, "interrupted before a secret was asked for")
    }
    writeAll(terminal, "\(promptText): ")

    var secret = Secret()
    while true {
        guard waits(for: POLLIN, terminal, &ending) else {
            throw SecretError(.interrupted, "interrupted while asking for a secret")
        }
        let deadline = Deadline(seconds: TimeLimit.person)
        switch try nextByte(terminal, "the terminal", before: deadline) {
        case 3?:
            throw SecretError(.interrupted, "interrupted while asking for a secret")
        case nil, 4?:
            throw SecretError(.cancelled, "nothing was entered")
        case 10?, 13?:
            return secret
        case 8?, 127?:
            removeLastCharacter(&secret)
        case 21?:
            secret.removeLast(secret.count)
        case let byte? where byte < 32:
            // An arrow or another key of which nothing is seen: the secret would be a wrong one.
            throw SecretError(.malformed, "a control character was typed; nothing was sent")
        case let byte?:
            secret.append(byte)
        }
    }
}

/// Waits for a key, or until the terminal accepts output (it does not while stopped by Ctrl-S).
///
/// - Returns: False if a signal that ends the process arrived.
private func waits(for event: Int32, _ terminal: Int32, _ ending: inout sigset_t) -> Bool {
    while true {
        var waiting = pollfd(fd: terminal, events: Int16(event), revents: 0)
        if unsafe poll(&waiting, 1, 200) > 0 { return true }
        if Interruption.isPending { return false }
        var pending = sigset_t()
        unsafe sigpending(&pending)
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP]
        where unsafe sigismember(&pending, signal) == 1 {
            return false
        }
    }
}

private func removeLastCharacter(_ secret: inout Secret) {
    let length = secret.withBytes { bytes in
        var length = 0
        while length < bytes.count {
            length += 1
            // Bytes 10xxxxxx continue a character in UTF-8.
            if bytes[bytes.count - length] & 0xC0 != 0x80 { break }
        }
        return length
    }
    secret.removeLast(length)
}

/// Whether the terminal's echo is off. tcsetattr succeeds even if it made only some of the changes.
private func isSilent(_ terminal: Int32) -> Bool {
    var settings = termios()
    return unsafe tcgetattr(terminal, &settings) == 0
        && settings.c_lflag & tcflag_t(ECHO | ICANON | ISIG) == 0
}
