#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Sends a signal to a program that this process started and has not reaped, and to the program's
/// descendants except daemons. Without `/proc`, only the program itself gets it.
///
/// The program has no process group: in a background group it could not ask for a passphrase at the
/// terminal, and in a foreground group it would take Ctrl-C and Ctrl-Z from this process.
package func signalProgram(_ identifier: Int32, _ signal: Int32) {
    // List the descendants first: when a process ends, its children get another parent.
    for process in [identifier] + descendants(of: identifier) { kill(process, signal) }
}

private func descendants(of identifier: Int32) -> [Int32] {
    #if os(Linux)
        guard isOwnNamespaceInProc() else { return [] }
        var found: [Int32] = []
        var parents = [identifier]
        // Bounded, because this process does not end before it.
        while let parent = parents.popLast(), found.count < 1000 {
            let started = children(of: parent)
            found += started
            parents += started
        }
        return found
    #else
        return []
    #endif
}

#if os(Linux)
    /// Whether `/proc` shows the process ids that `kill` takes. In another PID namespace they
    /// belong to other processes.
    private func isOwnNamespaceInProc() -> Bool {
        (try? linkTarget("/proc/self")) == "\(getpid())"
    }

    /// The processes that the threads of a process started and that have not been reaped.
    private func children(of identifier: Int32) -> [Int32] {
        let path = "/proc/\(identifier)/task"
        let threads = (try? names(inFolder: path)) ?? []
        return threads.flatMap { numbers(inFile: "\(path)/\($0)/children") }
    }

    /// The numbers in a file, each followed by a blank.
    private func numbers(inFile path: String) -> [Int32] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1 << 14)
        let count = unsafe read(descriptor, &bytes, bytes.count)
        let text = String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
        // The last number may be truncated.
        guard let end = text.lastIndex(of: " ") else { return [] }
        return text[..<end].split(separator: " ").compactMap { Int32($0) }
    }
#endif
