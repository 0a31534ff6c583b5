import Foundation
import Testing
import TokencertLedger
import TokencertTestSupport

extension RealParts {
    @Suite struct LedgerNamesTests {
        /// Otherwise two runs that open one ledger by different paths order twice for one key.
        @Test("An order is locked independent of the path by which its ledger is opened")
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

        /// SQLite keeps a separate journal for each name, and neither has the other's changes.
        @Test("A ledger with a second name, a hard link, is refused")
        func hardLinks() throws {
            let folder = try TemporaryFolder()
            let path = folder.file("ledger.sqlite")
            do { _ = try Ledger(path: path) { 1_800_000_000 } }
            try FileManager.default.linkItem(atPath: path, toPath: folder.file("second"))
            for name in [path, folder.file("second")] {
                let error = #expect(throws: LedgerError.self) {
                    _ = try Ledger(path: name) { 1_800_000_000 }
                }
                #expect(error?.reason.contains("a second name") == true)
                // A dry run refuses what the real run would.
                let planned = #expect(throws: LedgerError.self) {
                    try Ledger.requireWritable(name)
                }
                #expect(planned?.reason == error?.reason)
            }
        }

        /// A folder was said to have a hard link that has to be removed.
        @Test("A folder in the place of the ledger is refused as a folder")
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
