import Foundation
import Testing
import TokencertTestSupport

@testable import TokencertConsumers

/// Two consumers and one profile. Otherwise, after one of them is taken back, the profile no longer loads
/// the module that the other one needs, or keeps changes of both.
@Suite struct SharedDatabaseTests {
    private let sample: SampleHome
    private static let before = [
        "home/a/pkcs11.txt": "library=\n\n", "home/a/cert9.db": "old", "home/a/key4.db": "keys",
        "home/b/pkcs11.txt": "library=\n\n", "home/b/cert9.db": "old", "home/b/key4.db": "keys",
        "home/config": "Host *",
    ]

    init() throws {
        sample = try SampleHome()
        try sample.restore(Self.before)
    }

    /// Writes what a consumer adds to a profile.
    private func write(_ consumer: NSSProfile, _ profile: String) throws {
        let folder = sample.folder.file("home/\(profile)")
        var setUp = SetUp()
        setUp.files = [
            SetUpFile("\(folder)/cert9.db", .changed(Array("old, \(consumer.name)".utf8))),
            SetUpFile("\(folder)/key4.db", .changed(Array("keys".utf8))),
            SetUpFile("\(folder)/pkcs11.txt", .block(lines: ["library=/m.so", ""], at: .end)),
        ]
        let place = Place(home: sample.folder.file("home"), configuration: "", own: "")
        let changes = try sample.store.changes(setUp, of: consumer.name)
        try sample.store.write(changes, of: consumer, sample.used, place)
    }

    private func refused(
        _ consumer: NSSProfile, _ profile: String, _ location: SourceLocation = #_sourceLocation
    ) -> ConsumerError? {
        let before = sample.content
        let error = #expect(throws: ConsumerError.self, sourceLocation: location) {
            try write(consumer, profile)
        }
        #expect(error?.code == .fileInTheWay, sourceLocation: location)
        #expect(sample.content == before, sourceLocation: location)
        return error
    }

    @Test("A profile with the set-up of one consumer is refused to the other one")
    func sameProfile() throws {
        for (first, second) in [
            (NSSProfile.firefox, NSSProfile.thunderbird),
            (NSSProfile.thunderbird, NSSProfile.firefox),
        ] {
            try write(first, "a")
            let error = refused(second, "a")
            #expect(error?.message.contains("where \(first.name) is already set up") == true)
            #expect(
                error?.advice.last?.hasSuffix("tokencert use \(first.name) --undo") == true)
            #expect(sample.home["home/a/pkcs11.txt"]?.contains("library=/m.so") == true)
            // The same consumer can be written again.
            try write(first, "a")
            _ = try sample.store.undo(first)
            #expect(sample.content == Self.before)
            try write(second, "a")
            _ = try sample.store.undo(second)
            #expect(sample.content == Self.before)
        }
    }

    @Test("A profile is recognised by a symbolic link")
    func link() throws {
        let manager = FileManager.default
        try manager.createSymbolicLink(
            atPath: sample.folder.file("home/link"), withDestinationPath: "a")
        try write(.firefox, "a")
        _ = refused(.thunderbird, "link")
        _ = try sample.store.undo(NSSProfile.firefox)
        try write(.firefox, "link")
        _ = refused(.thunderbird, "a")
    }

    @Test("Two profiles are set up and undone in any order", arguments: [true, false])
    func twoProfiles(isFirstUndoneFirst: Bool) throws {
        try write(.firefox, "a")
        try write(.thunderbird, "b")
        let order: [NSSProfile] =
            isFirstUndoneFirst ? [.firefox, .thunderbird] : [.thunderbird, .firefox]
        _ = try sample.store.undo(order[0])
        let kept = isFirstUndoneFirst ? "b" : "a"
        #expect(sample.home["home/\(kept)/pkcs11.txt"]?.contains("library=/m.so") == true)
        _ = try sample.store.undo(order[1])
        #expect(sample.content == Self.before)
    }

    @Test("An unreadable record may name any profile, but no other files")
    func unreadableRecord() throws {
        try write(.firefox, "a")
        let written = sample.content
        for text in ["{", "{\"version\":2}"] {
            var state = written
            state["records/firefox.json"] = text
            try sample.restore(state)
            _ = refused(.thunderbird, "a")
            var setUp = SetUp()
            setUp.files = [
                SetUpFile(sample.folder.file("home/config"), .block(lines: ["x"], at: .end))
            ]
            #expect(try sample.store.changes(setUp, of: "ssh").count == 1)
        }
    }
}
