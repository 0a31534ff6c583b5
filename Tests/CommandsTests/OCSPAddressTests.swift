import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// A certificate may have several responders. A revocation must be reported even if the first
    /// responder is down.
    @Suite struct OCSPAddressTests {
        private let bench: Bench
        private let folder: TemporaryFolder

        init() throws {
            bench = try Bench()
            folder = bench.token.folder
        }

        private func openssl(_ arguments: [String]) throws {
            let outcome = try run("openssl", arguments)
            #expect(outcome.status == 0, "\(outcome.errors)")
        }

        /// Replaces the certificate on the token with one that has these responders.
        private func place(_ addresses: [String]) throws {
            _ = try bench.token.pkcs11Tool(["--delete-object", "--type", "cert", "--id", "51"])
            let name = folder.file("asked")
            let access = addresses.map { "OCSP;URI:" + $0 }.joined(separator: ",")
            try folder.write("authorityInfoAccess=\(access)\n", "asked.ext")
            try openssl([
                "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", name + ".key", "-out",
                name + ".csr", "-subj", "/CN=Asked",
            ])
            let root = bench.ca.folder.file("root")
            try openssl([
                "x509", "-req", "-in", name + ".csr", "-CA", root + ".pem", "-CAkey", root + ".key",
                "-set_serial", "0x5151", "-days", "90", "-extfile", name + ".ext", "-outform",
                "DER", "-out", name + ".der",
            ])
            let written = try bench.token.pkcs11Tool([
                "--write-object", name + ".der", "--type", "cert", "--id", "51", "--label",
                "asked",
            ])
            #expect(written.status == 0, "\(written.errors)")
        }

        /// The findings of health about revocation.
        private func look() throws -> (findings: [(kind: String, text: String)], errors: String) {
            let outcome = try bench.tokencert(["health", "--json", "--online"])
            let findings = try #require(try outcome.json()["findings"] as? [[String: Any]])
            return (
                findings.compactMap { finding in
                    guard let kind = finding["kind"] as? String,
                        let text = finding["message"] as? String, kind.hasPrefix("revo")
                    else { return nil }
                    return (kind, text)
                }, outcome.errors
            )
        }

        /// Starts a responder that gives the state V or R.
        private func responder(_ state: String) throws -> (url: String, process: Process) {
            let revoked = state == "R" ? "260101000000Z" : ""
            let index = try folder.write(
                "\(state)\t350101000000Z\t\(revoked)\t5151\tunknown\t/CN=x\n", "index-\(state)")
            let root = bench.ca.folder.file("root")
            let port = Int.random(in: 20000..<30000)
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/openssl")
            process.arguments = [
                "ocsp", "-index", index, "-port", "\(port)", "-CA", root + ".pem", "-rsigner",
                root + ".pem", "-rkey", root + ".key", "-ndays", "1",
            ]
            let output = Pipe()
            process.standardOutput = output
            process.standardError = output
            try process.run()
            var text = ""
            while !text.contains("waiting for OCSP client connections") {
                let data = output.fileHandleForReading.availableData
                try #require(!data.isEmpty, "the responder ended: \(text)")
                text += String(decoding: data, as: UTF8.self)
            }
            return ("http://127.0.0.1:\(port)/", process)
        }

        @Test("If a responder is down, the next one is asked, and the reason is printed as a note")
        func addresses() throws {
            let (good, first) = try responder("V")
            defer { end(first) }
            let (revoked, second) = try responder("R")
            defer { end(second) }
            let silent = "http://127.0.0.1:1/"
            try place([silent, revoked])
            #expect(try look().findings.map(\.kind) == ["revoked"])
            try place([silent, good])
            let seen = try look()
            #expect(seen.findings.isEmpty, "\(seen)")
            #expect(seen.errors.contains("note: cannot query " + silent), "\(seen.errors)")
            try place([silent, bench.ca.url + "/nowhere"])
            let unanswered = try #require(try look().findings.first)
            #expect(unanswered.kind == "revocationUnknown")
            #expect(unanswered.text.contains("no responder answered"), "\(unanswered.text)")
        }
    }
}
