internal import TokencertPlatform

/// A form in `application/x-www-form-urlencoded`. It is kept in a secret because it contains the
/// password.
struct Form: ~Copyable {
    private(set) var body = Secret(minimumCapacity: 4096)

    mutating func append(_ name: String, _ value: String) {
        append(name, Array(value.utf8))
    }

    mutating func append(_ name: String, _ value: [UInt8]) {
        begin(name)
        for byte in value { encode(byte) }
    }

    mutating func append(_ name: String, _ value: borrowing Secret) {
        begin(name)
        var index = 0
        while index < value.count {
            encode(value.withBytes { $0[index] })
            index += 1
        }
    }

    private mutating func begin(_ name: String) {
        if !body.isEmpty { body.append(utf8: "&") }
        for byte in name.utf8 { encode(byte) }
        body.append(utf8: "=")
    }

    private mutating func encode(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "_"), UInt8(ascii: "~"):
            body.append(byte)
        default:
            let digits = Array("0123456789ABCDEF".utf8)
            body.append(UInt8(ascii: "%"))
            body.append(digits[Int(byte >> 4)])
            body.append(digits[Int(byte & 15)])
        }
    }
}
