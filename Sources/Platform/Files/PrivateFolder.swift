internal import Synchronization

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// A new temporary folder that only this user can read. It is removed with everything in it when its owner ends,
/// or when a handled signal ends the process. Do not write a secret to it: a loss of power leaves it on the disk.
package struct PrivateFolder: ~Copyable {
    /// The absolute path.
    package let path: String

    /// The folders that exist now.
    private static let paths = Mutex<[String]>([])

    /// Creates a folder in `TMPDIR`, or in `/tmp` if that is not set or its path has a character
    /// with a special meaning in commands or configuration files that contain the path.
    package init() throws(FileError) {
        let chosen = environmentVariable("TMPDIR").flatMap { $0.hasPrefix("/") ? $0 : nil }
        let parent = chosen.flatMap { $0.utf8.allSatisfy(Self.isPlain) ? $0 : nil } ?? "/tmp"
        var template = Array("\(parent)/tokencert-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else {
            throw FileError("cannot create a folder in", parent)
        }
        path = String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let made = path
        Self.paths.withLock { $0.append(made) }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
            || "/._-".utf8.contains(byte)
    }

    deinit {
        removeTree(path, depth: 0)
        let removed = path
        Self.paths.withLock { $0.removeAll { $0 == removed } }
    }

    /// Removes all folders before the process ends without its owners. Each one is tried once.
    static func removeAll() {
        let remaining = paths.withLock { paths in
            let all = paths
            paths = []
            return all
        }
        for path in remaining { removeTree(path, depth: 0) }
    }
}

/// Removes a file, or a folder with everything in it. Links are removed and not followed.
private func removeTree(_ path: String, depth: Int) {
    var status = stat()
    guard unsafe lstat(path, &status) == 0 else { return }
    guard status.kind == S_IFDIR else {
        _ = unsafe unlink(path)
        return
    }
    if depth < 16 {
        for name in (try? names(inFolder: path)) ?? [] {
            removeTree(path + "/" + name, depth: depth + 1)
        }
    }
    _ = unsafe rmdir(path)
}
