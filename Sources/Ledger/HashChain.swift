internal import OpenSSLX509

/// Links every event to all earlier events.
enum HashChain {
    /// The hash before the first event.
    static let beginning = String(repeating: "0", count: 64)

    /// The hexadecimal SHA-256 of the previous hash (as hexadecimal text) and all fields of an
    /// event: each number as eight bytes, big-endian, and each text preceded by its length.
    static func hash(
        after previous: String, sequence: Int64, order: Int64, time: Int64, kind: String,
        text: String
    ) -> String {
        var message: [UInt8] = []
        message.reserveCapacity(previous.utf8.count + 40 + kind.utf8.count + text.utf8.count)
        message += previous.utf8
        append(sequence, to: &message)
        append(order, to: &message)
        append(time, to: &message)
        append(Int64(kind.utf8.count), to: &message)
        message += kind.utf8
        append(Int64(text.utf8.count), to: &message)
        message += text.utf8
        return hexadecimal(Digest.sha256.hash(message))
    }

    private static func append(_ number: Int64, to message: inout [UInt8]) {
        for shift in stride(from: Int64(56), through: 0, by: -8) {
            message.append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }
}
