#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Longer than any PIN or password, shorter than most files named by mistake.
private let longestSecret = 4096

func systemMessage() -> String {
    unsafe String(cString: strerror(errno))
}

/// The time limit of each kind of source, in seconds.
package enum TimeLimit {
    /// A named pipe to which a program writes.
    package static let file = 60
    /// A descriptor, a command and pinentry: the user may have to touch a device or type a
    /// passphrase.
    package static let person = 600
}

/// The time at which reading from a source fails.
struct Deadline {
    private let seconds: Int
    private let end: ContinuousClock.Instant

    init(seconds: Int) {
        self.seconds = seconds
        end = .now + .seconds(seconds)
    }

    /// The remaining time for `poll`; 0 after the deadline.
    var milliseconds: Int32 { Int32(max(0, (end - .now) / .milliseconds(1)).rounded(.up)) }

    /// The error of a source that took too long.
    func failure(_ name: String) -> SecretError {
        SecretError(.timedOut, "no data from \(name) within \(seconds) seconds")
    }
}

/// Reads a file or a named pipe to its end.
///
/// - Throws: ``SecretError/Code/timedOut`` if the writer of a pipe does not close it in time.
package func readFromFile(
    _ path: String, withinSeconds seconds: Int = TimeLimit.file
) throws(SecretError) -> Secret {
    // open() would block indefinitely on a named pipe without a writer.
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
    guard descriptor >= 0 else {
        throw SecretError(.unreadable, "cannot open \(path): \(systemMessage())")
    }
    defer { close(descriptor) }
    let deadline = Deadline(seconds: seconds)
    var secret = Secret(minimumCapacity: longestSecret)
    while let byte = try nextByte(descriptor, path, before: deadline) {
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

func readLine(
    _ descriptor: Int32, _ name: String, before deadline: Deadline
) throws(SecretError) -> Secret {
    // Byte by byte, so that a second secret may follow on the next line of the same descriptor.
    var secret = Secret(minimumCapacity: longestSecret)
    while let byte = try nextByte(descriptor, name, before: deadline), byte != 10 {
        secret.append(byte)
        guard secret.count <= longestSecret else {
            throw SecretError(.malformed, "a line of \(name) is longer than \(longestSecret) bytes")
        }
    }
    let carriageReturn = secret.withBytes { $0.count > 0 && $0[$0.count - 1] == 13 }
    if carriageReturn { secret.removeLast(1) }
    return secret
}

func readFromEnvironment(_ name: String) throws(SecretError) -> Secret {
    guard let value = unsafe getenv(name) else {
        throw SecretError(.unreadable, "environment variable \(name) is not set")
    }
    let length = unsafe strlen(value)
    let secret = unsafe Secret(
        copying: UnsafeRawBufferPointer(start: value, count: length))
    // Other processes of the same user can read the environment, and every program that a module
    // starts inherits it.
    unsafe cleanse(UnsafeMutableRawPointer(value), length)
    unsafe unsetenv(name)
    return secret
}

func nextByte(
    _ descriptor: Int32, _ name: String, before deadline: Deadline
) throws(SecretError) -> UInt8? {
    var byte: UInt8 = 0
    while true {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        let ready = unsafe poll(&waiting, 1, deadline.milliseconds)
        guard ready != 0 else { throw deadline.failure(name) }
        if ready < 0, errno == EINTR { continue }
        let count = unsafe read(descriptor, &byte, 1)
        if count == 1 { return byte }
        if count == 0 { return nil }
        guard errno == EINTR || errno == EAGAIN else {
            throw SecretError(.unreadable, "cannot read \(name): \(systemMessage())")
        }
    }
}

extension Secret {
    /// The bytes without the byte order mark that some editors write at the start of a UTF-8 file.
    consuming func withoutByteOrderMark() -> Secret {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        guard starts(with: mark) else { return self }
        var rest = Secret(minimumCapacity: count)
        withBytes { bytes in
            for index in mark.count..<bytes.count { rest.append(bytes[index]) }
        }
        return rest
    }

    borrowing func starts(with prefix: [UInt8]) -> Bool {
        withBytes { bytes in
            bytes.count >= prefix.count && prefix.indices.allSatisfy { bytes[$0] == prefix[$0] }
        }
    }
}
