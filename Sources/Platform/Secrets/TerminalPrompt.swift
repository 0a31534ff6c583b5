#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Reads a secret from `/dev/tty` without echo, even if standard input and output are redirected.
func readFromTerminal(_ promptText: String) throws(SecretError) -> Secret {
    func ask() throws(SecretError) -> Secret { try TokencertPlatform.ask(promptText) }
    return try Interruption.deferred(ask)
}

private func ask(_ promptText: String) throws(SecretError) -> Secret {
    let terminal = unsafe open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
    guard terminal >= 0 else {
        throw SecretError(.noTerminal, "there is no terminal for the prompt")
    }
    defer { close(terminal) }

    // A signal that ends the process while echo is off would leave the terminal without echo, so
    // these signals are blocked until the settings are restored.
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
        throw SecretError(.noTerminal, "cannot configure the terminal: \(systemMessage())")
    }
    var quiet = settings
    quiet.c_lflag &= ~tcflag_t(ECHO | ICANON | ISIG)
    // Input that was typed before the prompt is not the answer to it.
    tcflush(terminal, TCIFLUSH)
    guard unsafe tcsetattr(terminal, TCSANOW, &quiet) == 0, isSilent(terminal) else {
        let reason = systemMessage()
        unsafe tcsetattr(terminal, TCSANOW, &settings)
        throw SecretError(
            .noTerminal, "cannot turn off echo on the terminal: \(reason); no secret was requested")
    }
    defer {
        tcflush(terminal, TCIFLUSH)
        // TCSANOW, because the other modes wait for output, which Ctrl-S blocks.
        unsafe tcsetattr(terminal, TCSANOW, &settings)
        // The line break that the user typed is not echoed.
        writeWithoutBlocking("\n".utf8, to: terminal, withinMilliseconds: 200)
    }
    guard waits(for: POLLOUT, terminal, &ending) else {
        throw SecretError(.interrupted, "interrupted before asking for a secret")
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
            throw SecretError(.cancelled, "nothing was typed")
        case 10?, 13?:
            return secret
        case 8?, 127?:
            removeLastCharacter(&secret)
        case 21?:
            secret.removeLast(secret.count)
        case let byte? where byte < 32:
            // An arrow or a similar key leaves no visible trace, and the secret would be wrong.
            throw SecretError(.malformed, "a control character was typed; nothing was sent")
        case let byte?:
            secret.append(byte)
        }
    }
}

/// Waits for a key, or until the terminal accepts output, which Ctrl-S blocks.
///
/// - Returns: False if a signal to end the process arrived.
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
            // Bytes 10xxxxxx continue a UTF-8 character.
            if bytes[bytes.count - length] & 0xC0 != 0x80 { break }
        }
        return length
    }
    secret.removeLast(length)
}

/// Whether the terminal's echo is off. `tcsetattr` succeeds even if it applied only some of the
/// changes.
private func isSilent(_ terminal: Int32) -> Bool {
    var settings = termios()
    return unsafe tcgetattr(terminal, &settings) == 0
        && settings.c_lflag & tcflag_t(ECHO | ICANON | ISIG) == 0
}
