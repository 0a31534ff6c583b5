#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Bytes that must not leave the process by accident: a PIN, a password, or a form that contains
/// one.
///
/// The bytes are kept in their own memory pages, which are locked and excluded from core files if
/// the system allows it, and overwritten before they are released. A secret has one owner; copying
/// it or interpolating it into a string does not compile. Only closures see its bytes.
@safe public struct Secret: ~Copyable, @unchecked Sendable {
    private var base: UnsafeMutableRawPointer
    private var capacity: Int

    /// The number of bytes, without the NUL that follows them in memory.
    public private(set) var count: Int

    /// Creates an empty secret.
    ///
    /// - Parameter minimumCapacity: The number of bytes to allocate memory for.
    public init(minimumCapacity: Int = 256) {
        // One more byte for the NUL.
        capacity = Self.pageAligned(max(minimumCapacity, 0) + 1)
        unsafe base = Self.allocate(capacity)
        count = 0
    }

    /// Creates a secret from bytes that the caller already has.
    ///
    /// The caller's copy is not overwritten. For bytes from outside the process, use
    /// ``SecretSource``.
    ///
    /// - Parameter bytes: The bytes to copy.
    public init(copying bytes: some Sequence<UInt8>) {
        self.init()
        for byte in bytes {
            append(byte)
        }
    }

    deinit {
        unsafe Self.release(base, capacity)
    }

    /// Whether the secret has no bytes.
    public var isEmpty: Bool { count == 0 }

    /// Appends one byte.
    ///
    /// - Parameter byte: The byte.
    public mutating func append(_ byte: UInt8) {
        if count + 1 >= capacity {
            grow()
        }
        unsafe base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count += 1
    }

    /// Appends the UTF-8 bytes of a text that is not itself secret.
    ///
    /// - Parameter text: The text.
    public mutating func append(utf8 text: String) {
        for byte in text.utf8 {
            append(byte)
        }
    }

    /// Removes bytes from the end and overwrites them.
    ///
    /// - Parameter number: The number of bytes; if it exceeds ``count``, all are removed.
    public mutating func removeLast(_ number: Int) {
        precondition(number >= 0, "a negative number of bytes")
        let removed = min(number, count)
        count -= removed
        unsafe cleanse(base + count, removed)
    }

    /// Creates a second secret with the same bytes.
    ///
    /// - Returns: The copy; the caller owns it.
    public borrowing func duplicate() -> Secret {
        var copy = Secret(minimumCapacity: count)
        unsafe copy.base.copyMemory(from: base, byteCount: count)
        copy.count = count
        return copy
    }

    /// Whether another secret has the same bytes. The time depends on their number only.
    package borrowing func isSame(as other: borrowing Secret) -> Bool {
        withBytes { one in
            other.withBytes { other in
                guard one.count == other.count else { return false }
                var differences: UInt8 = 0
                for index in one.indices { differences |= one[index] ^ other[index] }
                return differences == 0
            }
        }
    }

    /// Passes the bytes to a closure.
    ///
    /// - Parameter body: The closure. It must not keep the bytes.
    /// - Returns: The result of the closure.
    /// - Throws: The error of the closure.
    public borrowing func withBytes<Result: ~Copyable, Failure: Error>(
        _ body: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let buffer = unsafe UnsafeRawBufferPointer(start: base, count: count)
        let bytes = unsafe buffer.bindMemory(to: UInt8.self)
        return try unsafe body(Span(_unsafeElements: bytes))
    }

    /// Passes the bytes to a closure that calls C. An uncounted NUL follows the last byte, because
    /// some PKCS#11 modules compare PINs as C strings.
    ///
    /// - Parameter body: The closure. It must not keep the pointer or write to it.
    /// - Returns: The result of the closure.
    /// - Throws: The error of the closure.
    @unsafe public borrowing func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeMutableBufferPointer<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        unsafe base.storeBytes(of: 0, toByteOffset: count, as: UInt8.self)
        let buffer = unsafe UnsafeMutableRawBufferPointer(start: base, count: count)
        return try unsafe body(buffer.bindMemory(to: UInt8.self))
    }

    private mutating func grow() {
        let largerCapacity = capacity * 2
        let larger = unsafe Self.allocate(largerCapacity)
        unsafe larger.copyMemory(from: base, byteCount: count)
        unsafe Self.release(base, capacity)
        unsafe base = larger
        capacity = largerCapacity
    }

    private static func pageAligned(_ size: Int) -> Int {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        return (size + page - 1) / page * page
    }

    private static func allocate(_ size: Int) -> UnsafeMutableRawPointer {
        guard
            let memory = unsafe mmap(
                nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0),
            unsafe memory != MAP_FAILED
        else {
            // Callers cannot continue without memory for the secret.
            fatalError("out of memory")
        }
        // A refusal, for example because of a low limit, is ignored: the secret is then as safe as
        // the rest of the process.
        _ = unsafe mlock(memory, size)
        #if os(Linux)
            // MADV_DONTDUMP, which Swift's Glibc module does not define.
            let doNotDump: Int32 = 16
            _ = unsafe madvise(memory, size, doNotDump)
        #endif
        return unsafe memory
    }

    private static func release(_ memory: UnsafeMutableRawPointer, _ size: Int) {
        unsafe cleanse(memory, size)
        unsafe munlock(memory, size)
        unsafe munmap(memory, size)
    }
}

/// A copyable reference to a secret, which is erased with the last reference.
package final class SharedSecret: Sendable {
    package let secret: Secret

    package init(_ secret: consuming Secret) { self.secret = secret }
}

/// Overwrites memory in a way that the compiler cannot remove.
///
/// - Parameters:
///   - memory: The first byte.
///   - size: The number of bytes.
@unsafe public func cleanse(_ memory: UnsafeMutableRawPointer, _ size: Int) {
    #if canImport(Darwin)
        _ = unsafe memset_s(memory, size, 0, size)
    #else
        unsafe explicit_bzero(memory, size)
    #endif
}
