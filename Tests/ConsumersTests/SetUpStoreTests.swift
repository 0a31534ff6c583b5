import Foundation
import OpenSSLX509
import Testing
import TokencertPlatform
import TokencertTestAuthority
import TokencertTestSupport

@testable import TokencertConsumers

/// A consumer for the tests of the store.
struct Sample: Consumer {
    let name = "sample"
    let summary = "nothing"
    let programs: [RequiredProgram] = []

    func requireFit(_ used: UsedCertificate) throws {}
    func setUp(_ used: UsedCertificate, _ place: Place) throws -> SetUp { SetUp() }
    func check(
        _ used: UsedCertificate, _ place: Place, pin: borrowing Secret
    ) throws -> [String] { [] }
}

/// A home folder and the records of set-ups beside it.
struct SampleHome {
    let folder: TemporaryFolder
    let used: UsedCertificate

    init() throws {
        folder = try TemporaryFolder()
        let key = try HostPrivateKey.generate(.ec(.p256)).publicKey
        used = UsedCertificate(
            certificate: try Certificate.throwaway(
                for: key, "sample", serialNumber: 1, from: 1_795_392_000),
            issuers: [],
            key: UsedCertificate.Key(
                id: [1], label: "mail", certificateLabel: "mail", needsPINForEachUse: false),
            token: UsedCertificate.TokenPlace(
                modulePath: "/m.so", slot: 0, uri: "pkcs11:token=work", label: "work",
                serialNumber: "1"))
        try restore(Self.before)
    }

    /// The files of the user.
    static let before = ["home/config": "Host *", "home/database": "old"]
    static let record = "records/sample.json"

    var store: SetUpStore { SetUpStore(folder: folder.file("records")) }

    /// Writes a set-up with a text that differs from that of other versions.
    func write(_ version: String) throws {
        let changes = try store.changes(setUp(version), of: "sample")
        let place = Place(home: folder.file("home"), configuration: "", own: "")
        try store.write(changes, of: Sample(), used, place)
    }

    func setUp(_ version: String) -> SetUp {
        var setUp = SetUp()
        setUp.files = [
            .own(folder.file("home/own/key"), version),
            SetUpFile(folder.file("home/config"), .block(lines: [version], at: .end)),
            SetUpFile(folder.file("home/database"), .changed(Array("old, \(version)".utf8))),
        ]
        return setUp
    }

    /// All files, with their texts.
    var content: [String: String] {
        FolderContent(of: folder.path).files.mapValues { String(decoding: $0.bytes, as: UTF8.self) }
    }

    /// All files except the records.
    var home: [String: String] { content.filter { $0.key.hasPrefix("home/") } }

    /// Replaces all files.
    func restore(_ content: [String: String]) throws {
        for name in ["home", "records"] {
            try? FileManager.default.removeItem(atPath: folder.file(name))
        }
        for (name, text) in content {
            let file = URL(filePath: folder.file(name))
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try folder.write(text, name)
        }
    }

    /// The files in the order in which a set-up writes them: backups, the record, files of the user.
    func written(_ content: [String: String]) -> [(name: String, text: String)] {
        let backups = content.keys.filter { $0.hasSuffix(".backup") }.sorted()
        let files = ["home/own/key", "home/config", "home/database"]
        return (backups + [Self.record] + files).compactMap { name in
            content[name].map { (name, $0) }
        }
    }
}

/// The files of set-ups. Otherwise a loss of power could leave files of the user changed forever.
@Suite struct SetUpStoreTests {
    /// Takes back what is recorded, if anything is.
    private func undo(_ sample: SampleHome) throws {
        let isRecorded = sample.content[SampleHome.record] != nil
        if isRecorded {
            _ = try sample.store.undo(Sample())
        } else {
            let error = #expect(throws: ConsumerError.self) { try sample.store.undo(Sample()) }
            #expect(error?.code == .notSetUp)
        }
    }

    @Test("A set-up that is written twice changes nothing the second time")
    func twice() throws {
        let sample = try SampleHome()
        try sample.write("one")
        let first = sample.content
        #expect(sample.home["home/config"]?.contains("\none\n") == true)
        try sample.write("one")
        #expect(sample.content == first)
        _ = try sample.store.undo(Sample())
        #expect(sample.content == SampleHome.before)
    }

