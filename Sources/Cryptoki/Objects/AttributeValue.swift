/// The type of an attribute's value, converted to and from the bytes that Cryptoki uses.
public protocol AttributeValue: Sendable {
    /// Reads the value from the bytes that a module returned.
    ///
    /// - Parameter attributeBytes: The bytes of `pValue`.
    /// - Returns: nil if the length of the bytes does not fit the type.
    init?(attributeBytes: [UInt8])

    /// The bytes for `pValue`.
    var attributeBytes: [UInt8] { get }
}

extension Bool: AttributeValue {
    /// Reads a `CK_BBOOL`: true unless every byte is zero. Some modules return more than one byte.
    public init?(attributeBytes: [UInt8]) {
        guard !attributeBytes.isEmpty else { return nil }
        self = attributeBytes.contains { $0 != 0 }
    }

    /// One byte, `CK_TRUE` or `CK_FALSE`.
    public var attributeBytes: [UInt8] { [self ? 1 : 0] }
}

extension UInt: AttributeValue {
    /// Reads a `CK_ULONG` in the machine's byte order. Shorter numbers are accepted.
    public init?(attributeBytes: [UInt8]) {
        guard !attributeBytes.isEmpty, attributeBytes.count <= MemoryLayout<UInt>.size else {
            return nil
        }
        #if _endian(little)
            self = attributeBytes.reversed().reduce(0) { $0 << 8 | UInt($1) }
        #else
            self = attributeBytes.reduce(0) { $0 << 8 | UInt($1) }
        #endif
    }

    /// The bytes of a `CK_ULONG` in the machine's byte order.
    public var attributeBytes: [UInt8] {
        #if _endian(little)
            (0..<MemoryLayout<UInt>.size).map { UInt8(truncatingIfNeeded: self >> ($0 * 8)) }
        #else
            (0..<MemoryLayout<UInt>.size).reversed().map {
                UInt8(truncatingIfNeeded: self >> ($0 * 8))
            }
        #endif
    }
}

extension [UInt8]: AttributeValue {
    /// The bytes themselves: DER, big-endian integers, identifiers.
    public init?(attributeBytes: [UInt8]) {
        self = attributeBytes
    }

    /// The bytes themselves.
    public var attributeBytes: [UInt8] { self }
}

extension String: AttributeValue {
    /// Reads an RFC 2279 (UTF-8) string. Invalid bytes are replaced with U+FFFD.
    public init?(attributeBytes: [UInt8]) {
        self = String(decoding: attributeBytes, as: UTF8.self)
    }

    /// The UTF-8 bytes, without a terminating NUL.
    public var attributeBytes: [UInt8] { Array(utf8) }
}

extension AttributeValue where Self: RawRepresentable, RawValue == UInt {
    /// Reads the raw value, a `CK_ULONG`.
    public init?(attributeBytes: [UInt8]) {
        guard let number = UInt(attributeBytes: attributeBytes) else { return nil }
        self.init(rawValue: number)
    }

    /// The bytes of the raw value, a `CK_ULONG`.
    public var attributeBytes: [UInt8] { rawValue.attributeBytes }
}
