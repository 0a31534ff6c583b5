#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Longer than any PIN or password, shorter than a file that was named by mistake.
private let longestSecret = 4096

func systemMessage() -> String {
    unsafe String(cString: strerror(errno))
}

func readFromFile(_ path: String) throws(SecretError) -> Secret {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
    guard descriptor >= 0 else {
        throw SecretError(.unreadable, "cannot open \(path): \(systemMessage())")
    }
    defer { close(descriptor) }
    var secret = Secret(minimumCapacity: longestSecret)
    while let byte = try nextByte(descriptor, path) {
        secret.append(byte)
        guard secret.count <= longestSecret else {
            throw SecretError(.malformed, "\(path) is longer than \(longestSecret) bytes")
        }
    }
    let lineEnd = secret.withBytes { bytes in
        guard bytes.count > 0, bytes[bytes.count - 1] == 10 else { return 0 }
        return bytes.count > 1 && bytes[bytes.count - 2] == 13 ? 2 : 1
    }
    secret.removeLast(lineEnd)
    return secret
}

func readLine(_ descriptor: Int32, _ name: String) throws(SecretError) -> Secret {
    // Byte by byte, so that a second secret may follow on the next line of the same descriptor.
    var secret = Secret(minimumCapacity: longestSecret)
    while let byte = try nextByte(descriptor, name), byte != 10 {
        secret.append(byte)
        guard secret.count <= longestSecret else {
            throw SecretError(.malformed, "a line of \(name) is longer than \(longestSecret) bytes")
        }
    }
    let carriageReturn = secret.withBytes { $0.count > 0 && $0[$0.count - 1] == 13 }
    if carriageReturn {
        secret.removeLast(1)
    }
    return secret
}

func readFromEnvironment(_ name: String) throws(SecretError) -> Secret {
    guard let value = unsafe getenv(name) else {
        throw SecretError(.unreadable, "the environment has no variable \(name)")
    }
    let length = unsafe strlen(value)
    let secret = unsafe Secret(
        copying: UnsafeRawBufferPointer(start: value, count: length))
    // The environment of a process can be read by others of the same user, and is handed on to
    // every program that a module starts.
    unsafe cleanse(UnsafeMutableRawPointer(value), length)
    unsafe unsetenv(name)
    return secret
}

func nextByte(_ descriptor: Int32, _ name: String) throws(SecretError) -> UInt8? {
    var byte: UInt8 = 0
    while true {
        let count = unsafe read(descriptor, &byte, 1)
        if count == 1 { return byte }
        if count == 0 { return nil }
        guard errno == EINTR else {
            throw SecretError(.unreadable, "cannot read \(name): \(systemMessage())")
        }
    }
}
