#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// The absolute path of the user's home folder: `HOME`, or the entry in the user database if `HOME`
/// is unset or empty. nil if there is none.
package func homeFolder() -> String? {
    if let value = unsafe getenv("HOME"), unsafe value.pointee != 0 {
        let home = unsafe String(cString: value)
        return home.hasPrefix("/") ? home : nil
    }
    var buffer = [CChar](repeating: 0, count: 1 << 14)
    let home: String? = unsafe buffer.withUnsafeMutableBufferPointer { buffer in
        var entry = unsafe passwd()
        var found: UnsafeMutablePointer<passwd>?
        guard let start = buffer.baseAddress,
            unsafe getpwuid_r(getuid(), &entry, start, buffer.count, &found) == 0,
            unsafe found != nil, let folder = unsafe entry.pw_dir
        else { return nil }
        return unsafe String(cString: folder)
    }
    return home.flatMap { $0.hasPrefix("/") ? $0 : nil }
}
