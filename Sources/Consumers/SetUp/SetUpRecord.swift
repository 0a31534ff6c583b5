internal import FoundationEssentials

/// What was written for a consumer, so that it can be found, renewed and taken back.
package struct SetUpRecord: Codable, Sendable, Hashable {
    /// A file that was written.
    struct File: Codable, Sendable, Hashable {
        let path: String
        /// SHA-256 of the content before the first set-up, in hexadecimal; nil if there was no file.
        let original: String?
        /// The name of the backup in the folder of the records; nil if there was no file.
        let backup: String?
        /// SHA-256 of what this set-up wrote and of what an earlier one had written: after a loss of power
        /// the file may have either.
        var written: [String]
        /// Whether only a block of it belongs to tokencert.
        let isBlock: Bool
        /// The lines of the block that this set-up wrote and of that which the file had before. Other lines
        /// in the block are those of the user. nil for other files, and in records that were written
        /// without it.
        var lines: [[String]]?
    }

    /// The version of the format that this program writes. A change that an older version of tokencert would
    /// not understand needs a higher one.
    static let currentVersion = 1

    /// The version of the format; nil in records of version 1 that were written without it.
    private(set) var version: Int? = currentVersion
    /// The name of the consumer.
    package let consumer: String
    package let modulePath: String
    /// The URI of the token.
    package let token: String
    /// `CKA_ID` in hexadecimal.
    package let keyID: String
    /// SHA-256 of the certificate, in hexadecimal.
    package let fingerprint: String
    package let place: Place
    var files: [File]
    /// The folders that tokencert made for the files, without those of the records.
    var folders: [String]?
    /// True after all files were written; nil before, and in records of earlier versions.
    var isComplete: Bool?
}

extension SetUpRecord {
    init(json bytes: [UInt8]) throws {
        self = try JSONDecoder().decode(Self.self, from: Data(bytes))
    }

    /// Whether a later version of tokencert wrote a record. All other members may have changed then.
    static func isOfLaterVersion(json bytes: [UInt8]) -> Bool {
        struct Format: Decodable {
            let version: Int
        }
        let format = try? JSONDecoder().decode(Format.self, from: Data(bytes))
        return format.map { $0.version > currentVersion } == true
    }

    /// Whether it can be the record of a consumer. A record that was edited must not make tokencert read or
    /// remove other files.
    func isValid(for name: String) -> Bool {
        (version ?? 1) >= 1 && consumer == name
            && (files.map(\.path) + (folders ?? [])).allSatisfy { $0.hasPrefix("/") }
            && files.allSatisfy { file in
                (file.original == nil) == (file.backup == nil)
                    && file.backup.map {
                        $0.hasPrefix(name + "-") && $0.hasSuffix(".backup") && !$0.contains("/")
                    } != false
            }
    }

    func json() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(self))
    }
}
