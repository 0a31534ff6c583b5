import Foundation
import Ledger
import TestSupport
import Testing

extension RealParts {
    @Suite struct LedgerNamesTests {
        /// Two runs that reach one ledger by different paths order twice for one key.
        @Test("An order is locked by whatever path its ledger is opened")
        func onePlace() throws {
            let folder = try TemporaryFolder()
            let path = folder.file("ledger.sqlite")
            let ledger = try Ledger(path: path) { 1_800_000_000 }
            let order = try ledger.begin(
                .init(
                    job: .issue, token: "pkcs11:token=work", modulePath: "/m.so", keyID: "01",
                    keyLabel: "mail"))
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

        /// SQLite keeps a journal for each name, and each misses what the other has.
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
            }
        }

        /// SQLite would make a file behind the link, in a place that nobody has chosen.
        @Test("A ledger behind a link that leads nowhere is not made")
        func danglingLink() throws {
            let folder = try TemporaryFolder()
            try FileManager.default.createSymbolicLink(
                atPath: folder.file("link"), withDestinationPath: "absent")
            let error = #expect(throws: LedgerError.self) {
                _ = try Ledger(path: folder.file("link")) { 1_800_000_000 }
            }
            #expect(error?.reason.contains("leads nowhere") == true)
            #expect(!FileManager.default.fileExists(atPath: folder.file("absent")))
        }

        private func folderName(_ folder: TemporaryFolder) -> String {
            URL(filePath: folder.path).lastPathComponent
        }
    }
}