    @Test("A set-up that is interrupted after any step can be taken back, and written again")
    func interruptedWrite() throws {
        let sample = try SampleHome()
        try sample.write("one")
        let after = sample.content
        let files = sample.home
        let steps = sample.written(after)
        #expect(steps.count == 6)
        for count in 0...steps.count {
            var state = SampleHome.before
            for step in steps.prefix(count) { state[step.name] = step.text }
            try sample.restore(state)
            try undo(sample)
            #expect(sample.home == SampleHome.before, "after \(count) steps")

            try sample.restore(state)
            try sample.write("one")
            #expect(sample.home == files, "after \(count) steps")
            try undo(sample)
            #expect(sample.content == SampleHome.before, "after \(count) steps")
        }
    }

    @Test("A renewal that is interrupted after any step can be taken back, and written again")
    func interruptedRenewal() throws {
        let sample = try SampleHome()
        try sample.write("one")
        let before = sample.content
        try sample.write("two")
        let files = sample.home
        let steps = sample.written(sample.content)
        for count in 0...steps.count {
            var state = before
            for step in steps.prefix(count) { state[step.name] = step.text }
            try sample.restore(state)
            try undo(sample)
            #expect(sample.content == SampleHome.before, "after \(count) steps")

            try sample.restore(state)
            try sample.write("two")
            #expect(sample.home == files, "after \(count) steps")
            try undo(sample)
            #expect(sample.content == SampleHome.before, "after \(count) steps")
        }
    }

    @Test("Two interrupted renewals one after the other can be taken back, and written again")
    func interruptedTwice() throws {
        let sample = try SampleHome()
        try sample.write("one")
        let first = sample.content
        // Only the record of the second and of the third set-up reaches the disk.
        for version in ["two", "three"] {
            try sample.write(version)
            let record = try #require(sample.content[SampleHome.record])
            var state = first
            state[SampleHome.record] = record
            try sample.restore(state)
        }
        let state = sample.content
        try undo(sample)
        #expect(sample.content == SampleHome.before)
        try sample.restore(state)
        try sample.write("three")
        #expect(sample.home["home/own/key"] == "three")
        try undo(sample)
        #expect(sample.content == SampleHome.before)
    }

    @Test(
        "An undo that is interrupted after any step can be repeated, and the set-up written again")
    func interruptedUndo() throws {
        let sample = try SampleHome()
        try sample.write("one")
        let after = sample.content
        let files = sample.home
        let removals = ["home/own/key", "home/config", "home/database", SampleHome.record]
        for count in 0...removals.count {
            var state = after
            for name in removals.prefix(count) { state[name] = SampleHome.before[name] }
            try sample.restore(state)
            try undo(sample)
            #expect(sample.home == SampleHome.before, "after \(count) steps")

            try sample.restore(state)
            try sample.write("one")
            #expect(sample.home == files, "after \(count) steps")
            try undo(sample)
            #expect(sample.content == SampleHome.before, "after \(count) steps")
        }
    }

    @Test("A file that a new set-up does not have is taken back")
    func dropped() throws {
        let sample = try SampleHome()
        try sample.write("one")
        var less = sample.setUp("one")
        less.files.remove(at: 1)
        let place = Place(home: sample.folder.file("home"), configuration: "", own: "")
        try sample.store.write(
            try sample.store.changes(less, of: "sample"), of: Sample(), sample.used, place)
        #expect(sample.home["home/config"] == SampleHome.before["home/config"])
        #expect(sample.home["home/own/key"] == "one")
        try undo(sample)
        #expect(sample.content == SampleHome.before)
    }

