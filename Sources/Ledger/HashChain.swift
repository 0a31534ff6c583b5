internal import OpenSSLX509

/// What binds every event to all that came before it.
enum HashChain {
    /// What the first event is bound to.
    static let beginning = String(repeating: "0", count: 64)

    /// The hash of an event in hexadecimal: SHA-256 over the hash before it, as it stands there, and
    /// everything that the event says, each number in eight bytes and each text behind its length.
    static func hash(
        after previous: String, sequence: Int64, order: Int64, time: Int64, kind: String,
        text: String
    ) -> String {
        var message = Array(previous.utf8)
        for number in [sequence, order, time, Int64(kind.utf8.count)] {
            append(number, to: &message)
        }
        message += Array(kind.utf8)
        append(Int64(text.utf8.count), to: &message)
        message += Array(text.utf8)
        return hexadecimal(Digest.sha256.hash(message))
    }

    private static func append(_ number: Int64, to message: inout [UInt8]) {
        for shift in stride(from: Int64(56), through: 0, by: -8) {
            message.append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }
}
