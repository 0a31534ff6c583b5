#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Excludes this process's memory from core files and from other processes of the same user: a
/// PKCS#11 module keeps copies of a PIN in memory that ``Secret`` does not own. Call it before the
/// first secret is read. Failures are ignored.
package func protectProcessMemory() {
    var limit = rlimit(rlim_cur: 0, rlim_max: 0)
    #if canImport(Glibc)
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
    #else
        _ = unsafe setrlimit(RLIMIT_CORE, &limit)
    #endif
    #if os(Linux)
        // prctl(2) is variadic, which Swift does not import; on Linux it can be called as a
        // function of five words.
        typealias ProcessControl = @convention(c) (Int32, UInt, UInt, UInt, UInt) -> Int32
        let setDumpable: Int32 = 4
        if let symbol = unsafe dlsym(nil, "prctl") {
            let prctl = unsafe unsafeBitCast(symbol, to: ProcessControl.self)
            _ = prctl(setDumpable, 0, 0, 0, 0)
        }
    #endif
}

/// Whether this process runs as root.
package var isSuperuser: Bool { geteuid() == 0 }
