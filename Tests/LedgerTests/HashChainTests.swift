import Testing

@testable import TokencertLedger

/// How each event is linked to all earlier events.
@Suite struct HashChainTests {
    private static let first = "af66dc5cf12d0930fff7a148a15fb357248ce241a64751f199c26a107ed15fa9"

    // Otherwise a ledger of an earlier version counts as changed. Computed with Python's hashlib.
    @Test("The hash of an event is SHA-256 over its fields with their lengths")
    func vectors() {
        #expect(HashChain.beginning == String(repeating: "0", count: 64))
        #expect(
            HashChain.hash(
                after: HashChain.beginning, sequence: 1, order: 1, time: 1_800_000_000,
                kind: "begun", text: "{}") == Self.first)
        // Lengths are counted in UTF-8 bytes.
        #expect(
            HashChain.hash(
                after: Self.first, sequence: 2, order: 1, time: 1_800_000_001, kind: "unclear",
                text: "{\"reason\":\"sp\u{E4}\u{165}\"}")
                == "633a5779c8ded771e87698bc6aabbbce2171cb1f66c12571eebdd46a76eebe9b")
        #expect(
            HashChain.hash(
                after: Self.first, sequence: -1, order: 1 << 62, time: -5, kind: "", text: "")
                == "cf1eea3b6ec553c90a5953a5cc0fe7d0c25a7e496bc64c69bbafe423f861bf08")
    }

    // Otherwise two histories can have the same hash.
    @Test("Each field changes the hash, and so does moving bytes between fields")
    func injective() {
        func hash(
            after previous: String = Self.first, _ sequence: Int64 = 2, _ order: Int64 = 1,
            _ time: Int64 = 3, _ kind: String = "ab", _ text: String = "cd"
        ) -> String {
            HashChain.hash(
                after: previous, sequence: sequence, order: order, time: time, kind: kind,
                text: text)
        }
        let hashes = [
            hash(), hash(after: HashChain.beginning), hash(after: Self.first + "0"),
            hash(1), hash(2, 2), hash(2, 1, 4), hash(2, 1, 3, "abc", "d"),
            hash(2, 1, 3, "a", "bcd"), hash(2, 1, 3, "", "abcd"), hash(2, 1, 3, "abcd", ""),
            hash(2, 1, 3, "ab", "cd\0"), hash(2, 1, 3, "AB", "cd"), hash(1, 2), hash(3, 1, 2),
            // Composed and decomposed letters are different bytes.
            hash(2, 1, 3, "ab", "\u{E9}"), hash(2, 1, 3, "ab", "e\u{301}"),
        ]
        #expect(Set(hashes).count == hashes.count)
        #expect(hash() == hash())
    }
}
