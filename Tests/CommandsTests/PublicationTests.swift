import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// What `revoke` reports after the account has confirmed a revocation. Other programs do not read
    /// the list of the account: a user who reads "published" does not warn others.
    @Suite struct PublicationTests {
        /// Issues a certificate and returns its serial number.
        private func issue(_ bench: Bench, _ label: String = "mail") throws -> String {
            let file = bench.token.folder.file(label + ".pem")
            let outcome = try bench.tokencert([
                "issue", "--label", label, "--key-type", "rsa:2048", "--out", file,
            ])
            try #require(outcome.status == 0, "\(outcome)")
            let text = try run("openssl", ["x509", "-in", file, "-noout", "-serial"]).output
            return try #require(text.split(separator: "=").last)
                .trimmingCharacters(in: .whitespacesAndNewlines)
        }

        /// The members `publication` of the revocations.
        private func publications(_ outcome: Outcome) throws -> [[String: String]] {
            let revocations = try #require(try outcome.json()["revocations"] as? [[String: Any]])
            return revocations.compactMap { $0["publication"] as? [String: String] }
        }

        private static let revoke = ["revoke", "mail", "--yes"]

        // Otherwise a list from before the revocation hides that the CA has published it.
        @Test("After a revocation the list is requested again, whatever health has kept")
        func list() throws {
            let server = try FileServer()
            let bench = try Bench(["--ocsp", "http://127.0.0.1:1/", "--crl", server.url])
            let serial = try issue(bench)
            try server.publish(RevocationListFile(), of: bench)
            let health = ["health", "--online", "--json"]
            _ = try bench.tokencert(health)
            #expect(server.requests == 1)
            let first = try bench.tokencert(Self.revoke)
            #expect(first.status == 0, "\(first)")
            #expect(first.output.hasPrefix("The CA has revoked the certificate: "), "\(first)")
            #expect(
                first.output.contains(
                    "not published yet: other programs accept the certificate until they have the "
                        + "CA's next revocation list, which is due by "), "\(first)")
            #expect(first.errors.contains("note: cannot query http://127.0.0.1:1/"), "\(first)")
            #expect(server.requests == 2)
            let pending = try publications(try bench.tokencert(Self.revoke + ["--json"]))
            #expect(pending.map { $0["status"] } == ["notYet"], "\(pending)")
            #expect(pending.first?["source"] == "crl" && pending.first?["time"] != nil)
            // The list that health keeps now is from before the publication.
            _ = try bench.tokencert(health)
            try server.publish(RevocationListFile([(serial, "260102000000Z")]), of: bench)
            let last = try bench.tokencert(Self.revoke)
            #expect(last.status == 0, "\(last)")
            #expect(last.output.hasPrefix("The CA has already revoked"), "\(last)")
            #expect(
                last.output.contains("\npublished: it is on the CA's revocation list of 20"),
                "\(last)")
            let done = try publications(try bench.tokencert(Self.revoke + ["--json"]))
            #expect(done.map { $0["status"] } == ["published"], "\(done)")
            #expect(server.requests == 6)
        }

        @Test("The answer of the responder is reported, and then no list is requested")
        func responder() throws {
            let server = try FileServer()
            let port = Int.random(in: 20000..<30000)
            let bench = try Bench([
                "--ocsp", "http://127.0.0.1:\(port)/", "--crl", server.url,
            ])
            _ = try issue(bench)
            try server.publish(RevocationListFile(), of: bench)
            let responder = try Responder(bench, port: port, status: "R")
            defer { withExtendedLifetime(responder) {} }
            let outcome = try bench.tokencert(Self.revoke)
            #expect(outcome.status == 0, "\(outcome)")
            #expect(
                outcome.output.contains(
                    "\npublished: the CA's OCSP responder reports the revocation\n"), "\(outcome)")
            #expect(server.requests == 0)
        }

        // Otherwise a script would count the certificate as valid and revoke it again.
        @Test("Sources that do not answer change neither the outcome nor the exit status")
        func silence() throws {
            let bench = try Bench([
                "--ocsp", "http://127.0.0.1:1/", "--crl", "http://127.0.0.1:1/revoke.crl",
            ])
            _ = try issue(bench)
            let outcome = try bench.tokencert(Self.revoke + ["--json"])
            #expect(outcome.status == 0, "\(outcome)")
            let revocations = try #require(try outcome.json()["revocations"] as? [[String: Any]])
            #expect(revocations.map { $0["outcome"] as? String } == ["revoked"])
            let publication = try #require(try publications(outcome).first)
            #expect(publication["status"] == "unknown" && publication["source"] == nil)
            for part in [
                "cannot query http://127.0.0.1:1/", "cannot get http://127.0.0.1:1/revoke",
            ] {
                #expect(publication["reason"]?.contains(part) == true, "\(publication)")
            }
            let text = try bench.tokencert(Self.revoke)
            #expect(text.status == 0, "\(text)")
            #expect(
                text.output.contains("\nunknown whether it is published: cannot query "), "\(text)")
        }

        @Test("Each certificate of a lost token gets its line from one list")
        func lostToken() throws {
            let server = try FileServer()
            let bench = try Bench(["--ocsp", "http://127.0.0.1:1/", "--crl", server.url])
            let serial = try issue(bench)
            _ = try issue(bench, "other")
            try server.publish(RevocationListFile([(serial, "260102000000Z")]), of: bench)
            let lost = ["revoke", "--lost-token", "work", "--yes"]
            let outcome = try bench.tokencert(lost)
            #expect(outcome.status == 0, "\(outcome)")
            let lines = outcome.output.split(separator: "\n")
            #expect(lines.filter { $0.hasPrefix("revoked: ") }.count == 2, "\(outcome)")
            #expect(lines.filter { $0.hasPrefix("  published: ") }.count == 1, "\(outcome)")
            #expect(lines.filter { $0.hasPrefix("  not published yet: ") }.count == 1, "\(outcome)")
            // One of them is still accepted.
            #expect(!outcome.output.contains("from now on"), "\(outcome)")
            #expect(server.requests == 1)
            let json = try bench.tokencert(lost + ["--json"])
            let states = try publications(json).compactMap { $0["status"] }
            #expect(states.sorted() == ["notYet", "published"], "\(json)")
        }
    }
}
