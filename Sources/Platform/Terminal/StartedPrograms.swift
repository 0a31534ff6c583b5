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
        var buffer = [CChar](repeating: 0, count: 16)
        let count = unsafe readlink("/proc/self", &buffer, 16)
        let name = buffer.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }
        return String(decoding: name, as: UTF8.self) == "\(getpid())"
    }

    /// The processes that the threads of a process started and that have not been reaped.
    private func children(of identifier: Int32) -> [Int32] {
        let path = "/proc/\(identifier)/task"
        guard let folder = unsafe opendir(path) else { return [] }
        defer { unsafe closedir(folder) }
        var found: [Int32] = []
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if Int32(name) != nil { found += numbers(inFile: "\(path)/\(name)/children") }
        }
        return found
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
