import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// The kind of the new key with which a certificate is renewed.
    @Suite struct RenewKeyTypeTests {
        /// A token with a certificate for a key of 2048 bits.
        private func bench() throws -> Bench {
            let bench = try Bench()
            let issued = try bench.tokencert(["issue", "--label", "mail", "--key-type", "rsa:2048"])
            #expect(issued.status == 0, "\(issued.errors)")
            return bench
        }

        /// Renews the current certificate. Returns the kind of its key, and whether the key is new.
        private func renew(
            _ bench: Bench, _ options: [String], configured: String? = nil
        ) throws -> String {
            var settings: [String: String] = [:]
            if let configured {
                let file = try bench.token.folder.write(
                    #"{"key-type": "\#(configured)"}"#, "config.json")
                settings["TOKENCERT_CONFIG"] = file
            }
            let outcome = try bench.tokencert(["renew", "--all", "--json"] + options, settings)
            #expect(outcome.status == 0, "\(outcome)")
            return try kind(outcome)
        }

        private func kind(_ outcome: Outcome) throws -> String {
            let renewed = try #require(try outcome.json()["renewed"] as? [[String: Any]])
            #expect(renewed.count == 1, "\(renewed)")
            let first = try #require(renewed.first)
            let kind = try #require(first["keyKind"] as? String)
            return first["isNewKey"] as? Bool == true ? "new \(kind)" : kind
        }

        // Otherwise a user who asks for a longer key would keep the old one.
        @Test("--key-type makes a new key of this kind, even a weaker one")
        func keyType() throws {
            let bench = try bench()
            let dry = try bench.tokencert([
                "renew", "mail", "--key-type", "rsa:4096", "--dry-run",
            ])
            #expect(dry.status == 0 && dry.output.contains(", with a new key\n"), "\(dry)")
            #expect(try renew(bench, ["--key-type", "rsa:3072"]) == "new RSA 3072")
            #expect(try renew(bench, ["--key-type", "rsa:2048"]) == "new RSA 2048")
            let keys = try bench.tokencert(["list", "--json"]).json()["keys"] as? [Any]
            #expect(keys?.count == 3)
        }

        // Otherwise a renewal would keep a size that is too small for new keys.
        @Test("--new-key makes a key of the default kind if that is stronger")
        func newKey() throws {
            let bench = try bench()
            #expect(try renew(bench, ["--new-key"]) == "new RSA 3072")
            #expect(try renew(bench, ["--key-type", "rsa:4096"]) == "new RSA 4096")
            #expect(try renew(bench, ["--new-key"]) == "new RSA 4096")
        }

        // Otherwise an old line in the configuration would weaken a key unnoticed.
        @Test("A configured kind is used for new keys unless it is weaker, and makes none itself")
        func configured() throws {
            let bench = try bench()
            #expect(try renew(bench, [], configured: "rsa:4096") == "RSA 2048")
            #expect(try renew(bench, ["--new-key"], configured: "rsa:2048") == "new RSA 2048")
            #expect(try renew(bench, ["--new-key"], configured: "rsa:4096") == "new RSA 4096")
            #expect(try renew(bench, ["--new-key"], configured: "rsa:3072") == "new RSA 4096")
            #expect(
                try renew(bench, ["--key-type", "rsa:3072"], configured: "rsa:4096")
                    == "new RSA 3072")
        }

        @Test("A kind that the CA does not sign, and an unknown one, are refused before the order")
        func refused() throws {
            let bench = try bench()
            let before = bench.token.contents
            for option in [[], ["--dry-run"]] {
                let outcome = try bench.tokencert(
                    ["renew", "mail", "--key-type", "ec:p256"] + option)
                expect(outcome, 65, "the CA does not sign EC P-256 keys; no key was generated")
            }
            for kind in ["rsa:1024", "nonsense"] {
                let outcome = try bench.tokencert(["renew", "mail", "--key-type", kind])
                expect(outcome, 64, "unknown kind of key \"\(kind)\"")
            }
            #expect(bench.ca.orders.count == 1)
            #expect(bench.token.contents == before)
        }

        // Otherwise elliptic curves could be used only with a new order.
        @Test("With another CA, a renewal changes to an elliptic curve and stays there")
        func ellipticCurve() throws {
            let token = try ThrowawayToken()
            let folder = try TemporaryFolder()
            let made = try run(
                "openssl",
                [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-keyout", folder.file("ca.key"), "-out", folder.file("ca.pem"),
                    "-subj", "/CN=Test CA", "-days", "30", "-addext",
                    "keyUsage=critical,keyCertSign,cRLSign",
                ])
            #expect(made.status == 0, "\(made.errors)")
            let example = URL(filePath: #filePath).deletingLastPathComponent()
                .deletingLastPathComponent().deletingLastPathComponent()
                .appending(path: "Packaging/examples/ca-openssl").path()
            let settings = token.tokencertEnvironment.merging([
                "TOKENCERT_CA_FILE": folder.file("ca.pem"),
                "TOKENCERT_CA_COMMAND": "\(example) \(folder.path)",
            ]) { $1 }
            func tokencert(_ arguments: [String]) throws -> Outcome {
                let outcome = try run(product("tokencert"), arguments, environment: settings)
                #expect(outcome.status == 0, "\(arguments): \(outcome)")
                return outcome
            }
            _ = try tokencert([
                "issue", "--name", "Anna", "--email", "anna@example.org", "--label", "mail",
                "--key-type", "rsa:2048",
            ])
            let renew = ["renew", "--all", "--json", "--ca-accepts"]
            let changed = try tokencert(renew + ["ec", "--key-type", "ec:p256"])
            #expect(try kind(changed) == "new EC P-256")
            #expect(try kind(try tokencert(renew + ["ec", "--new-key"])) == "new EC P-256")
            // An RSA key that is as strong is used if the CA signs no others.
            #expect(try kind(try tokencert(renew + ["rsa", "--new-key"])) == "new RSA 3072")
        }
    }
}
