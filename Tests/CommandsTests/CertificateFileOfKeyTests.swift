import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// Tokens that store the certificate of a key in one file, such as a SmartCard-HSM, behind a module that
    /// shows its changes only to a new process.
    @Suite struct CertificateFileOfKeyTests {
        private func bench() throws -> (bench: Bench, old: String) {
            let bench = try Bench()
            let issued = try bench.tokencert([
                "issue", "--label", "mail", "--key-type", "rsa:2048", "--json",
            ])
            return (bench, try #require(try issued.json().certificate("serialNumber")))
        }

        private func settings(_ bench: Bench, _ profile: String, _ more: [String: String] = [:])
            -> [String: String]
        {
            bench.faulty([
                "FAULTY_ONE_CERTIFICATE_FILE": "1", "TOKENCERT_TOKEN_PROFILE": profile,
            ]).merging(more) { $1 }
        }

        private func serialNumbers(_ bench: Bench) throws -> [String] {
            let list = try bench.tokencert(["list", "--json"]).json()
            let certificates = list["certificates"] as? [[String: Any]] ?? []
            return certificates.compactMap { $0["serialNumber"] as? String }
        }

        // Otherwise the new certificate is destroyed in place of the old one, and reported as written.
        @Test(
            "A renewal keeps the new certificate if the old one was in the same file",
            arguments: ["opensc-sc-hsm", "opensc-pkcs15"])
        func renewed(profile: String) throws {
            let (bench, old) = try bench()
            let renewed = try bench.tokencert(
                ["renew", "mail", "--retire", "--json"], settings(bench, profile))
            #expect(renewed.status == 0, "\(renewed)")
            let left = try serialNumbers(bench)
            #expect(left.count == 1 && !left.contains(old), "\(left)")
            #expect(renewed.output.contains(left.first ?? "-"), "\(renewed.output)")
            // The control: without the profile, the process cannot see that it destroys the new one.
            let lost = try bench.tokencert(["renew", "mail", "--retire"], settings(bench, "none"))
            #expect(lost.status == 0)
            #expect(try serialNumbers(bench).isEmpty)
        }

        @Test("With a PIN pad, the old certificate is removed by the next process")
        func readerKeys() throws {
            let (bench, old) = try bench()
            let pad = settings(
                bench, "opensc-pkcs15",
                [
                    "FAULTY_SET_FLAGS": "PROTECTED_AUTHENTICATION_PATH",
                    "FAULTY_KEYPAD_PIN": bench.token.pin,
                ])
            let renewed = try bench.tokencert(["renew", "mail", "--retire"], pad)
            expect(renewed, 74, "only a new process sees")
            #expect(renewed.errors.contains("tokencert resume 2"), "\(renewed.errors)")
            let resumed = try bench.tokencert(["resume", "2"], pad)
            #expect(resumed.status == 0, "\(resumed)")
            let left = try serialNumbers(bench)
            #expect(left.count == 1 && !left.contains(old), "\(left)")
        }

        // Otherwise the private key stays, and the user is told that other objects are missing.
        @Test("A public key that disappears with its certificate is expected to do so")
        func dropped() throws {
            for options in [["--cert"], ["--yes-delete-private-key"]] {
                let (bench, _) = try bench()
                let removed = try bench.tokencert(
                    ["delete", "mail", "--yes"] + options, settings(bench, "opensc-pkcs15"))
                #expect(removed.status == 0, "\(removed)")
                #expect(bench.token.contents.count == (options == ["--cert"] ? 1 : 0))
                let other = try Bench()
                _ = try other.tokencert(["issue", "--label", "mail", "--key-type", "rsa:2048"])
                let unexpected = try other.tokencert(
                    ["delete", "mail", "--yes"] + options, settings(other, "none"))
                #expect([73, 74].contains(unexpected.status), "\(unexpected)")
            }
        }

        // Otherwise no program can use the key any more, and no certificate can be imported for it.
        @Test("A certificate that has the only copy of the public key is not deleted with --yes")
        func publicKey() throws {
            let (bench, serial) = try bench()
            try bench.token.pkcs11Tool(["--delete-object", "--type", "pubkey", "--label", "mail"])
            let card = settings(bench, "opensc-sc-hsm")
            let before = bench.token.contents
            for name in [serial, "mail"] {
                let refused = try bench.tokencert(["delete", name, "--cert", "--yes"], card)
                expect(refused, 73, "has it only in the certificate")
                #expect(refused.errors.contains("tokencert renew mail"), "\(refused.errors)")
            }
            #expect(bench.token.contents == before)
            let removed = try bench.tokencert(
                ["delete", serial, "--yes", "--yes-delete-private-key"], card)
            #expect(removed.status == 0, "\(removed)")
        }
    }
}
