import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// `health --online` with revocation lists from an HTTP server. CAcert's responder is sometimes
    /// down; then only the list shows that a certificate is revoked.
    @Suite struct RevocationListAtProgramTests {
        private let server: FileServer
        private let bench: Bench
        private let serialNumber: String

        init() throws {
            server = try FileServer()
            // No responder listens on port 1.
            bench = try Bench(["--ocsp", "http://127.0.0.1:1/", "--crl", server.url])
            let issued = try bench.tokencert(["issue"])
            try #require(issued.status == 0, "\(issued)")
            let file = try bench.token.folder.write(
                try #require(bench.ca.issued.first), "issued.pem")
            let text = try run("openssl", ["x509", "-in", file, "-noout", "-serial"]).output
            serialNumber = try #require(text.split(separator: "=").last)
                .trimmingCharacters(in: .whitespacesAndNewlines)
        }

        /// Replaces the list on the server.
        private func publish(_ list: RevocationListFile) throws {
            try server.publish(list, of: bench)
        }

        private func forget() throws {
            try FileManager.default.removeItem(atPath: cacheFolder)
        }

        private var cacheFolder: String {
            bench.token.folder.file("cache/tokencert/revocation-lists")
        }

        private func kinds(_ outcome: Outcome) throws -> [String] {
            let findings = try #require(try outcome.json()["findings"] as? [[String: Any]])
            return findings.compactMap { $0["kind"] as? String }.sorted()
        }

        private func look() throws -> Outcome {
            try bench.tokencert(["health", "--json", "--online"])
        }

        @Test("A certificate on the CA's list is revoked, even if the responder does not answer")
        func revoked() throws {
            try publish(RevocationListFile([("51", "260101000000Z")]))
            let fine = try look()
            #expect(try kinds(fine).isEmpty && fine.status == 0, "\(fine)")
            #expect(
                fine.errors.contains("note: cannot query http://127.0.0.1:1/"), "\(fine.errors)")
            try publish(RevocationListFile([(serialNumber, "260102000000Z,keyCompromise")]))
            try forget()
            let outcome = try look()
            #expect(try kinds(outcome) == ["revoked"], "\(outcome)")
            #expect(outcome.output.contains("the CA revoked it on 2026-01-02 (keyCompromise)"))
            #expect(outcome.status == 79)
        }

        /// CAcert's list has several megabytes, and monitoring runs often.
        @Test("A list is requested again only after 6 hours, or if its file is damaged")
        func cached() throws {
            try publish(RevocationListFile())
            for _ in 1...2 { #expect(try kinds(try look()).isEmpty) }
            #expect(server.requests == 1)
            let name = try #require(
                try FileManager.default.contentsOfDirectory(atPath: cacheFolder).first)
            try Data("damaged".utf8).write(to: URL(filePath: cacheFolder + "/" + name))
            for _ in 1...2 { #expect(try kinds(try look()).isEmpty) }
            #expect(server.requests == 2)
            let later = try run(
                "faketime", ["-f", "+7h", product("tokencert"), "health", "--json", "--online"],
                environment: bench.environment)
            #expect(try kinds(later).isEmpty, "\(later)")
            #expect(server.requests == 3)
        }

        @Test("If the list is expired, foreign or missing, the status is unknown, not good")
        func unusable() throws {
            try publish(RevocationListFile(from: -9, to: -2))
            let expired = try look()
            #expect(try kinds(expired) == ["revocationUnknown"], "\(expired)")
            #expect(expired.output.contains("the revocation list expired on "))
            #expect(expired.status == 79)
            let foreign = try RevocationListFile().sign(
                bench.ca.folder.file("class3"), in: bench.token.folder)
            try Data(foreign).write(to: URL(filePath: server.folder.file("revoke.crl")))
            #expect(try kinds(try look()) == ["revocationUnknown"])
            try FileManager.default.removeItem(atPath: server.folder.file("revoke.crl"))
            let missing = try look()
            #expect(try kinds(missing) == ["revocationUnknown"], "\(missing)")
            #expect(missing.output.contains("answered with HTTP 404"))
            // Nothing of these was kept.
            #expect(!FileManager.default.fileExists(atPath: cacheFolder))
        }
    }
}
