#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// The program `openssl`, which CAcert's signer also uses. The stand-in shares no code for requests
/// and certificates with tokencert, because tests would not find an error in shared code.
enum OpenSSLProgram {
    struct Outcome: Sendable {
        let status: Int32
        let output: String
        let errors: String

        /// The last line of the error output.
        var complaint: String {
            errors.split(whereSeparator: \.isNewline).last.map(String.init) ?? "status \(status)"
        }
    }

    /// Runs the program without a shell and with empty input. The folder has its configuration file
    /// `openssl.cnf` and receives its output.
    static func run(
        _ arguments: [String], in folder: WorkFolder
    ) throws(StandInError) -> Outcome {
        let (output, errors) = (folder.file("output"), folder.file("errors"))
        let status = try spawn(
            ["openssl"] + arguments, output: output, errors: errors,
            environment: [
                "PATH=\(path)", "LC_ALL=C", "OPENSSL_CONF=\(folder.file("openssl.cnf"))",
                "WORK=\(folder.path)",
            ])
        return Outcome(status: status, output: folder.text("output"), errors: folder.text("errors"))
    }

    /// Runs the program, returns its output, and throws if it fails.
    @discardableResult
    static func require(
        _ arguments: [String], in folder: WorkFolder
    ) throws(StandInError) -> String {
        let outcome = try run(arguments, in: folder)
        guard outcome.status == 0 else {
            throw StandInError("openssl \(arguments.first ?? "") failed: \(outcome.errors)")
        }
        return outcome.output
    }

    private static var path: String {
        unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? "/usr/bin:/bin"
    }

    private static func spawn(
        _ words: [String], output: String, errors: String, environment: [String]
    ) throws(StandInError) -> Int32 {
        #if canImport(Darwin)
            var actions: posix_spawn_file_actions_t?
        #else
            var actions = unsafe posix_spawn_file_actions_t()
        #endif
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        for (descriptor, file) in [(Int32(1), output), (2, errors)] {
            unsafe posix_spawn_file_actions_addopen(
                &actions, descriptor, file, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        }
        // An inherited socket would keep the connection open.
        for descriptor in Int32(3)..<256 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        var arguments = unsafe words.map { unsafe strdup($0) } + [nil]
        var variables = unsafe environment.map { unsafe strdup($0) } + [nil]
        defer {
            for index in unsafe arguments.indices { unsafe free(arguments[index]) }
            for index in unsafe variables.indices { unsafe free(variables[index]) }
        }
        var identifier: pid_t = 0
        let failure = unsafe posix_spawnp(
            &identifier, "openssl", &actions, nil, &arguments, &variables)
        guard failure == 0 else {
            throw StandInError(
                "cannot run openssl, which signs for the stand-in: "
                    + "\(unsafe String(cString: strerror(failure)))")
        }
        var status: Int32 = 0
        while unsafe waitpid(identifier, &status, 0) < 0, errno == EINTR {}
        let signal = status & 0x7F
        return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
    }
}