    @Test("A file that the user changed is left, and a changed file around a block keeps its lines")
    func changed() throws {
        let sample = try SampleHome()
        try sample.write("one")
        try sample.folder.write("mine", "home/own/key")
        let config = try #require(sample.home["home/config"])
        try sample.folder.write(config + "Host b\n", "home/config")
        let refused = #expect(throws: ConsumerError.self) { try sample.write("two") }
        #expect(refused?.code == .fileInTheWay)
        let undone = try sample.store.undo(Sample())
        #expect(
            Set(undone) == [
                .left(path: sample.folder.file("home/own/key"), backup: nil),
                .blockRemoved(path: sample.folder.file("home/config")),
                .asBefore(path: sample.folder.file("home/database")),
            ])
        #expect(sample.home["home/own/key"] == "mine")
        #expect(sample.home["home/config"] == "Host *\nHost b\n")
    }

    // Otherwise the program rejects the file that the user has edited.
    @Test("Files of tokencert's own stay while a file that stays names them, directly or not")
    func neededFiles() throws {
        let sample = try SampleHome()
        let names = ["main.conf", "program", "root.pem", "other.pem"]
        let paths = names.map { sample.folder.file("home/own/\($0)") }
        var setUp = SetUp()
        setUp.files = zip(paths, ["run \(paths[1])", "folder/root.pem", "root", "other"])
            .map { .own($0, $1) }
        let place = Place(home: sample.folder.file("home"), configuration: "", own: "")
        func write() throws {
            try sample.store.write(
                try sample.store.changes(setUp, of: "sample"), of: Sample(), sample.used, place)
        }
        try write()
        try sample.folder.write("run \(paths[1]) always", "home/own/main.conf")
        #expect(
            try sample.store.undo(Sample()) == [
                .left(path: paths[0], backup: nil), .needed(path: paths[1], by: paths[0]),
                .needed(path: paths[2], by: paths[1]), .removed(path: paths[3]),
            ])
        #expect(sample.home["home/own/root.pem"] == "root")
        // A file of the user must name the path.
        try FileManager.default.removeItem(atPath: paths[0])
        setUp.files.append(
            SetUpFile(sample.folder.file("home/config"), .block(lines: ["a"], at: .end)))
        try write()
        let config = try #require(sample.home["home/config"])
        try sample.folder.write("see root.pem and \(paths[1])\n" + config, "home/config")
        let undone = try sample.store.undo(Sample())
        #expect(undone[0] == .removed(path: paths[0]))
        #expect(undone[1] == .needed(path: paths[1], by: sample.folder.file("home/config")))
        #expect(undone[2] == .needed(path: paths[2], by: paths[1]))
    }

    @Test("A database that another program changed is left, also if it is written again")
    func foreignChanges() throws {
        for more in ["", ", two"] {
            let sample = try SampleHome()
            try sample.write("one")
            // The consumer keeps what the other program wrote.
            try sample.folder.write("old, one, more", "home/database")
            var again = sample.setUp("one")
            again.files[2] = SetUpFile(
                sample.folder.file("home/database"), .changed(Array("old, one, more\(more)".utf8)))
            let place = Place(home: sample.folder.file("home"), configuration: "", own: "")
            for _ in 0..<2 {
                try sample.store.write(
                    try sample.store.changes(again, of: "sample"), of: Sample(), sample.used,
                    place)
            }
            #expect(sample.home["home/database"] == "old, one, more\(more)")
            let undone = try sample.store.undo(Sample())
            let kept = undone.compactMap { undone in
                if case .left(sample.folder.file("home/database"), let backup) = undone {
                    backup
                } else {
                    nil
                }
            }
            #expect(try kept.map { try readFile($0) } == [Array("old".utf8)])
            // The next set-up and its undo do not remove it.
            try sample.write("three")
            _ = try sample.store.undo(Sample())
            #expect(try kept.map { try readFile($0) } == [Array("old".utf8)])
            try sample.folder.write("old, one, more\(more)", "home/database")
            #expect(sample.home["home/database"] == "old, one, more\(more)")
            #expect(sample.home["home/config"] == SampleHome.before["home/config"])
        }
    }

    @Test("A whole block counts as written wherever it is in the file")
    func position() throws {
        let sample = try SampleHome()
        try sample.write("one")
        let config = try #require(sample.home["home/config"])
        let changed = "[first]\n" + config + "[commit]\n"
        try sample.folder.write(changed, "home/config")
        let changes = try sample.store.changes(sample.setUp("one"), of: "sample")
        #expect(!changes.contains { !$0.isMade })
        try sample.write("one")
        #expect(sample.home["home/config"] == changed)
        try undo(sample)
        #expect(sample.home["home/config"] == "[first]\nHost *\n[commit]\n")
    }

    @Test("A file of an earlier set-up that is left unchanged is reported")
    func leftFile() throws {
        let sample = try SampleHome()
        try sample.write("one")
        try sample.folder.write("mine", "home/own/key")
        var less = sample.setUp("two")
        less.files.remove(at: 0)
        let place = Place(home: sample.folder.file("home"), configuration: "", own: "")
        let undone = try sample.store.write(
            try sample.store.changes(less, of: "sample"), of: Sample(), sample.used, place)
        #expect(undone == [.left(path: sample.folder.file("home/own/key"), backup: nil)])
        #expect(sample.home["home/own/key"] == "mine")
    }

    @Test("A file of the user that cannot be replaced is refused before anything is written")
    func irreplaceable() throws {
        let sample = try SampleHome()
        let manager = FileManager.default
        try manager.createDirectory(
            atPath: sample.folder.file("home/far"), withIntermediateDirectories: true)
        try manager.moveItem(
            atPath: sample.folder.file("home/config"),
            toPath: sample.folder.file("home/far/config"))
        try manager.createSymbolicLink(
            atPath: sample.folder.file("home/config"), withDestinationPath: "far/config")
        // A folder with the name of the temporary file, since root can write to all folders.
        let process = ProcessInfo.processInfo.processIdentifier
        try manager.createDirectory(
            atPath: sample.folder.file("home/far/.tokencert.\(process).new"),
            withIntermediateDirectories: true)
        let before = FolderContent(of: sample.folder.path)
        #expect(throws: FileError.self) { try sample.write("one") }
        #expect(FolderContent(of: sample.folder.path).changes(since: before) == [])
        #expect(!manager.fileExists(atPath: sample.folder.file("records")))
    }

    @Test("The permissions of a file and a symbolic link stay")
    func permissionsAndLink() throws {
        let sample = try SampleHome()
        let manager = FileManager.default
        try manager.setAttributes(
            [.posixPermissions: 0o640], ofItemAtPath: sample.folder.file("home/config"))
        try manager.moveItem(
            atPath: sample.folder.file("home/database"),
            toPath: sample.folder.file("home/target"))
        try manager.createSymbolicLink(
            atPath: sample.folder.file("home/database"), withDestinationPath: "target")
        let before = FolderContent(of: sample.folder.path)
        try sample.write("one")
        #expect(try sample.folder.read("home/target") == "old, one")
        let written = FolderContent(of: sample.folder.path).files
        #expect(written["home/config"]?.permissions == 0o640)
        #expect(written["home/database"]?.target == "target")
        #expect(written["home/own/key"]?.permissions == 0o600)
        #expect(
            written.filter { $0.key.hasPrefix("records/") }.values.allSatisfy {
                $0.permissions == 0o600
            })
        try undo(sample)
        #expect(FolderContent(of: sample.folder.path).changes(since: before) == [])
    }

    @Test("A record that cannot be read is an error, and nothing is changed")
    func unreadableRecord() throws {
        let sample = try SampleHome()
        try sample.write("one")
        var state = sample.content
        state[SampleHome.record] = "{"
        try sample.restore(state)
        for action in [{ try sample.write("two") }, { _ = try sample.store.undo(Sample()) }] {
            let error = #expect(throws: ConsumerError.self) { try action() }
            #expect(error?.code == .fileInTheWay)
            #expect(error?.advice.isEmpty == false)
        }
        #expect(sample.content == state)
    }

    @Test("A record has the version of its format, and one without a version can be taken back")
    func recordWithoutVersion() throws {
        let sample = try SampleHome()
        try sample.write("one")
        var state = sample.content
        let record = try #require(state[SampleHome.record])
        #expect(record.contains("\"version\" : 1"))
        let old = record.replacing(try Regex(",?\\s*\"version\" : 1"), with: "")
        #expect(!old.contains("version"))
        state[SampleHome.record] = old
        try sample.restore(state)
        try sample.write("two")
        #expect(sample.content[SampleHome.record]?.contains("\"version\" : 1") == true)
        #expect(sample.home["home/own/key"] == "two")
        for isWrittenAgain in [true, false] {
            if !isWrittenAgain { try sample.restore(state) }
            try undo(sample)
            #expect(sample.content == SampleHome.before)
        }
    }

    /// Otherwise an older program would take back files by a record that it does not understand.
    @Test("A record of a later version is refused, and nothing changes", arguments: [true, false])
    func recordOfLaterVersion(isOtherwiseSame: Bool) throws {
        let sample = try SampleHome()
        try sample.write("one")
        var state = sample.content
        let record = try #require(state[SampleHome.record])
        state[SampleHome.record] =
            isOtherwiseSame
            ? record.replacing("\"version\" : 1", with: "\"version\" : 2") : "{\"version\":2}"
        #expect(state != sample.content)
        try sample.restore(state)
        for action in [{ try sample.write("two") }, { _ = try sample.store.undo(Sample()) }] {
            let error = #expect(throws: ConsumerError.self) { try action() }
            #expect(error?.code == .fileInTheWay)
            #expect(error?.message.contains("a later version of tokencert") == true)
            #expect(error?.message.contains("\n") == false)
            #expect(error?.advice == ["use that version of tokencert, or a newer one"])
        }
        #expect(sample.content == state)
    }
}
