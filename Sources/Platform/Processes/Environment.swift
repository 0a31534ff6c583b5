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

/// Whether an environment variable is in UTF-8, or is not set. In other text, ``environmentVariable(_:)``
/// replaces bytes.
package func isEnvironmentVariableUTF8(_ name: String) -> Bool {
    guard let value = unsafe getenv(name) else { return true }
    return unsafe String(validatingCString: value) != nil
}

/// The position of the first argument of this process, after its name, that is not in UTF-8, or nil.
/// `CommandLine.arguments` has other bytes for it.
package func positionOfArgumentNotInUTF8() -> Int? {
    for position in 1..<max(1, Int(CommandLine.argc)) {
        guard let argument = unsafe CommandLine.unsafeArgv[position] else { break }
        if unsafe String(validatingCString: argument) == nil { return position }
    }
    return nil
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

/// How the environment of a program differs from that of this process.
package struct EnvironmentChanges: Sendable, Hashable {
    /// Variables whose names begin with this text are not inherited.
    package let removedPrefix: String
    /// Other variables that are not inherited.
    package let removedNames: [String]
    /// Variables that are set, by name.
    package let added: [String: String]

    /// Creates changes; the variables that are set may begin with the prefix.
    package init(
        removingPrefix removedPrefix: String, removing removedNames: [String] = [],
        adding added: [String: String]
    ) {
        self.removedPrefix = removedPrefix
        self.removedNames = removedNames
        self.added = added
    }

    /// The changed environment: copies of its variables, which the caller frees, and nil at the end.
    func copies() -> [UnsafeMutablePointer<CChar>?] {
        // A variable that is set twice has the value that the program happens to read.
        let prefixes = (removedNames + added.keys).map { $0 + "=" } + [removedPrefix]
        var copies = unsafe added.map { unsafe strdup("\($0.key)=\($0.value)") }
        var entry: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = unsafe environ
        while let place = unsafe entry, let text = unsafe place.pointee {
            if !prefixes.contains(where: { unsafe strncmp(text, $0, $0.utf8.count) == 0 }) {
                unsafe copies.append(strdup(text))
            }
            unsafe entry = place + 1
        }
        return unsafe copies + [nil]
    }
}
