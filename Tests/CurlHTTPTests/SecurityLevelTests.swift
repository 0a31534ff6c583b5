import Foundation
import Testing
import TokencertHTTP
import TokencertTestSupport

extension RealParts {
    /// OpenSSL does not read the system's configuration, so the client sets its own limits.
    @Suite struct SecurityLevelTests {
        /// The key sizes and the hash of the server's chain.
        struct Chain: CustomTestStringConvertible {
            var bits = 2048
            var hash = "-sha256"
            var authorityBits = 2048
            let isRefused: Bool
            var testDescription: String { "\(bits) \(hash) below \(authorityBits)" }
        }

        static let servers = [
            Chain(isRefused: false), Chain(bits: 1024, isRefused: true),
            Chain(hash: "-sha1", isRefused: true), Chain(hash: "-md5", isRefused: true),
            Chain(authorityBits: 1024, isRefused: true),
        ]

        private func openssl(_ folder: TemporaryFolder, _ arguments: [String]) throws {
            let outcome = try run("env", ["--chdir", folder.path, "openssl"] + arguments)
            #expect(outcome.status == 0, "\(outcome.errors)")
        }

        /// Runs a server that accepts any protocol and cipher while `body` runs.
        private func withServer(
            _ chain: Chain, _ options: [String],
            _ body: (_ url: String, _ anchors: String) throws -> Void
        ) throws {
            let folder = try TemporaryFolder()
            try openssl(
                folder,
                [
                    "req", "-x509", "-newkey", "rsa:\(chain.authorityBits)", "-nodes", "-keyout",
                    "root.key", "-out", "root.pem", "-subj", "/CN=Root", "-days", "2",
                ])
            try openssl(
                folder,
                [
                    "req", "-newkey", "rsa:\(chain.bits)", "-nodes", "-keyout", "server.key",
                    "-out",
                    "server.csr", "-subj", "/CN=localhost",
                ])
            try folder.write("subjectAltName=DNS:localhost\n", "server.ext")
            try openssl(
                folder,
                [
                    "x509", "-req", "-in", "server.csr", "-CA", "root.pem", "-CAkey", "root.key",
                    "-set_serial", "7", "-days", "2", "-extfile", "server.ext", "-out",
                    "server.pem",
                    chain.hash,
                ])
            let server = Process()
            server.executableURL = URL(filePath: "/usr/bin/openssl")
            server.arguments =
                [
                    "s_server", "-accept", "localhost:0", "-cert", folder.file("server.pem"),
                    "-key",
                    folder.file("server.key"), "-www",
                ] + options
            let output = Pipe()
            server.standardOutput = output
            server.standardError = FileHandle.nullDevice
            try server.run()
            defer { end(server) }
            // The server prints its address, such as "ACCEPT [::1]:12345".
            var text = ""
            var port: Substring?
            while port == nil {
                let data = output.fileHandleForReading.availableData
                try #require(!data.isEmpty, "the server ended: \(text)")
                text += String(decoding: data, as: UTF8.self)
                guard text.hasSuffix("\n") else { continue }
                port =
                    text.split(separator: "\n").first { $0.hasPrefix("ACCEPT ") }?
                    .split(separator: ":").last
            }
            try body("https://localhost:\(port ?? "")/", folder.read("root.pem"))
        }

        private func get(_ url: String, _ anchors: String) throws(HTTPError) -> HTTPAnswer {
            var client = try HTTPClient(
                anchorsPEM: anchors, userAgent: "test",
                limits: HTTPLimits(timeout: 10))
            return try client.get(url)
        }

        @Test(
            "A server with a short key or a weak hash in its chain is refused",
            arguments: servers, ["-tls1_2", "-tls1_3"])
        func chains(chain: Chain, version: String) throws {
            try withServer(chain, [version, "-cipher", "ALL:@SECLEVEL=0"]) { url, anchors in
                guard chain.isRefused else {
                    let answer = try get(url, anchors)
                    #expect(answer.status == 200)
                    return
                }
                let error = #expect(throws: HTTPError.self) { _ = try get(url, anchors) }
                #expect(error?.code == .untrustedServer, "\(String(describing: error))")
                #expect(error?.mayHaveBeenSent == false)
            }
        }

        @Test(
            "A cipher or a key exchange with less than 112 bits of security is refused",
            arguments: [
                (["-tls1_2", "-cipher", "NULL:@SECLEVEL=0"], true),
                (["-tls1_2", "-cipher", "ADH:@SECLEVEL=0"], true),
                (["-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0"], false),
                (["-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"], false),
            ])
        func ciphers(options: [String], isRefused: Bool) throws {
            try withServer(Chain(isRefused: false), options) { url, anchors in
                guard isRefused else {
                    let answer = try get(url, anchors)
                    #expect(answer.status == 200)
                    return
                }
                let error = #expect(throws: HTTPError.self) { _ = try get(url, anchors) }
                #expect(error?.code == .tlsFailed, "\(String(describing: error))")
            }
        }
    }
}
