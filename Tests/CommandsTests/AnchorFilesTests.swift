import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// Files in the trust anchor folder that are not anchors.
    @Suite struct AnchorFilesTests {
        private let bench: Bench
        private let own = ["TOKENCERT_CA_FILE": ""]
        private var anchors: String { bench.token.folder.file("data/tokencert/anchors") }

        init() throws {
            bench = try Bench()
            _ = try bench.tokencert(["trust", "add", bench.ca.rootFile], own)
        }

        private func list() throws -> (anchors: [[String: Any]], unusable: [[String: Any]]) {
            let outcome = try bench.tokencert(["trust", "list", "--json"], own)
            #expect(outcome.status == 0, "\(outcome.errors)")
            let report = try outcome.json()
            return (
                report["anchors"] as? [[String: Any]] ?? [],
                report["unusable"] as? [[String: Any]] ?? []
            )
        }

        /// Otherwise a hidden file of an editor or of macOS would stop every command.
        @Test("Hidden files among the trust anchors are ignored")
        func hidden() throws {
            for name in ["._root.pem", ".#root.pem", ".x.crt"] {
                try bench.token.folder.write("\0\u{5}\u{16}", "data/tokencert/anchors/" + name)
            }
            #expect(try bench.tokencert(["account"], own).status == 0)
            let found = try list()
            #expect(found.anchors.count == 1 && found.unusable.isEmpty)
        }

        /// Otherwise another user would decide which CAs are trusted.
        @Test(
            "A trust anchor that other users can write to is not used",
            arguments: ["", "/more.pem"], [0o775, 0o757])
        func writableByOthers(path: String, permissions: Int) throws {
            try FileManager.default.copyItem(
                atPath: bench.ca.rootFile, toPath: anchors + "/more.pem")
            #expect(try bench.tokencert(["account"], own).status == 0)
            try FileManager.default.setAttributes(
                [.posixPermissions: permissions], ofItemAtPath: anchors + path)
            let refused = try bench.tokencert(["account"], own)
            expect(refused, 78, "other users can write to \(anchors + path)")
            #expect(refused.errors.contains("chmod go-w '\(anchors + path)'"), "\(refused.errors)")
            #expect(try list().unusable.count == (path.isEmpty ? 2 : 1))
            let shown = try bench.tokencert(["trust"], own)
            #expect(shown.status == 0 && !shown.errors.contains("remove"), "\(shown)")
        }

        /// Otherwise the user would not learn why a CA is not trusted.
        @Test("A file with another extension among the trust anchors is noted")
        func otherExtension() throws {
            for name in ["a.der", "b.DER", "c.CRT", "d.cer"] {
                try FileManager.default.copyItem(
                    atPath: bench.ca.rootFile, toPath: anchors + "/" + name)
                let shown = try bench.tokencert(["trust", "list"], own)
                #expect(shown.status == 0 && shown.errors.contains("note: \(name) is not used"))
            }
        }

        /// Otherwise the user would not learn which file is wrong, or could not remove it.
        @Test(
            "A file that is not an anchor stops only commands that need anchors",
            arguments: ["README.pem", "empty.crt", "key.pem", "it's $(touch r).pem", "pipe.pem"])
        func odd(name: String) throws {
            let path = anchors + "/" + name
            if name == "pipe.pem" {
                try run("mkfifo", [path])
            } else {
                try Data((name == "empty.crt" ? "" : "no certificate").utf8).write(
                    to: URL(filePath: path))
            }
            expect(try bench.tokencert(["account"], own), 78, name)
            expect(try bench.tokencert(["issue"], own), 78, name)
            let found = try list()
            #expect(found.anchors.count == 1)
            #expect(found.unusable.map { $0["file"] as? String } == [path])
            let shown = try bench.tokencert(["trust"], own)
            #expect(shown.status == 0 && shown.errors.contains(name), "\(shown)")
            #expect(
                try bench.tokencert(["trust", "remove", name], own).status == 0)
            #expect(try bench.tokencert(["account"], own).status == 0)
        }

        /// Otherwise one command could remove a folder and everything in it.
        @Test("A folder among the trust anchors is reported and not removed")
        func folder() throws {
            let path = anchors + "/x.pem"
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
            expect(try bench.tokencert(["account"], own), 78, "x.pem")
            #expect(try list().unusable.count == 1)
            expect(try bench.tokencert(["trust", "remove", "x"], own), 78, "is a folder")
            #expect(FileManager.default.fileExists(atPath: path))
        }

        @Test("Files that differ only in their extension are distinguished by their full names")
        func endings() throws {
            let root = try String(contentsOfFile: bench.ca.rootFile, encoding: .utf8)
            for name in ["a.pem", "a.crt"] {
                try bench.token.folder.write(root, "data/tokencert/anchors/" + name)
            }
            let both = try bench.tokencert(["trust", "remove", "a"], own)
            expect(both, 66, "2 trust anchors have the name")
            #expect(both.errors.contains("trust remove 'a.crt'"))
            #expect(try bench.tokencert(["trust", "remove", "a.crt"], own).status == 0)
            #expect(FileManager.default.fileExists(atPath: anchors + "/a.pem"))
        }
    }
}
