#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Sends a signal to a program that this process has started, and to the programs that it has
/// started in turn. A daemon, whose parent has ended, gets none.
///
/// The program has no process group of its own, which could get the signal as a whole: in the
/// background of a terminal it could not ask for a passphrase, and in the foreground it would keep
/// Ctrl-C and Ctrl-Z from this process. Without `/proc`, the signal goes to the program alone. The C
/// function is `kill`.
///
/// - Parameters:
///   - identifier: The process of the program, which has not been reaped yet.
///   - signal: The signal.
package func signalProgram(_ identifier: Int32, _ signal: Int32) {
    // Listed first: when a process ends, the processes that it has started get another parent.
    for process in [identifier] + descendants(of: identifier) { kill(process, signal) }
}

private func descendants(of identifier: Int32) -> [Int32] {
    #if os(Linux)
        guard isOwnNamespaceInProc() else { return [] }
        var found: [Int32] = []
        var parents = [identifier]
        // Bounded, since the end of this process waits for it.
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
    /// Whether `/proc` has the numbers that `kill` takes. In another process namespace they name
    /// other processes.
    private func isOwnNamespaceInProc() -> Bool {
        var buffer = [CChar](repeating: 0, count: 16)
        let count = unsafe readlink("/proc/self", &buffer, 16)
        let name = buffer.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }
        return String(decoding: name, as: UTF8.self) == "\(getpid())"
    }

    /// The processes that the threads of a process have started and that have not been reaped.
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
        // The last number may be cut.
        guard let end = text.lastIndex(of: " ") else { return [] }
        return text[..<end].split(separator: " ").compactMap { Int32($0) }
    }
#endif
