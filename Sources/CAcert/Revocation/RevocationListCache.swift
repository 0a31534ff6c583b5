internal import OpenSSLX509
internal import TokencertPlatform

/// Keeps revocation lists in a folder, a file for each address: the time when the list was received in
/// one line, then its DER, which is verified like a list from the CA. CAs ask clients not to download
/// lists for each check, and an outdated file shows that a list from the server is an older one.
package struct RevocationListCache: Sendable {
    /// The maximum size of a list, in bytes.
    package static let maximumSize = 16 << 20
    /// How long a list is used, in seconds, even if its nextUpdate is later.
    private static let lifetime: Int64 = 6 * 3600
    private static let title = "tokencert revocation list "

    /// A list in the cache. It was not verified.
    struct Kept {
        let bytes: [UInt8]
        /// Whether it was received in the last 6 hours.
        let isFresh: Bool
    }

    private let folder: String

    /// Creates a cache without touching the folder, which is created when a list is kept.
    package init(folder: String) {
        self.folder = folder
    }

    /// The path of the file for an address.
    package func path(_ address: String) -> String {
        "\(folder)/\(hexadecimal(Digest.sha256.hash(Array(address.utf8)))).crl"
    }

    /// The list that was last received from an address; nil if there is none, if other users could
    /// have written it, or if its first line is malformed.
    func kept(_ address: String, at now: Int64) -> Kept? {
        let path = path(address)
        guard isRegularFile(path), (try? isWritableByOthers(path)) == false,
            (try? isWritableByOthers(folder)) == false,
            let bytes = try? readFile(path, limit: Self.maximumSize + 64),
            let end = bytes.prefix(64).firstIndex(of: UInt8(ascii: "\n"))
        else { return nil }
        let line = String(decoding: bytes[..<end], as: UTF8.self)
        guard line.hasPrefix(Self.title),
            let received = Int64(line.dropFirst(Self.title.count))
        else { return nil }
        return Kept(
            bytes: Array(bytes[(end + 1)...]),
            // A time in the future comes from a wrong clock, and would count for too long.
            isFresh: (now - Self.lifetime...now).contains(received))
    }

    /// Keeps a verified list. Errors are ignored: without a file, the list is received again.
    func keep(_ der: [UInt8], _ address: String, at now: Int64) {
        guard der.count <= Self.maximumSize, (try? makeFolder(folder)) != nil,
            (try? isWritableByOthers(folder)) == false
        else { return }
        let path = path(address)
        // A pipe or a device is replaced, not written to.
        if !isAbsent(path), !isRegularFile(path) {
            guard (try? removeFile(path)) != nil else { return }
        }
        try? writeFileDurably(Array("\(Self.title)\(now)\n".utf8) + der, path, permissions: 0o600)
    }

    /// Removes all lists, so that the next check gets them from the CAs: those in the folder do not
    /// have a certificate that was revoked just now. Errors are ignored: the lists expire.
    package func removeAll() {
        guard let entries = try? names(inFolder: folder) else { return }
        for name in entries where name.hasSuffix(".crl") { try? removeFile("\(folder)/\(name)") }
    }
}
