internal import Cryptoki
internal import OpenSSLX509
internal import TokencertTokens

/// What a command deletes from a token, for the user who confirms it.
struct RemovalSummary {
    /// The key whose objects are deleted, or nil.
    let key: KeyEntry?
    /// The objects of the key pair that are deleted.
    let records: [ObjectRecord]
    let certificates: [CertificateEntry]
    /// What loses its key, and other consequences.
    let consequences: [String]

    /// A line for the key and for each certificate, and the consequences, broken to fit a width.
    func lines(width: Int?) -> [String] {
        let keys = records.isEmpty ? [] : [keyLine]
        let lines =
            (keys + certificates.map(Self.line)).map { "  " + printable($0) }
            + consequences.map { "  ! " + printable($0) }
        return lines.flatMap { folded($0, at: 4, width: width) }
    }

    /// The number of keys and certificates: `1 key pair and 1 certificate`.
    var count: String {
        let keys = records.isEmpty ? [] : ["1 \(keyNoun)"]
        let number = certificates.count
        let others = number == 0 ? [] : ["\(number) certificate" + (number == 1 ? "" : "s")]
        return (keys + others).joined(separator: " and ")
    }

    private var keyNoun: String {
        guard records.count < 2 else { return "key pair" }
        return records.first?.objectClass == .privateKey ? "private key" : "public key"
    }

    private var keyLine: String {
        let label = records.first?.label ?? ""
        let id = records.first?.id ?? []
        return keyNoun + (label.isEmpty ? "" : " " + label)
            + (key?.kind.map { ", \($0)" } ?? "")
            + (id.isEmpty ? "" : ", id \(hexadecimal(id))")
    }

    private static func line(_ entry: CertificateEntry) -> String {
        "certificate " + (entry.content == nil ? "" : "of ") + title(entry)
    }

    /// A certificate without its URI: `Anna Müller, serial 2dd50d, valid to 2028-11-27`.
    static func title(_ entry: CertificateEntry) -> String {
        guard let content = entry.content else { return "\(entry.record.label) (\(entry.name))" }
        return "\(content.subjectName), serial \(content.serialNumber), "
            + "valid to \(timestamp(content.notAfter).prefix(10))"
    }
}
