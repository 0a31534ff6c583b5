import Foundation
import Testing
import TokencertLedger
import TokencertTestSupport

extension RealParts {
    @Suite struct LedgerNamesTests {
        /// Otherwise two runs that open one ledger by different paths order twice for one key.
        @Test("An order is locked regardless of the path by which its ledger is opened")
        func onePlace() throws {
            let folder = try TemporaryFolder()
            let path = folder.file("ledger.sqlite")
            let ledger = try Ledger(path: path) { 1_800_000_000 }
            let order = try ledger.begin(.example())
            let number = order.number
            try FileManager.default.createSymbolicLink(
                atPath: folder.file("link"), withDestinationPath: "ledger.sqlite")
            for name in [
                folder.file("link"), folder.file("../\(folderName(folder))/ledger.sqlite"),
            ] {
                let other = try Ledger(path: name) { 1_800_000_000 }
                let error = #expect(throws: LedgerError.self) { _ = try other.open(number) }
                #expect(error?.code == .inUse, "\(name)")
            }
            withExtendedLifetime(order) {}
        }

        /// Otherwise changes are lost: SQLite keeps a separate write-ahead log for each name.
        @Test("A ledger with a second hard link is refused")
        func hardLinks() throws {
            let folder = try TemporaryFolder()
            let path = folder.file("ledger.sqlite")
            do { _ = try Ledger(path: path) { 1_800_000_000 } }
            try FileManager.default.linkItem(atPath: path, toPath: folder.file("second"))
            for name in [path, folder.file("second")] {
                let error = #expect(throws: LedgerError.self) {
                    _ = try Ledger(path: name) { 1_800_000_000 }
                }
                #expect(error?.reason.contains("several hard links") == true)
                // A dry run refuses what the real run would.
                let planned = #expect(throws: LedgerError.self) {
                    try Ledger.requireWritable(name)
                }
                #expect(planned?.reason == error?.reason)
            }
        }

        /// Otherwise the user is told to remove a hard link of a folder.
        @Test("A folder at the path of the ledger is refused as a folder")
        func folderAsLedger() throws {
            let folder = try TemporaryFolder()
            let path = folder.path
            let errors = [
                #expect(throws: LedgerError.self) { _ = try Ledger(path: path) { 0 } },
                #expect(throws: LedgerError.self) { _ = try Ledger(reading: path) },
                #expect(throws: LedgerError.self) { try Ledger.requireWritable(path) },
            ]
            for error in errors {
                #expect(error?.code == .unusable)
                #expect(error?.reason == "the ledger \(path) is a folder")
            }
        }

        /// Otherwise SQLite creates a file at the link's target, which the user may not expect.
        @Test("A ledger is not created behind a dangling link")
        func danglingLink() throws {
            let folder = try TemporaryFolder()
            try FileManager.default.createSymbolicLink(
                atPath: folder.file("link"), withDestinationPath: "absent")
            let error = #expect(throws: LedgerError.self) {
                _ = try Ledger(path: folder.file("link")) { 1_800_000_000 }
            }
            #expect(error?.reason.contains("dangling symbolic link") == true)
            #expect(!FileManager.default.fileExists(atPath: folder.file("absent")))
        }

        private func folderName(_ folder: TemporaryFolder) -> String {
            URL(filePath: folder.path).lastPathComponent
        }
    }
}
