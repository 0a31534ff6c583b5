import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// Keys that other programs put on the token.
    @Suite struct ForeignKeyTests {
        /// Creates a key with OpenSSL and imports it into the token.
        private func bench(_ kind: [String], _ standIn: [String] = []) throws -> Bench {
            let folder = try TemporaryFolder()
            let made = try run("openssl", ["genpkey", "-out", folder.file("key.pem")] + kind)
            #expect(made.status == 0, "\(made.errors)")
            var arguments = standIn
            if arguments.contains("--weak-keys") {
                let line = try run(
                    "openssl", ["rsa", "-in", folder.file("key.pem"), "-noout", "-modulus"]
                ).output
                let hash = try run("sha1sum", [], input: line).output.prefix(40).suffix(20)
                arguments.append(try folder.write("\(hash)\n", "list"))
            }
            let bench = try Bench(arguments)
            let imported = try run(
                "softhsm2-util",
                [
                    "--import", folder.file("key.pem"), "--token", bench.token.label, "--label",
                    "old", "--id", "A1B2", "--pin", bench.token.pin,
                ], environment: bench.token.environment)
            #expect(imported.status == 0, "\(imported.errors)")
            return bench
        }

        private let key = "pkcs11:token=work;id=%A1%B2"

        @Test(
            "A key that CAcert refuses stays on the token without a certificate, with the reason",
            arguments: [
                (
                    ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"], [],
                    "does not sign RSA 1024 keys"
                ),
                (
                    [
                        "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-pkeyopt",
                        "rsa_keygen_pubexp:3",
                    ], [], "public exponent is at least 65537"
                ),
                (
                    ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], ["--weak-keys"],
                    "vulnerable version of OpenSSL"
                ),
            ] as [([String], [String], String)])
        func refusedKeys(kind: [String], standIn: [String], message: String) throws {
            let bench = try bench(kind, standIn)
            let before = bench.token.contents
            let outcome = try bench.tokencert(["issue", "--key", key])
            expect(outcome, 65, message)
            #expect(bench.ca.issued.isEmpty)
            #expect(bench.token.contents == before)
        }

        // Otherwise the CA would refuse the key only after the order.
        @Test("A dry run refuses a key with an exponent that CAcert refuses")
        func smallExponent() throws {
            let bench = try bench([
                "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-pkeyopt",
                "rsa_keygen_pubexp:3",
            ])
            for arguments in [["--dry-run"], []] {
                let outcome = try bench.tokencert(["issue", "--key", key] + arguments)
                expect(outcome, 65, "public exponent is at least 65537")
            }
            #expect(bench.ca.orders.isEmpty)
        }

        @Test("A request for an existing key is for that key and creates no objects")
        func requestForKey() throws {
            let bench = try bench(["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"])
            let before = bench.token.contents
            let made = try bench.tokencert(["request", "--key", key, "--name", "Anna Müller"])
            #expect(made.status == 0, "\(made.errors)")
            let checked = try run(
                "openssl", ["req", "-verify", "-noout", "-text", "-pubkey"], input: made.output)
            #expect(checked.errors.contains("verify OK"), "\(checked)")
            #expect(checked.output.contains("Digital Signature"), "\(checked)")
            #expect(checked.output.contains("E-mail Protection"), "\(checked)")
            let onToken = try bench.tokencert(["show", key, "--public-key"])
            #expect(onToken.status == 0, "\(onToken.errors)")
            #expect(checked.output.contains(onToken.output), "\(checked)\n\(onToken)")
            #expect(bench.token.contents == before)
        }

        @Test("A URI with the module and the PIN source is sufficient")
        func everythingInTheURI() throws {
            let bench = try bench(["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"])
            let uri =
                "\(key)?module-path=\(softHSMModule)&pin-source=\(bench.token.folder.file("pin"))"
            let nothing = ["TOKENCERT_MODULE": "", "TOKENCERT_PIN_SOURCE": ""]
            let issued = try bench.tokencert(["issue", "--json", "--key", uri], nothing)
            #expect(issued.status == 0, "\(issued.errors)")
            #expect(try issued.json()["isNewKey"] as? Bool == false)
            let list = try bench.tokencert(["list", uri, "--json"], nothing).json()
            #expect(list["sawPrivateObjects"] as? Bool == true)
            #expect((list["keys"] as? [Any])?.count == 1)
        }
    }
}
