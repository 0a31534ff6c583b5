import Foundation
import Testing
import TokencertTestSupport

/// Whether the test can mount a file system in its own namespace.
private let canMount =
    (try? run("unshare", ["-rm", "mount", "-t", "tmpfs", "none", "/tmp"]))?.status == 0

extension RealParts {
    /// A file system without room for the `--out` file.
    @Suite(.enabled(if: canMount, "a mount namespace needs root or user namespaces"))
    struct FullFileSystemTests {
        /// Mounts a file system of 64 KiB, optionally fills it, runs the command, and copies the
        /// result.
        private static let script = """
            mount -t tmpfs -o size=64k none "$FOLDER/small" || exit 99
            echo "-----BEGIN CERTIFICATE-----" > "$FOLDER/small/file.pem"
            if [ "$1" = full ]; then
                head -c 1M /dev/zero > "$FOLDER/small/other" 2> /dev/null
            fi
            shift
            "$@"
            status=$?
            ls -A "$FOLDER/small" > "$FOLDER/names"
            cp "$FOLDER/small/file.pem" "$FOLDER/kept"
            exit $status
            """

        /// Runs tokencert with an existing `file.pem` on the small file system.
        private func tokencert(
            _ bench: Bench, _ arguments: [String], isFull: Bool = false
        ) throws -> Outcome {
            let folder = bench.token.folder
            try FileManager.default.createDirectory(
                atPath: folder.file("small"), withIntermediateDirectories: true)
            let outcome = try run(
                "unshare",
                [
                    "-rm", "bash", "-c", Self.script, "bash", isFull ? "full" : "free",
                    product("tokencert"),
                ] + arguments + ["--out", folder.file("small/file.pem")],
                environment: bench.environment.merging(["FOLDER": folder.path]) { $1 })
            #expect(try folder.read("names") == "file.pem\nother\n", "\(outcome)")
            #expect(try folder.read("kept") == "-----BEGIN CERTIFICATE-----\n")
            return outcome
        }

        @Test("A disk without room for a ledger is reported as full", arguments: [4, 16, 32])
        func fullLedger(kibibytes: Int) throws {
            let bench = try Bench()
            let small = bench.token.folder.file("small")
            try FileManager.default.createDirectory(
                atPath: small, withIntermediateDirectories: true)
            let before = bench.token.contents
            let outcome = try run(
                "unshare",
                [
                    "-rm", "sh", "-c",
                    "mount -t tmpfs -o size=\(kibibytes)k none '\(small)' || exit 99; exec \"$@\"",
                    "sh",
                    product("tokencert"), "request", "--ledger", small + "/ledger.sqlite",
                ], environment: bench.environment)
            expect(outcome, 78, "the disk with the ledger \(small)/ledger.sqlite is full")
            #expect(outcome.errors.contains("free some disk space"), "\(outcome)")
            #expect(bench.token.contents == before)
        }

        /// A secret source that fills the file system before it prints the secret of a file.
        private func filling(_ bench: Bench, _ source: String) throws -> String {
            let secret = try #require(bench.environment[source]).dropFirst("file:".count)
            let other = bench.token.folder.file("small/other")
            return "command:sh -c 'head -c 1M /dev/zero > \(other) 2> /dev/null; cat \(secret)'"
        }

        @Test("If the file system of --out is full, nothing is ordered and no key is made")
        func fullBefore() throws {
            let bench = try Bench()
            let before = bench.token.contents
            for command in ["issue", "request"] {
                let outcome = try tokencert(bench, [command], isFull: true)
                expect(outcome, 78, "small/file.pem: No space left on device")
                #expect(outcome.errorLine.hasSuffix(": No space left on device"), "\(outcome)")
                #expect(outcome.errors.contains("df -h"), "\(outcome)")
            }
            #expect(bench.token.contents == before)
            #expect(bench.ca.requests.isEmpty)
            #expect(try bench.orderCount() == 0)
        }

        /// Otherwise the user would have no certificate and order a second one.
        @Test("A certificate is printed if the file system of --out fills up during the order")
        func fullAfterOrder() throws {
            let bench = try Bench()
            let outcome = try tokencert(
                bench,
                [
                    "issue", "--key-type", "rsa:2048", "--password-source",
                    filling(bench, "TOKENCERT_PASSWORD_SOURCE"),
                ])
            expect(outcome, 78, "the text below was not written to a file: ")
            #expect(outcome.errorLine.hasSuffix(": No space left on device"), "\(outcome)")
            #expect(outcome.errors.contains("df -h"), "\(outcome)")
            #expect(bench.ca.issued.count == 1)
            let certificate = try #require(bench.ca.issued.first)
                .trimmingCharacters(in: .newlines)
            #expect(outcome.errors.contains(certificate), "\(outcome)")
            // The command in the hint reads it from the token.
            let hint = try #require(
                outcome.errors.firstMatch(of: /tokencert (show --pem .*) > FILE/))
            let shown = try bench.tokencert(
                hint.output.1.split(separator: " ").map(String.init))
            #expect(shown.output.trimmingCharacters(in: .newlines) == certificate, "\(shown)")
            // The ledger has it too, and the order is finished.
            let history = try bench.tokencert(["history", "--json"]).json()
            let orders = try #require(history["orders"] as? [[String: Any]])
            let events = orders.flatMap { $0["events"] as? [[String: Any]] ?? [] }
            let bodies = events.compactMap { event in
                ((event["content"] as? [String: Any])?["body"] as? String)
                    .flatMap { Data(base64Encoded: $0) }
            }
            #expect(
                bodies.contains { String(decoding: $0, as: UTF8.self).contains(certificate) })
            let summary = orders.first?["summary"] as? [String: Any]
            #expect(orders.count == 1 && summary?["isFinished"] as? Bool == true)
        }

        @Test("A request is printed if the file system of --out fills up while its key is made")
        func fullAfterRequest() throws {
            let bench = try Bench()
            let outcome = try tokencert(
                bench,
                [
                    "request", "--key-type", "rsa:2048", "--pin-source",
                    filling(bench, "TOKENCERT_PIN_SOURCE"),
                ])
            expect(outcome, 78, "the text below was not written to a file: ")
            #expect(outcome.errorLine.hasSuffix(": No space left on device"), "\(outcome)")
            #expect(outcome.errors.contains("BEGIN CERTIFICATE REQUEST"), "\(outcome)")
            #expect(outcome.errors.contains(", id "), "\(outcome)")
        }
    }
}
