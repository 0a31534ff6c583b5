internal import Synchronization

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Captures what a PKCS#11 module writes to standard error in this process, and to standard output if that
/// is reserved for this program.
///
/// During the capture, descriptor 2 is an unnamed file: unlike a pipe, it neither blocks the module
/// nor causes SIGPIPE. This program itself writes to ``descriptor``.
package enum HeldStandardError {
    /// The descriptor that this program currently uses as standard error.
    package static var descriptor: Int32 {
        isHeld.load(ordering: .sequentiallyConsistent) ? original : 2
    }

    /// Starts the capture. If the system does not permit it, the text stays visible.
    package static func begin() {
        file.withLock { file in
            var limit = rlimit()
            // A limit on file sizes would end the process with SIGXFSZ.
            guard file == nil, original >= 0, unsafe getrlimit(fileSize, &limit) == 0,
                limit.rlim_cur >= rlim_t(Int64.max), let opened = unsafe tmpfile()
            else { return }
            let descriptor = unsafe fcntl(fileno(opened), F_DUPFD_CLOEXEC, 3)
            unsafe fclose(opened)
            isHeld.store(true, ordering: .sequentiallyConsistent)
            guard descriptor >= 0, dup2(descriptor, 2) == 2 else {
                isHeld.store(false, ordering: .sequentiallyConsistent)
                if descriptor >= 0 { close(descriptor) }
                return
            }
            file = descriptor
            if standardOutput != 1 { _ = dup2(descriptor, 1) }
        }
    }

    /// Ends the capture and returns the captured bytes, at most 64 KiB.
    package static func end() -> [UInt8] {
        file.withLock { file in
            guard let descriptor = file else { return [] }
            file = nil
            _ = dup2(original, 2)
            if standardOutput != 1 { _ = dup2(original, 1) }
            isHeld.store(false, ordering: .sequentiallyConsistent)
            var bytes = [UInt8](repeating: 0, count: 1 << 16)
            let count = unsafe pread(descriptor, &bytes, bytes.count, 0)
            close(descriptor)
            return Array(bytes.prefix(max(count, 0)))
        }
    }

    private static let file = Mutex<Int32?>(nil)
    /// Read without a lock, because the thread that reports an interruption also writes.
    private static let isHeld = Atomic<Bool>(false)
    /// A duplicate of standard error. It stays open, because another thread may be writing to it.
    private static let original = fcntl(2, F_DUPFD_CLOEXEC, 3)
    #if canImport(Glibc)
        private static let fileSize = __rlimit_resource_t(RLIMIT_FSIZE.rawValue)
    #else
        private static let fileSize = RLIMIT_FSIZE
    #endif
}
