import Foundation
import OpenSSLX509
import Testing
import TokencertTestSupport

/// OCSP responses from `openssl ocsp`.
@Suite struct OCSPTests {
    private let authority: CommandLineAuthority
    private let root: Certificate
    private let leaf: Certificate

    init() throws {
        authority = try CommandLineAuthority()
        root = try authority.certificate("root", CommandLineAuthority.authority)
        leaf = try authority.certificate("leaf", issuer: "root", CommandLineAuthority.leaf)
        try authority.certificate("other", issuer: "root", CommandLineAuthority.leaf)
    }

    /// A response about the certificates, each identified with a hash function.
    private func response(
        _ names: [(hash: String, file: String)], revoked: Bool = false, reason: String = "",
        time: String = "-0d",
        signer: [String] = ["-rsigner", "root.pem", "-rkey", "root.key"]
    ) throws -> [UInt8] {
        let state = revoked ? "R\t350101000000Z\t260101000000Z\(reason)" : "V\t350101000000Z\t"
        try authority.folder.write(
            "\(state)\t\(leaf.serialNumber.uppercased())\tunknown\t/CN=leaf\n", "index")
        try authority.openssl(
            ["ocsp", "-issuer", "root.pem"] + names.flatMap { [$0.hash, "-cert", $0.file] }
                + ["-no_nonce", "-reqout", "request.der"])
        let arguments = [
            "ocsp", "-index", "index", "-CA", "root.pem", "-reqin", "request.der", "-respout",
            "response.der", "-ndays", "1",
        ]
        let outcome = try run(
            "env",
            ["--chdir", authority.folder.path, "faketime", "-f", time, "openssl"]
                + arguments + signer)
        #expect(outcome.status == 0, "\(outcome.errors)")
        return try authority.bytes("response.der")
    }

    private func refusal(_ answer: [UInt8]) -> String? {
        do throws(X509Error) {
            _ = try OCSPQuestion(about: leaf, issuedBy: root).status(in: answer)
            return nil
        } catch {
            return error.description
        }
    }

    /// Responders may identify certificates with SHA-256. Otherwise the user misses a revocation.
    @Test("A response is accepted with any hash function in the certificate's identifier")
    func hashes() throws {
        let question = try OCSPQuestion(about: leaf, issuedBy: root)
        for hash in ["-sha1", "-sha224", "-sha256", "-sha384", "-sha512"] {
            #expect(try question.status(in: response([(hash, "leaf.pem")])) == .good, "\(hash)")
            guard
                case .revoked(let time) = try question.status(
                    in: response([(hash, "leaf.pem")], revoked: true))
            else {
                Issue.record("not revoked with \(hash)")
                continue
            }
            #expect(time == 1_767_225_600)
            let other = refusal(try response([(hash, "other.pem")]))
            #expect(other?.contains("a different certificate") == true)
        }
        let many = try response(
            [("-sha1", "other.pem"), ("-sha256", "other.pem"), ("-sha256", "leaf.pem")],
            revoked: true)
        #expect(try question.status(in: many) != .good)
        #expect(try question.status(in: many) != .unknown)
    }

    // Otherwise an attacker who blocks newer responses can hide that the certificate is revoked.
    @Test("A revocation in an old response counts, unless it is a hold")
    func oldRevocation() throws {
        let question = try OCSPQuestion(about: leaf, issuedBy: root)
        let names = [(hash: "-sha1", file: "leaf.pem")]
        for reason in ["", ",keyCompromise"] {
            let old = try response(names, revoked: true, reason: reason, time: "-30d")
            #expect(
                try question.status(in: old) == .revoked(at: 1_767_225_600), "\(reason)")
        }
        for answer in [
            try response(names, revoked: true, reason: ",certificateHold", time: "-30d"),
            try response(names, time: "-30d"),
            try response(names, revoked: true, time: "+30d"),
        ] {
            #expect(refusal(answer)?.contains("outdated") == true)
        }
        #expect(
            try question.status(in: response(names, revoked: true, reason: ",certificateHold"))
                == .revoked(at: 1_767_225_600))
    }

    @Test("A response that the CA has not signed is refused, whatever its hash function")
    func signature() throws {
        let strange = try authority.certificate(
            "stranger", CommandLineAuthority.authority, subject: "/CN=root")
        #expect(strange.subject == root.subject)
        for hash in ["-sha1", "-sha256"] {
            let answer = try response(
                [(hash, "leaf.pem")], signer: ["-rsigner", "stranger.pem", "-rkey", "stranger.key"])
            #expect(refusal(answer)?.contains("not signed by the CA") == true)
        }
        // An authorized responder must not sign with a short key.
        for (key, isRefused) in [("2048", false), ("1024", true)] {
            try authority.certificate(
                "responder\(key)", issuer: "root",
                ["basicConstraints=CA:FALSE", "extendedKeyUsage=OCSPSigning"],
                key: ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:\(key)"])
            let answer = try response(
                [("-sha1", "leaf.pem")],
                signer: ["-rsigner", "responder\(key).pem", "-rkey", "responder\(key).key"])
            #expect((refusal(answer) != nil) == isRefused, "\(key)")
        }
    }

    @Test("An error about a response without a status does not call it successful")
    func unsuccessful() throws {
        #expect(refusal([0x30, 3, 0x0A, 1, 3])?.contains("trylater") == true)
        #expect(refusal([0x30, 3, 0x0A, 1, 6])?.contains("unauthorized") == true)
        for answer: [UInt8] in [
            [0x30, 3, 0x0A, 1, 0], [0x30, 3, 0x0A, 1, 4], [0x30, 3, 0x0A, 1, 99], [], [0x30, 0],
            Array("<html>".utf8), try response([("-sha1", "leaf.pem")]) + [0],
        ] {
            let text = try #require(refusal(answer))
            #expect(!text.contains("successful"), "\(text)")
        }
    }
}
