#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Reads one variable of the environment, without a copy of all the others, which may be secrets.
///
/// - Parameter name: The variable.
/// - Returns: Its value, or nil where it is not there or empty.
package func environmentVariable(_ name: String) -> String? {
    guard let value = unsafe getenv(name) else { return nil }
    let text = unsafe String(cString: value)
    return text.isEmpty ? nil : text
}

/// The names of environment variables, without their values, which may be secrets.
///
/// The C variable is `environ`.
///
/// - Parameter prefix: The prefix of the names.
/// - Returns: The names, in alphabetical order.
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
