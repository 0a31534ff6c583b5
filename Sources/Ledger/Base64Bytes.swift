internal import FoundationEssentials

/// Bytes that stand as base64 in the ledger's texts.
package struct Base64Bytes: Sendable, Hashable {
    /// The bytes.
    package let bytes: [UInt8]

    /// Takes bytes.
    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }
}

extension Base64Bytes: Codable {
    /// Reads base64 (RFC 4648, section 4).
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let data = Data(base64Encoded: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "no base64")
        }
        bytes = Array(data)
    }

    /// Writes base64 without line ends.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(Data(bytes).base64EncodedString())
    }
}
