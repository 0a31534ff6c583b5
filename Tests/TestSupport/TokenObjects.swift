internal import Foundation

/// An object on a token, as the module returns it.
package struct TokenObject: Sendable, Hashable {
    /// `CKA_CLASS`: 1 certificates, 2 public keys, 3 private keys.
    package let objectClass: Int
    /// `CKA_ID`.
    package let id: [UInt8]
    /// `CKA_LABEL`.
    package let label: [UInt8]
    /// `CKA_VALUE`.
    package let value: [UInt8]
}

/// The kind of a key pair.
package enum PairKind: String, Sendable, CaseIterable {
    /// RSA with 2048 bits.
    case rsa
    /// On P-256.
    case ec
}

extension ThrowawayToken {
    /// Generates a key pair on the token, as another program would.
    ///
    /// - Parameters:
    ///   - kind: The kind of key pair.
    ///   - id: `CKA_ID` of both halves; omitted if empty.
    ///   - label: `CKA_LABEL` of both halves.
    ///   - forbidden: Attributes of the private key that are set to false, by their numbers:
    ///     `0x108` for `CKA_SIGN`, `0x172` for `CKA_DESTROYABLE`.
    package func makePair(
        _ kind: PairKind, id: [UInt8] = [], label: [UInt8], forbidding forbidden: [Int] = []
    ) throws {
        let name = Self.name(id, label)
        let uses = Dictionary(
            uniqueKeysWithValues: Set([0x108, 0x105] + forbidden).map {
                (String($0, radix: 16), forbidden.contains($0) ? "00" : "01")
            })
        try objects([
            [
                "pair": kind.rawValue, "public": name,
                "private": name.merging(uses) { $1 },
            ]
        ])
    }

    /// Writes a certificate with any value. An empty id is omitted.
    package func write(certificate value: [UInt8], id: [UInt8] = [], label: [UInt8]) throws {
        var attributes = Self.name(id, label)
        attributes["0"] = "0100000000000000"
        attributes["1"] = "01"
        attributes["2"] = "00"
        attributes["80"] = "0000000000000000"
        // SoftHSM2 requires a subject and accepts any.
        attributes["101"] = "3000"
        attributes["11"] = Self.digits(value)
        try objects([["object": attributes]])
    }

    /// Removes the objects with this `CKA_VALUE`.
    package func remove(value: [UInt8]) throws {
        try objects([["remove": Self.digits(value)]])
    }

    /// All objects on the token, as the user sees them.
    package func objects() throws -> [TokenObject] { try objects([]) }

    @discardableResult
    private func objects(_ requests: [[String: Any]]) throws -> [TokenObject] {
        let script = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "objects.py").path()
        let text = String(
            decoding: try JSONSerialization.data(withJSONObject: requests), as: UTF8.self)
        let outcome = try run(
            "/usr/bin/python3", [script, softHSMModule, label],
            environment: environment.merging(["PIN": pin]) { $1 }, input: text)
        guard outcome.status == 0,
            let all = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
                as? [[String: String]]
        else { throw SetUpError(outcome.output + outcome.errors) }
        return all.map { object in
            func bytes(_ name: String) -> [UInt8] {
                let digits = Array(object[name] ?? "")
                return stride(from: 0, to: digits.count, by: 2).compactMap {
                    UInt8(String(digits[$0..<$0 + 2]), radix: 16)
                }
            }
            return TokenObject(
                objectClass: Int(object["class"] ?? "") ?? -1, id: bytes("id"),
                label: bytes("label"), value: bytes("value"))
        }
    }

    private static func name(_ id: [UInt8], _ label: [UInt8]) -> [String: String] {
        var name = ["3": digits(label)]
        if !id.isEmpty { name["102"] = digits(id) }
        return name
    }

    private static func digits(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
