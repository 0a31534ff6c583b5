import Foundation
import OpenSSLX509
import Testing
import TokencertPlatform
import TokencertTestSupport

@testable import TokencertCAcert

/// What is read from the cache of revocation lists. A list that counts for too long hides a
/// revocation.
@Suite struct RevocationListCacheTests {
    private let folder: TemporaryFolder
    private let cache: RevocationListCache
    private let now: Int64 = 1_800_000_000
    private let address = "http://list.example/revoke.crl"
    private let list: [UInt8] = [0x30, 3, 0x0A, 0, 0x0A]

    init() throws {
        folder = try TemporaryFolder()
        cache = RevocationListCache(folder: folder.file("lists"))
    }

    /// The list that counts without another look at the server.
    private func fresh(_ address: String, at time: Int64) -> [UInt8]? {
        guard let kept = cache.kept(address, at: time), kept.isFresh else { return nil }
        return kept.bytes
    }

    private func write(_ bytes: [UInt8], _ permissions: Int = 0o600) throws {
        let path = cache.path(address)
        try Data(bytes).write(to: URL(filePath: path))
        try FileManager.default.setAttributes(
            [.posixPermissions: permissions], ofItemAtPath: path)
    }

    @Test("A list counts for 6 hours after it was received, and only for its own address")
    func lifetime() {
        #expect(fresh(address, at: now) == nil)
        cache.keep(list, address, at: now)
        for (time, counts) in [
            (now, true), (now + 21_600, true), (now + 21_601, false), (now - 1, false),
        ] {
            #expect((fresh(address, at: time) == list) == counts, "\(time - now)")
            #expect((fresh(address, at: time) == nil) != counts, "\(time - now)")
        }
        // Otherwise an older list from the server is not recognized as such.
        for time in [now - 1, now + 21_601, now + 30 * 86_400] {
            #expect(cache.kept(address, at: time)?.bytes == list, "\(time - now)")
        }
        #expect(fresh(address + "x", at: now) == nil)
        cache.keep([0x30, 0], address, at: now + 1)
        #expect(fresh(address, at: now + 1) == [0x30, 0])
    }

    @Test("A file is private to the user, and its name is a hash of the address")
    func file() throws {
        cache.keep(list, address, at: now)
        let attributes = try FileManager.default.attributesOfItem(atPath: cache.path(address))
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        let name = hexadecimal(Digest.sha256.hash(Array(address.utf8))) + ".crl"
        #expect(try names(inFolder: folder.file("lists")) == [name])
    }

    @Test("A damaged file, or one that others can write, counts as absent and is replaced")
    func damage() throws {
        cache.keep(list, address, at: now)
        let line = Array("tokencert revocation list \(now)\n".utf8)
        try write(line + list)
        #expect(fresh(address, at: now) == list)
        for bytes in [
            [], list, Array(line.dropLast()), Array("tokencert revocation list \n".utf8) + list,
            Array("tokencert revocation list \(Int64.min)\n".utf8) + list,
            Array("tokencert revocation list \(Int64.max)\n".utf8) + list,
            Array("revocation list \(now)\n".utf8) + list, [UInt8](repeating: 0x20, count: 200),
        ] as [[UInt8]] {
            try write(bytes)
            #expect(fresh(address, at: now) == nil, "\(bytes.count) bytes")
        }
        try write(line + list, 0o622)
        #expect(fresh(address, at: now) == nil)
        cache.keep(list, address, at: now)
        #expect(fresh(address, at: now) == list)
    }

    @Test("A list that is too large is not kept, and a folder that cannot be used does no harm")
    func limits() throws {
        cache.keep(
            [UInt8](repeating: 0, count: RevocationListCache.maximumSize + 1), address, at: now)
        #expect(fresh(address, at: now) == nil)
        let blocked = RevocationListCache(folder: try folder.write("", "file"))
        blocked.keep(list, address, at: now)
        #expect(blocked.kept(address, at: now)?.bytes == nil)
        blocked.removeAll()
    }

    /// Otherwise a certificate that was revoked just now counts as good for hours.
    @Test("All lists can be removed, and nothing else in the folder")
    func removal() throws {
        cache.removeAll()
        cache.keep(list, address, at: now)
        cache.keep(list, address + "x", at: now)
        try Data().write(to: URL(filePath: folder.file("lists") + "/other"))
        cache.removeAll()
        #expect(try names(inFolder: folder.file("lists")) == ["other"])
        cache.keep(list, address, at: now)
        #expect(fresh(address, at: now) == list)
    }
}
