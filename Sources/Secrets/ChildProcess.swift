#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// A program that was started to hand over a secret, with a pipe from its standard output and, where
/// it is talked to, one to its standard input. No shell is between.
struct ChildProcess: ~Copyable {
    /// Where its output is read.
    let output: Int32
    /// Where it is written to, or -1 where its input is empty.
    private(set) var input: Int32
    private let identifier: pid_t
    private let name: String
    private var isOver = false

    private init(owning identifier: pid_t, _ name: String, output: Int32, input: Int32) {
        self.identifier = identifier
        self.name = name
        self.output = output
        self.input = input
    }

    /// Starts a program, which is looked for in `PATH`.
    ///
    /// - Parameters:
    ///   - words: The program and its arguments, none of them secret.
    ///   - isTalkedTo: Whether something is written to it.
    /// - Throws: ``SecretError`` where it cannot be started.
    static func start(_ words: [String], isTalkedTo: Bool) throws(SecretError) -> ChildProcess {
        let name = words.first ?? ""
        let outgoing = try makePipe()
        let incoming = isTalkedTo ? try makePipe() : nil
        let (identifier, status) = spawn(words, output: outgoing.write, input: incoming?.read)
        close(outgoing.write)
        if let incoming { close(incoming.read) }
        guard status == 0 else {
            close(outgoing.read)
            if let incoming { close(incoming.write) }
            throw SecretError(
                .unreadable, "cannot run \(name): \(unsafe String(cString: strerror(status)))")
        }
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
        // Signals that wait while this process asks are none of the other's business.
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        // This process ignores it, and others would never end where nobody reads them.
        var standard = sigset_t()
        unsafe sigemptyset(&standard)
        unsafe sigaddset(&standard, SIGPIPE)
        unsafe posix_spawnattr_setsigdefault(&attributes, &standard)
        unsafe posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
        if let input {
            unsafe posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
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
        guard !isOver else { return }
        // Nobody listens to it any more: a second to end, then it has to, and one that runs as
        // another user is left alone.
        var status: Int32 = 0
        for signal in [SIGTERM, SIGKILL] {
            kill(identifier, signal)
            for _ in 0..<100 {
                guard unsafe waitpid(identifier, &status, WNOHANG) == 0 else { return }
                usleep(10_000)
            }
        }
    }

    /// Ends its input and waits until the program has ended.
    ///
    /// - Throws: ``SecretError`` where it did not end well.
    mutating func wait() throws(SecretError) {
        if input >= 0 { close(input) }
        input = -1
        var status: Int32 = 0
        isOver = true
        while unsafe waitpid(identifier, &status, 0) < 0, errno == EINTR {}
        guard status != 0 else { return }
        let signal = status & 0x7F
        throw SecretError(
            .unreadable,
            signal == 0
                ? "\(name) ended with status \((status >> 8) & 0xFF)"
                : "\(name) was ended by signal \(signal)")
    }

    private static func makePipe() throws(SecretError) -> (read: Int32, write: Int32) {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else {
            throw SecretError(.unreadable, "cannot make a pipe: \(systemMessage())")
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }
}
