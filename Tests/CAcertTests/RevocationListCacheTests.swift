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

    private func write(_ bytes: [UInt8], _ permissions: Int = 0o600) throws {
        let path = cache.path(address)
        try Data(bytes).write(to: URL(filePath: path))
        try FileManager.default.setAttributes(
            [.posixPermissions: permissions], ofItemAtPath: path)
    }

    @Test("A list counts for 24 hours after it was received, and only for its own address")
    func lifetime() {
        #expect(cache.bytes(address, at: now) == nil)
        cache.keep(list, address, at: now)
        for (time, counts) in [
            (now, true), (now + 86_400, true), (now + 86_401, false), (now - 1, false),
        ] {
            #expect((cache.bytes(address, at: time) == list) == counts, "\(time - now)")
            #expect((cache.bytes(address, at: time) == nil) != counts, "\(time - now)")
        }
        #expect(cache.bytes(address + "x", at: now) == nil)
        cache.keep([0x30, 0], address, at: now + 1)
        #expect(cache.bytes(address, at: now + 1) == [0x30, 0])
    }

    @Test("A file is private to the user, and its name is a hash of the address")
    func file() throws {
        cache.keep(list, address, at: now)
        #expect(try filePermissions(cache.path(address)) == 0o600)
        let name = hexadecimal(Digest.sha256.hash(Array(address.utf8))) + ".crl"
        #expect(try names(inFolder: folder.file("lists")) == [name])
    }

    @Test("A damaged file, or one that others can write, counts as absent and is replaced")
    func damage() throws {
        cache.keep(list, address, at: now)
        let line = Array("tokencert revocation list \(now)\n".utf8)
        try write(line + list)
        #expect(cache.bytes(address, at: now) == list)
        for bytes in [
            [], list, Array(line.dropLast()), Array("tokencert revocation list \n".utf8) + list,
            Array("tokencert revocation list \(Int64.min)\n".utf8) + list,
            Array("tokencert revocation list \(Int64.max)\n".utf8) + list,
            Array("revocation list \(now)\n".utf8) + list, [UInt8](repeating: 0x20, count: 200),
        ] as [[UInt8]] {
            try write(bytes)
            #expect(cache.bytes(address, at: now) == nil, "\(bytes.count) bytes")
        }
        try write(line + list, 0o622)
        #expect(cache.bytes(address, at: now) == nil)
        cache.keep(list, address, at: now)
        #expect(cache.bytes(address, at: now) == list)
    }

    @Test("A list that is too large is not kept, and a folder that cannot be used does no harm")
    func limits() throws {
        cache.keep(
            [UInt8](repeating: 0, count: RevocationListCache.maximumSize + 1), address, at: now)
        #expect(cache.bytes(address, at: now) == nil)
        let blocked = RevocationListCache(folder: try folder.write("", "file"))
        blocked.keep(list, address, at: now)
        #expect(blocked.bytes(address, at: now) == nil)
    }
}
