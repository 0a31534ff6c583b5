#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Reads one environment variable without copying the others, which may be secrets.
///
/// - Returns: nil if it is not set or empty.
package func environmentVariable(_ name: String) -> String? {
    guard let value = unsafe getenv(name) else { return nil }
    let text = unsafe String(cString: value)
    return text.isEmpty ? nil : text
}

/// The sorted names of environment variables, without their values, which may be secrets.
package func environmentVariableNames(beginningWith prefix: String) -> [String] {
    var names: [String] = []
    var entry: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = unsafe environ
    while let place = unsafe entry, let text = unsafe place.pointee {
        if unsafe strncmp(text, prefix, prefix.utf8.count) == 0,
            let end = unsafe strchr(text, 0x3D)
        {
            let name = unsafe UnsafeRawBufferPointer(start: text, count: end - text)
            unsafe names.append(String(decoding: name, as: UTF8.self))
        }
        unsafe entry = place + 1
    }
    return names.sorted()
}
