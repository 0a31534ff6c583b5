#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Why a program cannot be started. This is known before it is tried, unless the file cannot be read.
package enum ProgramProblem: Sendable, Hashable {
    /// There is no such file, or no file with this name in the folders of `PATH`.
    case notFound
    /// It is a folder, a device, a pipe or a socket.
    case notRegular(path: String)
    /// This user may not execute the file.
    case notExecutable(path: String)
    /// The file is a text, and its first line does not name an interpreter.
    case noInterpreter(path: String)
    /// The interpreter that its first line names cannot be started.
    case interpreterNotFound(path: String, interpreter: String)

    /// Checks a program without running it. A name without a slash is searched for in `PATH`. nil
    /// if nothing is known that keeps the program from being started.
    package init?(of name: String) {
        guard let path = programFile(name) else {
            self = Self.places(of: name).compactMap(Self.obstacle).first ?? .notFound
            return
        }
        // Who may execute a file may still not read it.
        guard let head = try? readHead(path, count: 256), let problem = Self.problem(path, head)
        else { return nil }
        self = problem
    }

    /// The text after the program: "is not executable".
    package var text: String {
        switch self {
        case .notFound: "is not found"
        case .notRegular: "is not a regular file"
        case .notExecutable: "is not executable"
        case .noInterpreter: "is a script without an interpreter in its first line"
        case .interpreterNotFound(_, let interpreter):
            "is a script whose interpreter is not found: \(interpreter)"
        }
    }

    /// The paths at which a program is searched.
    fileprivate static func places(of name: String) -> [String] {
        guard !name.contains("/") else { return [name] }
        let folders = (environmentVariable("PATH") ?? "/bin:/usr/bin").split(
            separator: ":", omittingEmptySubsequences: false)
        return folders.map { "\($0.isEmpty ? "." : $0)/\(name)" }
    }

    /// What is wrong with a path that is no program; nil if it does not exist.
    private static func obstacle(_ path: String) -> ProgramProblem? {
        guard exists(path) else { return nil }
        return isRegularFile(path) ? .notExecutable(path: path) : .notRegular(path: path)
    }

    /// What is wrong with an executable file that begins with these bytes.
    private static func problem(_ path: String, _ head: [UInt8]) -> ProgramProblem? {
        guard head.starts(with: [0x23, 0x21]) else {
            #if canImport(Darwin)
                // There, posix_spawnp(3) has a shell run such a file.
                return nil
            #else
                // A program in a binary format has a byte that no text has.
                return head.contains(0) ? nil : ProgramProblem.noInterpreter(path: path)
            #endif
        }
        let line = head.dropFirst(2).prefix { $0 != 0x0A }
        let words = line.split(maxSplits: 1) { $0 == 0x20 || $0 == 0x09 }
            .map { String(decoding: $0, as: UTF8.self) }
        guard let interpreter = words.first else { return .noInterpreter(path: path) }
        let missing = ProgramProblem.interpreterNotFound(path: path, interpreter: interpreter)
        guard isExecutable(interpreter) else { return missing }
        // env(1) gets all other words as one argument, and searches for a program only if that is its
        // name.
        guard interpreter.hasSuffix("/env"), words.count == 2, let argument = words.last else {
            return nil
        }
        let name = String(argument.prefix { $0 != " " && $0 != "\t" })
        guard name == argument, !name.hasPrefix("-"), !name.contains("=") else { return nil }
        return programFile(name) == nil
            ? ProgramProblem.interpreterNotFound(path: path, interpreter: name) : nil
    }
}

/// The file that is started for a program; nil if there is none. A name without a slash is searched
/// for in `PATH`; if `isAbsolute`, not in folders that depend on the working folder.
package func programFile(_ name: String, isAbsolute: Bool = false) -> String? {
    ProgramProblem.places(of: name).first {
        (!isAbsolute || $0.hasPrefix("/")) && isExecutable($0)
    }
}

/// Whether a path is a regular file that this user may execute; links are followed.
private func isExecutable(_ path: String) -> Bool {
    guard isRegularFile(path) else { return false }
    return unsafe access(path, X_OK) == 0
}

/// Why a program was not started. The system reports the same `errno` value for a script and for its
/// interpreter.
func startFailure(_ name: String, _ status: Int32) -> String {
    let reason: String
    if let problem = ProgramProblem(of: name), problem != .notFound {
        reason = "it \(problem.text)"
    } else {
        reason = unsafe String(cString: strerror(status))
    }
    return "cannot run \(name): \(reason)"
}
