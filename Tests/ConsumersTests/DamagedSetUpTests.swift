import Foundation
import Testing
import TokencertPlatform
import TokencertTestSupport

@testable import TokencertConsumers

/// A consumer that blocks its record with a folder after the record was looked for.
private struct Unwritable: Consumer {
    let record: String
    let name = "sample"
    let summary = "nothing"
    let programs: [RequiredProgram] = []

    func requireFit(_ used: UsedCertificate) throws {}
    func setUp(_ used: UsedCertificate, _ place: Place) throws -> SetUp { SetUp() }
    func check(
        _ used: UsedCertificate, _ place: Place, pin: borrowing Secret
    ) throws -> [String] { [] }
    func requireIdle(_ paths: [String]) throws { try makeFolder(record) }
}

/// Set-ups whose records, backups or files were damaged or changed by others. Otherwise `--undo` would
/// replace files of the user with something else.
@Suite struct DamagedSetUpTests {
    private let sample: SampleHome

    init() throws {
        sample = try SampleHome()
    }

    @discardableResult
    private func refused(
        _ code: ConsumerError.Code, _ location: SourceLocation = #_sourceLocation,
        _ body: () throws -> Void
    ) -> ConsumerError? {
        let before = FolderContent(of: sample.folder.path)
        let error = #expect(throws: ConsumerError.self, sourceLocation: location) { try body() }
        #expect(error?.code == code, sourceLocation: location)
        #expect(error?.advice.isEmpty == false, sourceLocation: location)
        #expect(
            FolderContent(of: sample.folder.path).changes(since: before) == [],
            sourceLocation: location)
        return error
    }

    private func undo() throws { _ = try sample.store.undo(Sample()) }

    /// The name of the backup of a file, by its place in the set-up.
    private func backup(_ index: Int) throws -> String {
        try #require(sample.content.keys.first { $0.hasPrefix("records/sample-\(index)-") })
    }

    @Test("A damaged backup of a database is not restored", arguments: [nil, "", "other"])
    func damagedBackup(text: String?) throws {
        try sample.write("one")
        var state = sample.content
        state[try backup(2)] = text
        try sample.restore(state)
        refused(.fileInTheWay) { try sample.write("two") }
        #expect(throws: ConsumerError.self) { try undo() }
        #expect(sample.home["home/database"] == "old, one")
        #expect(sample.content[SampleHome.record] != nil)
    }

    @Test("Without its backup, a block is removed by its marks", arguments: [nil, "", "other"])
    func missingBackup(text: String?) throws {
        for isWrittenAgain in [false, true] {
            try sample.restore(SampleHome.before)
            try sample.write("one")
            var state = sample.content
            state[try backup(1)] = text
            try sample.restore(state)
            if isWrittenAgain { try sample.write("two") }
            try undo()
            #expect(sample.home == ["home/config": "Host *\n", "home/database": "old"])
        }
    }

    @Test("A damaged backup is written again from the file while that is unchanged")
    func backupOfInterruptedWrite() throws {
        try sample.write("one")
        var state = SampleHome.before
        state[try backup(2)] = "ol"
        try sample.restore(state)
        try sample.write("one")
        try undo()
        #expect(sample.content == SampleHome.before)
    }

    @Test("A record that names other files than backups, or another consumer, is refused")
    func editedRecord() throws {
        try sample.write("one")
        let state = sample.content
        let record = try #require(state[SampleHome.record])
        let changes = [
            ("\"sample-2-", "\"../home/sample-2-"), ("\"sample-2-", "\"other-2-"),
            ("\"consumer\" : \"sample\"", "\"consumer\" : \"ssh\""),
            ("\"path\" : \"/", "\"path\" : \""), ("\"backup\"", "\"none\""),
        ]
        for (old, new) in changes {
            var edited = state
            edited[SampleHome.record] = record.replacing(old, with: new)
            #expect(edited != state)
            try sample.restore(edited)
            refused(.fileInTheWay) { try undo() }
            refused(.fileInTheWay) { try sample.write("two") }
        }
    }

    @Test("A pipe and a dangling link in place of a file are refused", arguments: [true, false])
    func specialFile(isPipe: Bool) throws {
        let path = sample.folder.file("home/config")
        try FileManager.default.removeItem(atPath: path)
        if isPipe {
            let result = unsafe mkfifo(path, 0o600)
            #expect(result == 0)
        } else {
            try FileManager.default.createSymbolicLink(
                atPath: path, withDestinationPath: "missing")
        }
        refused(.fileInTheWay) { try sample.write("one") }
    }

    @Test("A file that changes after a set-up was planned is not overwritten")
    func changedMeanwhile() throws {
        let changes = try sample.store.changes(sample.setUp("one"), of: "sample")
        try sample.folder.write("Host new", "home/config")
        let place = Place(home: sample.folder.file("home"), configuration: "", own: "")
        refused(.fileInTheWay) {
            try sample.store.write(changes, of: Sample(), sample.used, place)
        }
    }

    @Test("A set-up whose record cannot be written leaves no backup")
    func unwritableRecord() throws {
        let changes = try sample.store.changes(sample.setUp("one"), of: "sample")
        let record = sample.folder.file(SampleHome.record)
        let place = Place(home: sample.folder.file("home"), configuration: "", own: "")
        let before = sample.content
        #expect(throws: (any Error).self) {
            try sample.store.write(changes, of: Unwritable(record: record), sample.used, place)
        }
        try FileManager.default.removeItem(atPath: record)
        #expect(sample.content == before)
    }

    @Test("A path with a line end is refused")
    func lineEnd() throws {
        var setUp = SetUp()
        for file in [
            SetUpFile(sample.folder.file("home/config"), .block(lines: ["a\nb"], at: .end)),
            .own(sample.folder.file("home/a\nb"), "text"),
        ] {
            setUp.files = [file]
            refused(.placeUnknown) { _ = try sample.store.changes(setUp, of: "sample") }
        }
    }

    @Test("An undo removes the folders that were made, and keeps those of the user")
    func folders() throws {
        let manager = FileManager.default
        for isPresent in [false, true] {
            if isPresent {
                try manager.createDirectory(
                    atPath: sample.folder.file("home/own"), withIntermediateDirectories: true)
            }
            try sample.write("one")
            try sample.write("two")
            try undo()
            #expect(manager.fileExists(atPath: sample.folder.file("home/own")) == isPresent)
            #expect(!manager.fileExists(atPath: sample.folder.file("records")))
        }
    }

    /// Writes a set-up without one of its files.
    private func write(_ version: String, without index: Int) throws {
        var setUp = sample.setUp(version)
        setUp.files.remove(at: index)
        let place = Place(home: sample.folder.file("home"), configuration: "", own: "")
        try sample.store.write(
            try sample.store.changes(setUp, of: "sample"), of: Sample(), sample.used, place)
    }

    /// Its disk may not be mounted, or its folder may have another name.
    @Test("While a file of the user is missing, its backup is kept and nothing is taken back")
    func missingFile() throws {
        for (index, name) in [(1, "home/config"), (2, "home/database")] {
            try sample.write("one")
            let written = sample.content
            var state = written
            state[name] = nil
            try sample.restore(state)
            let path = sample.folder.file(name)
            let error = refused(.fileInTheWay) { try undo() }
            #expect(error?.message == "\(path) does not exist, so the set-up cannot be undone")
            #expect(
                error?.advice == [
                    "restore it, then run the command again",
                    "or, if you have removed it, create an empty file: touch \(shellWord(path))",
                ])
            #expect(refused(.fileInTheWay) { try write("two", without: index) } == error)
            try sample.restore(written)
            try undo()
            #expect(sample.content == SampleHome.before)
        }
    }

    // Otherwise the lines of tokencert stay forever when the file comes back.
    @Test("While a file with a block is missing, nothing is taken back, even if it was created")
    func missingCreatedFile() throws {
        var state = SampleHome.before
        state["home/config"] = nil
        try sample.restore(state)
        try sample.write("one")
        let written = sample.content
        try FileManager.default.removeItem(atPath: sample.folder.file("home/config"))
        refused(.fileInTheWay) { try undo() }
        try sample.restore(written)
        // An interrupted set-up may not have created the file.
        let record = try #require(written[SampleHome.record])
        let interrupted = record.replacing("\"isComplete\" : true", with: "\"isComplete\" : null")
        #expect(interrupted != record)
        try sample.folder.write(interrupted, SampleHome.record)
        try FileManager.default.removeItem(atPath: sample.folder.file("home/config"))
        try undo()
        #expect(sample.content == state)
        try sample.restore(written)
        try undo()
        #expect(sample.content == state)
    }

    // Otherwise the lines that the user had put between the marks would be lost.
    @Test(
        "If an older record does not name the lines of a block, a copy of the changed file is kept",
        arguments: [false, true])
    func olderRecord(isWrittenAgain: Bool) throws {
        try sample.write("one")
        let marked = try #require(sample.content["home/config"])
        let record = sample.folder.file(SampleHome.record)
        var object = try #require(
            JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: record)))
                as? [String: Any])
        object["files"] = (object["files"] as? [[String: Any]])?.map { file in
            var file = file
            file["lines"] = nil
            return file
        }
        try JSONSerialization.data(withJSONObject: object).write(to: URL(filePath: record))
        var state = sample.content
        state["home/config"] = marked.replacing("one\n", with: "one\nmine\n")
        try sample.restore(state)
        if isWrittenAgain { try sample.write("two") } else { try undo() }
        let kept = sample.content.filter { $0.key.hasPrefix("records/kept-sample-") }
        #expect(Array(kept.values) == [state["home/config"]])
    }

    @Test("A file of tokencert's own that is missing does not prevent an undo")
    func missingOwnFile() throws {
        try sample.write("one")
        let path = sample.folder.file("home/own/key")
        try FileManager.default.removeItem(atPath: path)
        #expect(try sample.store.undo(Sample()).contains(.removed(path: path)))
        #expect(sample.content == SampleHome.before)
    }

    @Test("Lines that the user wrote between the marks are refused, and stay")
    func foreignLines() throws {
        try sample.write("one")
        let config = try #require(sample.home["home/config"])
        let mine = ["a", "b", "c", "d"].map { "\tHost \($0)\n" }
        for count in 1...mine.count {
            let lines = mine.prefix(count).joined()
            try sample.folder.write(
                config.replacing("\none\n", with: "\none\n\n\(lines)"), "home/config")
            for action in [
                { try sample.write("one") }, { try sample.write("two") }, { try undo() },
                { try write("two", without: 1) },
            ] {
                let error = refused(.fileInTheWay) { try action() }
                #expect(
                    error?.message
                        == "\(sample.folder.file("home/config")) has lines between the marks of "
                        + "tokencert that tokencert did not write")
                #expect(
                    error?.advice
                        == ["a", "b", "c"].prefix(count).map {
                            "move this line out of the marks: Host \($0)"
                        })
            }
        }
        try sample.folder.write(config + mine.joined(), "home/config")
        try sample.write("two")
        try undo()
        #expect(sample.home["home/config"] == "Host *\n" + mine.joined())
    }

    @Test("Blank lines and line ends of Windows between the marks are not those of the user")
    func blankLines() throws {
        try sample.write("one")
        let config = try #require(sample.home["home/config"])
        try sample.folder.write(
            config.replacing("\none\n", with: "\n\none\n \n").replacing("\n", with: "\r\n"),
            "home/config")
        try undo()
        #expect(sample.home["home/config"] == "Host *\r\n")
    }

    @Test("After a record that does not have the lines of a block, all of them are tokencert's")
    func recordWithoutLines() throws {
        try sample.write("one")
        var state = sample.content
        let record = try #require(state[SampleHome.record])
        let old = record.replacing(
            try Regex("\"lines\" : \\[\\s*\\[[^\\]]*\\]\\s*\\],\\s*"), with: "")
        #expect(record != old)
        state[SampleHome.record] = old
        state["home/config"] = state["home/config"]?.replacing("\none\n", with: "\nolder\n")
        for isWrittenAgain in [false, true] {
            try sample.restore(state)
            if isWrittenAgain {
                try sample.write("two")
                // Only the record reaches the disk.
                try sample.folder.write(state["home/config"] ?? "", "home/config")
            }
            try undo()
            #expect(sample.home["home/config"] == "Host *\n")
        }
    }

    @Test(
        "A block without a record, such as from another computer, is replaced only by the same one")
    func blockWithoutRecord() throws {
        try sample.write("one")
        var state = SampleHome.before
        state["home/config"] = sample.home["home/config"]
        try sample.restore(state)
        let error = refused(.fileInTheWay) { try sample.write("two") }
        #expect(error?.advice == ["move this line out of the marks: one"])
        try sample.write("one")
        try undo()
        #expect(sample.home == ["home/config": "Host *\n", "home/database": "old"])
    }

    @Test("Runs at the same time write one whole set-up, which can be taken back")
    func simultaneous() async throws {
        let sample = sample
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<8 {
                group.addTask {
                    // One that sees the files of another run is refused.
                    try? sample.write("version \(number)")
                    if number % 3 == 0 { _ = try? sample.store.undo(Sample()) }
                }
            }
        }
        if sample.content[SampleHome.record] != nil { try undo() }
        #expect(sample.content == SampleHome.before)
    }
}
