internal import Synchronization

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

private let expectation = Mutex<(status: Int32, report: @Sendable () -> Void)?>(nil)

/// Has the process end with another status if a library calls `exit` before ``endExpectation()``: a module
/// that ends the program must not look like success.
///
/// - Parameters:
///   - status: The status of the process.
///   - report: Tells the user.
package func expectReturn(orEndWith status: Int32, _ report: @escaping @Sendable () -> Void) {
    expectation.withLock { $0 = (status, report) }
    atexit {
        guard let (status, report) = expectation.withLock({ $0 }) else { return }
        report()
        _exit(status)
    }
}

/// Has `exit` end the process as usual again.
package func endExpectation() {
    expectation.withLock { $0 = nil }
}
