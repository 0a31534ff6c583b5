#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// A program that supplies a secret. A pipe carries its standard output and, if `isTalkedTo`, its
/// standard input. No shell runs; it inherits no other descriptor except standard error.
struct ChildProcess: ~Copyable {
    /// The descriptor that its output is read from.
    let output: Int32
    /// The descriptor that its input is written to; -1 if it gets none.
    private(set) var input: Int32
    private let identifier: pid_t
    private let name: String
    /// The status from `waitpid`; nil while it runs.
    private var status: Int32?

    private init(owning identifier: pid_t, _ name: String, output: Int32, input: Int32) {
        self.identifier = identifier
        self.name = name
        self.output = output
        self.input = input
    }

    /// Starts a program found through `PATH`.
    ///
    /// - Parameters:
    ///   - words: The program and its arguments, none of them secret.
    ///   - isTalkedTo: Whether to open a pipe to its input.
    static func start(_ words: [String], isTalkedTo: Bool) throws(SecretError) -> ChildProcess {
        let name = words.first ?? ""
        let outgoing = try openPipe()
        let incoming: (read: Int32, write: Int32)?
        do throws(SecretError) {
            incoming = isTalkedTo ? try openPipe() : nil
        } catch {
            close(outgoing.read)
            close(outgoing.write)
            throw error
        }
        let (identifier, status) = spawn(words, output: outgoing.write, input: incoming?.read)
        close(outgoing.write)
        if let incoming { close(incoming.read) }
        guard status == 0 else {
            close(outgoing.read)
            if let incoming { close(incoming.write) }
            throw SecretError(
                .unreadable, "cannot run \(name): \(unsafe String(cString: strerror(status)))")
        }
        Interruption.setChild(identifier)
        return ChildProcess(
            owning: identifier, name, output: outgoing.read, input: incoming?.write ?? -1)
    }

    private static func spawn(
        _ words: [String], output: Int32, input: Int32?
    ) -> (pid_t, status: Int32) {
        #if canImport(Darwin)
            var actions: posix_spawn_file_actions_t?
            var attributes: posix_spawnattr_t?
        #else
            var actions = unsafe posix_spawn_file_actions_t()
            var attributes = posix_spawnattr_t()
        #endif
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawnattr_init(&attributes)
        defer {
            unsafe posix_spawn_file_actions_destroy(&actions)
            unsafe posix_spawnattr_destroy(&attributes)
        }
        // The program must not inherit the signals that this process blocks during a prompt.
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        // This process ignores these signals. A program that inherited that would not end when its
        // reader closes the pipe.
        var standard = sigset_t()
        unsafe sigemptyset(&standard)
        unsafe sigaddset(&standard, SIGPIPE)
        unsafe sigaddset(&standard, SIGXFSZ)
        unsafe posix_spawnattr_setsigdefault(&attributes, &standard)
        var flags = Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF)
        #if canImport(Darwin)
            flags |= Int16(POSIX_SPAWN_CLOEXEC_DEFAULT)
        #endif
        unsafe posix_spawnattr_setflags(&attributes, flags)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
        if let input {
            unsafe posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        // An inherited descriptor may carry another secret, and a module may open files without
        // FD_CLOEXEC.
        #if canImport(Darwin)
            unsafe posix_spawn_file_actions_addinherit_np(&actions, 2)
        #elseif os(Linux)
            if let symbol = unsafe dlsym(nil, "posix_spawn_file_actions_addclosefrom_np") {
                let closeFrom = unsafe unsafeBitCast(symbol, to: CloseFrom.self)
                _ = unsafe closeFrom(&actions, 3)
            }
        #endif
        var arguments = unsafe words.map { unsafe strdup($0) } + [nil]
        defer {
            for index in unsafe arguments.indices { unsafe free(arguments[index]) }
        }
        var identifier: pid_t = 0
        let status = unsafe posix_spawnp(
            &identifier, words.first ?? "", &actions, &attributes, &arguments, environ)
        return (identifier, status)
    }

    deinit {
        close(output)
        if input >= 0 { close(input) }
        guard status == nil else { return }
        defer { Interruption.removeChild(identifier) }
        // Nothing reads its output any more. It gets one second after SIGTERM and one after SIGKILL;
        // a program of another user cannot be signalled and keeps running.
        var value: Int32 = 0
        for signal in [SIGTERM, SIGKILL] {
            signalProgram(identifier, signal)
            for _ in 0..<100 {
                guard unsafe waitpid(identifier, &value, WNOHANG) == 0 else { return }
                usleep(10_000)
            }
        }
    }

    /// Waits for output or the end of the output.
    ///
    /// - Returns: False if the program has ended and another program, which may never close it,
    ///   still has its output open.
    /// - Throws: ``SecretError`` if none of this happens before the deadline.
    mutating func hasOutput(before deadline: Deadline) throws(SecretError) -> Bool {
        while true {
            // Check this first, so that everything printed before the end is still read.
            let isOver = hasEnded()
            var waiting = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            let milliseconds = min(deadline.milliseconds, 100)
            if unsafe poll(&waiting, 1, isOver ? 0 : milliseconds) > 0 { return true }
            if isOver { return false }
            if milliseconds == 0 { throw deadline.failure(name) }
        }
    }

    private mutating func hasEnded() -> Bool {
        guard status == nil else { return true }
        var value: Int32 = 0
        let result = unsafe waitpid(identifier, &value, WNOHANG)
        // ECHILD: this process was started with SIGCHLD ignored, so the status is unknown.
        if result == identifier { status = value }
        if result < 0, errno == ECHILD { status = 0 }
        if status != nil { Interruption.removeChild(identifier) }
        return status != nil
    }

    /// Ends its input and waits until the program has ended.
    ///
    /// - Throws: ``SecretError`` if it failed, or did not end before the deadline, in which case it
    ///   is killed.
    mutating func wait(before deadline: Deadline) throws(SecretError) {
        if input >= 0 { close(input) }
        input = -1
        while !hasEnded() {
            if deadline.milliseconds == 0 {
                throw SecretError(.timedOut, "\(name) did not exit")
            }
            usleep(2000)
        }
        guard let status, status != 0 else { return }
        let signal = status & 0x7F
        throw SecretError(
            .unreadable,
            signal == 0
                ? "\(name) exited with status \((status >> 8) & 0xFF)"
                : "\(name) was killed by signal \(signal)")
    }

    private static func openPipe() throws(SecretError) -> (read: Int32, write: Int32) {
        guard let pipe = makePipe() else {
            throw SecretError(.unreadable, "cannot create a pipe: \(systemMessage())")
        }
        return pipe
    }
}

#if os(Linux)
    /// `posix_spawn_file_actions_addclosefrom_np`: glibc has it since 2.34 and declares it only with
    /// `_GNU_SOURCE`, which Swift does not define; musl does not have it.
    private typealias CloseFrom =
        @convention(c) (
            UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32
        ) -> Int32
#endif
