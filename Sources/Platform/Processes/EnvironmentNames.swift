#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

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
