internal import Synchronization

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Opens those of the descriptors 0, 1 and 2 that are closed, so that no file or pipe gets one of
/// these numbers later. Call it before anything else. Reading from 0 and writing to 1 and 2 still
/// fails: each is opened in the opposite direction, as glibc does for set-user-ID programs.
package func openStandardDescriptors() {
    for descriptor: Int32 in 0...2 where fcntl(descriptor, F_GETFD) < 0 {
        let mode = descriptor == 0 ? O_WRONLY : O_RDONLY
        var opened = unsafe open("/dev/null", mode)
        // A container may have no /dev.
        if opened < 0 { opened = unsafe open("/", O_RDONLY) }
        guard opened >= 0, opened != descriptor else { continue }
        dup2(opened, descriptor)
        close(opened)
    }
}

/// Keeps standard output for this program: what modules and other libraries write to descriptor 1 goes to
/// standard error, and not into JSON or a certificate. Call it before another thread starts.
package func reserveStandardOutput() {
    let own = fcntl(1, F_DUPFD_CLOEXEC, 3)
    guard own >= 0 else { return }
    guard dup2(2, 1) == 1 else {
        close(own)
        return
    }
    reserved.store(own, ordering: .sequentiallyConsistent)
}

/// The descriptor of this program's own standard output.
package var standardOutput: Int32 { reserved.load(ordering: .sequentiallyConsistent) }

private let reserved = Atomic<Int32>(1)

/// Creates a pipe whose ends, which the caller closes, are not inherited by other programs and are
/// not standard descriptors. nil if no descriptor is available, with the reason in `errno`.
package func makePipe() -> (read: Int32, write: Int32)? {
    var ends: [Int32] = [-1, -1]
    #if os(Linux)
        // Glibc declares pipe2 only with _GNU_SOURCE, which Swift does not define.
        typealias Pipe2 = @convention(c) (UnsafeMutablePointer<Int32>, Int32) -> Int32
        if let symbol = unsafe dlsym(nil, "pipe2") {
            let pipe2 = unsafe unsafeBitCast(symbol, to: Pipe2.self)
            guard unsafe pipe2(&ends, O_CLOEXEC) == 0 else { return nil }
        }
    #endif
    if ends[0] < 0 {
        guard unsafe pipe(&ends) == 0 else { return nil }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    }
    for index in ends.indices where ends[index] <= 2 {
        let moved = fcntl(ends[index], F_DUPFD_CLOEXEC, 3)
        guard moved >= 0 else {
            let reason = errno
            for end in ends { close(end) }
            errno = reason
            return nil
        }
        close(ends[index])
        ends[index] = moved
    }
    return (ends[0], ends[1])
}

/// Writes bytes to a descriptor that may be blocked, for at most a given time; returns whether
/// everything was written. Takes no lock, so another thread may be blocked in a write to the same
/// descriptor.
@discardableResult
package func writeWithoutBlocking(
    _ bytes: some Sequence<UInt8>, to descriptor: Int32, withinMilliseconds milliseconds: Int
) -> Bool {
    let end = ContinuousClock.now + .milliseconds(milliseconds)
    var rest = Array(bytes)[...]
    while !rest.isEmpty {
        let left = (end - .now) / .milliseconds(1)
        var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        let count = unsafe poll(&waiting, 1, Int32(max(left, 0)))
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return false }
        // A write of at most PIPE_BUF bytes to a pipe that is ready does not block; POSIX
        // guarantees at least 512.
        let written = unsafe rest.prefix(512).withUnsafeBytes { buffer in
            unsafe write(descriptor, buffer.baseAddress, buffer.count)
        }
        if written < 0, errno == EINTR || errno == EAGAIN { continue }
        guard written > 0 else { return false }
        rest = rest.dropFirst(written)
    }
    return true
}
