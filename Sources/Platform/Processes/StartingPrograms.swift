#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// The standard error of a program that runs in a process group of its own.
struct ErrorOutput {
    let descriptor: Int32
    /// Whether the program may use the terminal of this process. If not, it runs in a session of its own,
    /// so that it cannot ask there.
    let hasTerminal: Bool

    init(_ descriptor: Int32, hasTerminal: Bool) {
        self.descriptor = descriptor
        self.hasTerminal = hasTerminal
    }
}

/// Starts a program with standard input, output and error only. No shell runs. It ends with this process
/// unless it runs on its own.
///
/// - Parameters:
///   - path: The program; a name without a slash is found through `PATH`.
///   - words: The program's name and its arguments, none of them secret.
///   - output: The descriptor of its standard output. Nil starts a program that runs on its own: in
///     a session without a terminal, without output and errors.
///   - errors: Its standard error, for a program in a process group of its own. Nil leaves it that
///     of this process.
/// - Returns: The process id, and 0 or an `errno` value.
func startProgram(
    _ path: String, _ words: [String], input: Int32?, output: Int32?,
    errors: ErrorOutput? = nil, environment: EnvironmentChanges? = nil
) -> (identifier: pid_t, status: Int32) {
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
    if let output {
        unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
    } else {
        flags |= startsSession
        unsafe posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    }
    if let errors {
        if errors.hasTerminal {
            flags |= Int16(POSIX_SPAWN_SETPGROUP)
            unsafe posix_spawnattr_setpgroup(&attributes, 0)
        } else {
            // A new session is also a new process group.
            flags |= startsSession
        }
        unsafe posix_spawn_file_actions_adddup2(&actions, errors.descriptor, 2)
    }
    unsafe posix_spawnattr_setflags(&attributes, flags)
    if let input {
        unsafe posix_spawn_file_actions_adddup2(&actions, input, 0)
    } else {
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    }
    // An inherited descriptor may carry another secret, and a module may open files without
    // FD_CLOEXEC.
    #if canImport(Darwin)
        if output != nil, errors == nil {
            unsafe posix_spawn_file_actions_addinherit_np(&actions, 2)
        }
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
    var variables = unsafe environment?.copies() ?? []
    defer {
        for index in unsafe variables.indices { unsafe free(variables[index]) }
    }
    let spawn = {
        var identifier: pid_t = 0
        let status =
            environment == nil
            ? unsafe posix_spawnp(&identifier, path, &actions, &attributes, &arguments, environ)
            : unsafe posix_spawnp(
                &identifier, path, &actions, &attributes, &arguments, &variables)
        return (identifier: identifier, status: status)
    }
    guard output != nil else { return spawn() }
    return Interruption.startChild(leadsGroup: errors != nil, spawn)
}

/// Starts this program again, in a session without a terminal, without input, output and errors. It
/// runs on after this process has ended. Returns whether it was started.
package func startThisProgram(_ arguments: [String]) -> Bool {
    let name = CommandLine.arguments.first ?? "tokencert"
    #if os(Linux)
        let path = "/proc/self/exe"
    #else
        let path = name
    #endif
    return startProgram(path, [name] + arguments, input: nil, output: nil).status == 0
}

#if canImport(Darwin)
    private let startsSession = Int16(POSIX_SPAWN_SETSID)
#else
    /// `POSIX_SPAWN_SETSID`, which glibc declares only with `_GNU_SOURCE`.
    private let startsSession: Int16 = 0x80
#endif

#if os(Linux)
    /// `posix_spawn_file_actions_addclosefrom_np`: glibc has it since 2.34 and declares it only with
    /// `_GNU_SOURCE`, which Swift does not define; musl does not have it.
    private typealias CloseFrom =
        @convention(c) (
            UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32
        ) -> Int32
#endif
