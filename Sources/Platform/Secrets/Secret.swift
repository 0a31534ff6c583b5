#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Bytes that must not leave the process by accident: a PIN, a password, a form that holds one.
///
/// The bytes live in memory of their own that is kept out of swap and of core files where the
/// system allows it, and that is overwritten before it is given back. A secret has one owner, it
/// cannot be copied, and it cannot be interpolated into a string: both do not compile. Its bytes
/// are seen only inside a closure.
@safe public struct Secret: ~Copyable, @unchecked Sendable {
    private var base: UnsafeMutableRawPointer
    private var capacity: Int

    /// The number of bytes, without the NUL that follows them in memory.
    public private(set) var count: Int

    /// Makes an empty secret.
    ///
    /// - Parameter minimumCapacity: How many bytes fit before the secret moves to a larger place.
    public init(minimumCapacity: Int = 256) {
        // One byte more, for the NUL.
        capacity = Self.pageAligned(max(minimumCapacity, 0) + 1)
        unsafe base = Self.allocate(capacity)
        count = 0
    }

    /// Makes a secret from bytes that its caller already holds.
    ///
    /// The caller's own copy is not overwritten: use the functions of ``SecretSource`` where the
    /// bytes come from outside.
    ///
    /// - Parameter bytes: The bytes, copied.
    public init(copying bytes: some Sequence<UInt8>) {
        self.init()
        for byte in bytes {
            append(byte)
        }
    }

    deinit {
        unsafe Self.release(base, capacity)
    }

    /// Whether there are no bytes.
    public var isEmpty: Bool { count == 0 }

    /// Adds one byte at the end.
    ///
    /// - Parameter byte: The byte.
    public mutating func append(_ byte: UInt8) {
        if count + 1 >= capacity {
            grow()
        }
        unsafe base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count += 1
    }

    /// Adds the UTF-8 bytes of a text that is not itself secret.
    ///
    /// - Parameter text: The text.
    public mutating func append(utf8 text: String) {
        for byte in text.utf8 {
            append(byte)
        }
    }

    /// Removes bytes from the end and overwrites them.
    ///
    /// - Parameter number: How many bytes, at most ``count``.
    public mutating func removeLast(_ number: Int) {
        precondition(number >= 0, "a negative number of bytes")
        let removed = min(number, count)
        count -= removed
        unsafe cleanse(base + count, removed)
    }

    /// Makes a second secret with the same bytes.
    ///
    /// - Returns: The secret, which the caller owns.
    public borrowing func duplicate() -> Secret {
        var copy = Secret(minimumCapacity: count)
        unsafe copy.base.copyMemory(from: base, byteCount: count)
        copy.count = count
        return copy
    }

    /// Gives the bytes to a closure.
    ///
    /// - Parameter body: What is done with the bytes. They must not be kept.
    /// - Returns: What the closure returns.
    /// - Throws: What the closure throws.
    public borrowing func withBytes<Result: ~Copyable, Failure: Error>(
        _ body: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let buffer = unsafe UnsafeRawBufferPointer(start: base, count: count)
        let bytes = unsafe buffer.bindMemory(to: UInt8.self)
        return try unsafe body(Span(_unsafeElements: bytes))
    }

    /// Gives the bytes to a closure that calls C. A NUL that is not counted follows the last one,
    /// since some PKCS#11 modules compare PINs as C strings.
    ///
    /// - Parameter body: What is done with the bytes. The pointer must not be kept or written to.
    /// - Returns: What the closure returns.
    /// - Throws: What the closure throws.
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
            // There is no error to report to where a page cannot be had.
            fatalError("out of memory")
        }
        // Both are refused where the user's limits are low: the secret then is as safe as the
        // rest of the process, which is no reason to refuse to work.
        _ = unsafe mlock(memory, size)
        #if os(Linux)
            // MADV_DONTDUMP, which Glibc's module does not have.
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

/// Overwrites memory in a way that the compiler does not leave out.
///
/// - Parameters:
///   - memory: The first byte.
///   - size: How many bytes.
@unsafe public func cleanse(_ memory: UnsafeMutableRawPointer, _ size: Int) {
    #if canImport(Darwin)
        _ = unsafe memset_s(memory, size, 0, size)
    #else
        unsafe explicit_bzero(memory, size)
    #endif
}
