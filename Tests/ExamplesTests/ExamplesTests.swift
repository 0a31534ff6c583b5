import Foundation
import OpenSSLX509
import Testing
import TokencertTestSupport

/// 2026-11-23 00:00 UTC. A fixed time makes the tests independent of the date.
private let today: Int64 = 1_795_392_000

extension RealParts {
    @Suite struct CryptokiExampleTests {
        private let store: ThrowawayToken

        init() throws {
            store = try ThrowawayToken()
            unsafe setenv("SOFTHSM2_CONF", store.folder.file("softhsm2.conf"), 1)
        }

        private func follow(
            _ message: String = "a message"
        ) throws -> (point: [UInt8], signature: [UInt8], listing: [String]) {
            try makeAKey(
                modulePath: softHSMModule, tokenURI: "pkcs11:token=work",
                pinFile: store.folder.file("pin"), hash: Digest.sha256.hash(Array(message.utf8)))
        }

        /// The URIs of all objects, as p11tool prints them.
        private func objects() throws -> Set<String> {
            let listed = try run(
                "p11tool",
                [
                    "--provider", softHSMModule, "--login", "--list-all", "--only-urls",
                    "pkcs11:token=work",
                ],
                environment: store.environment.merging(["GNUTLS_PIN": store.pin]) { $1 })
            return Set(listed.output.split(separator: "\n").map(String.init))
        }

        @Test("OpenSSL accepts the signature of the article's example")
        func signature() throws {
            let made = try follow("a message")
            let key = try PublicKey(ecParameters: NamedCurve.p256.ecParameters, point: made.point)
            let folder = store.folder
            try folder.write(key.pem, "key.pem")
            try folder.write("a message", "message")
            try folder.write("another one", "other")
            let signature = try SignatureForm.ecdsaDER(fromConcatenation: made.signature)
            try Data(signature).write(to: URL(filePath: folder.file("signature")))
            func verification(of message: String) throws -> Outcome {
                try run(
                    "openssl",
                    [
                        "dgst", "-sha256", "-verify", folder.file("key.pem"), "-signature",
                        folder.file("signature"), folder.file(message),
                    ])
            }
            let right = try verification(of: "message")
            #expect(right.output.contains("Verified OK"), "\(right)")
            #expect(try verification(of: "other").status == 1)
        }

        @Test("The article's example leaves the objects on the token unchanged")
        func objectsAfterwards() throws {
            let theirs = try store.pkcs11Tool([
                "--keypairgen", "--key-type", "EC:prime256v1", "--id", "01", "--label", "theirs",
            ])
            #expect(theirs.status == 0, "\(theirs.errors)")
            let before = try objects()
            #expect(before.count == 2, "\(before)")
            let listing = try follow().listing
            #expect(listing.count == 4, "\(listing)")
            let others = Set(listing.filter { !$0.contains("object=example") })
            #expect(others == before)
            #expect(try objects() == before)
            let left = try store.pkcs11Tool(["--list-objects"])
            #expect(left.status == 0 && !left.output.contains("example"), "\(left)")
        }

        @Test("The article's example fails if its URI matches several tokens")
        func severalTokens() throws {
            try store.addToken(label: "work")
            let error = #expect(throws: (any Error).self) { _ = try follow() }
            let text = error.map { "\($0)" } ?? ""
            #expect(text.components(separatedBy: ";serial=").count == 3, "\(text)")
        }
    }
}

@Suite struct OpenSSLX509ExampleTests {
    @Test("OpenSSL accepts the request of the article's example")
    func request() throws {
        let request = try signARequest(at: today).request
        let checked = try run(
            "openssl", ["req", "-verify", "-noout", "-text", "-nameopt", "utf8"],
            input: request.pem)
        #expect(checked.errors.contains("verify OK"), "\(checked)")
        #expect(checked.output.contains("Anna Müller"), "\(checked)")
        #expect(checked.output.contains("email:anna@example.org"), "\(checked)")
    }

    @Test("OpenSSL trusts the certificate of the article's example until it expires")
    func certificate() throws {
        let made = try signARequest(at: today)
        let read = Certificate.all(inPEM: Array(made.pem.utf8)).certificates
        try #require(read.count == 2)
        let folder = try TemporaryFolder()
        try folder.write(read[0].pem, "certificate.pem")
        try folder.write(read[1].pem, "root.pem")
        func verification(at time: Int64) throws -> Outcome {
            try run(
                "openssl",
                [
                    "verify", "-x509_strict", "-attime", "\(time)", "-purpose", "smimesign",
                    "-CAfile", folder.file("root.pem"), folder.file("certificate.pem"),
                ])
        }
        let now = try verification(at: today)
        #expect(now.output.contains("certificate.pem: OK"), "\(now)")
        #expect(try verification(at: today + 8 * 86_400).status != 0)
        let inRequest = try run("openssl", ["req", "-noout", "-pubkey"], input: made.request.pem)
        let inCertificate = try run("openssl", ["x509", "-noout", "-pubkey"], input: read[0].pem)
        #expect(inCertificate.output.hasPrefix("-----BEGIN PUBLIC KEY-----"))
        #expect(inCertificate.output == inRequest.output)
    }
}

@Suite struct ArticleTests {
    private static let package = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    @Test(
        "An article shows the code that the tests compile and run",
        arguments: [
            ("Cryptoki", "MakingAKey"), ("OpenSSLX509", "SigningARequest"),
        ])
    func articlesShowWhatRuns(library: String, article: String) throws {
        let shown = try parts(
            of: "Sources/\(library)/Documentation.docc/\(article).md", between: "```swift",
            and: "```")
        let compiled = try parts(
            of: "Tests/ExamplesTests/\(library)Example.swift", between: "// snippet",
            and: "// end of snippet")
        #expect(shown.count == 1)
        #expect(compiled.count == 1)
        #expect(shown == compiled)
        #expect(shown.first?.isEmpty == false)
    }

    /// The parts of a file between two lines, without their common indentation.
    private func parts(
        of path: String, between first: String, and last: String
    ) throws -> [[String]] {
        let text = try String(contentsOf: Self.package.appending(path: path), encoding: .utf8)
        var parts: [[String]] = []
        var part: [String]?
        for line in text.components(separatedBy: "\n") {
            switch line.trimmingCharacters(in: .whitespaces) {
            case first where part == nil:
                part = []
            case last:
                if let part { parts.append(withoutIndentation(part)) }
                part = nil
            default:
                part?.append(line)
            }
        }
        return parts
    }

    private func withoutIndentation(_ lines: [String]) -> [String] {
        let indentation = lines.filter { !$0.isEmpty }.map { $0.prefix { $0 == " " }.count }.min()
        return lines.map { String($0.dropFirst(indentation ?? 0)) }
    }
}
