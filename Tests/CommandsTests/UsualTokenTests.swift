import Testing
import TokencertTestSupport

extension RealParts {
    /// The sources of PINs in the environment and the configuration file belong to the token there.
    @Suite struct UsualTokenTests {
        /// A token work, which the environment names with the source of its PIN, and a token home.
        private func bench() throws -> Bench {
            let bench = try Bench()
            try bench.token.addToken(label: "home")
            return bench
        }

        private func settings(_ bench: Bench, token: String = "work") -> [String: String] {
            bench.faulty(["TOKENCERT_TOKEN": token])
        }

        // Otherwise the other token would lose a try, and after three runs its PIN.
        @Test(
            "The PIN of the usual token is not sent to another one",
            arguments: [
                ["list", "--token", "home"], ["health", "--token", "home"],
                ["renew", "--all", "--token", "home"], ["list", "pkcs11:token=home"],
                ["issue", "--token", "home", "--label", "x"],
                ["delete", "x", "--token", "home", "--yes"],
            ])
        func otherToken(arguments: [String]) throws {
            let bench = try bench()
            _ = try bench.tokencert(arguments, settings(bench))
            #expect(bench.logins.isEmpty, "\(bench.logins)")
            #expect(bench.ca.orders.isEmpty)
        }

        // Several tokens can have the same label.
        @Test(
            "The PINs of the usual token are not sent to a token that only has the same label",
            arguments: [
                "serial=0123456789abcdef", "model=other", "manufacturer=other",
                "slot-id=999",
            ])
        func otherTokenOfSameLabel(difference: String) throws {
            let bench = try Bench()
            let standing = settings(bench, token: "pkcs11:token=work;\(difference)")
            let pin = "file:\(bench.token.folder.file("pin"))"
            let all = standing.merging(["TOKENCERT_SO_PIN_SOURCE": pin]) { $1 }
            for arguments in [
                ["list", "--token", "work"], ["list", "pkcs11:token=work"],
                ["list", "--token", "pkcs11:token=work"], ["show", "pkcs11:token=work;object=x"],
                ["renew", "--all", "--token", "work"],
                ["delete", "x", "--token", "work", "--yes"],
                ["token", "change-pin", "--token", "work", "--new-pin-source", pin],
                ["token", "change-pin", "--so", "--token", "work", "--new-pin-source", pin],
                ["token", "unblock", "--token", "work"],
                ["token", "label", "x", "--token", "work"],
            ] {
                _ = try bench.tokencert(arguments, all)
                #expect(bench.logins.isEmpty, "\(arguments)")
            }
            #expect(bench.calls("C_InitToken") == 0)
        }

        @Test("The PIN of the usual token is not sent through another module")
        func otherModule() throws {
            let bench = try Bench()
            let standing = settings(bench, token: "pkcs11:token=work?module-path=/other.so")
            #expect(try bench.tokencert(["list", "--token", "work"], standing).status == 0)
            #expect(bench.logins.isEmpty)
        }

        @Test("The PIN of the usual token is used if the command line names that token, too")
        func sameToken() throws {
            let bench = try bench()
            let listed = try bench.tokencert(["list", "--json"], settings(bench)).json()
            let token = try #require(listed["token"] as? [String: Any])
            let serial = try #require(token["serialNumber"] as? String)
            for (usual, named) in [
                ("work", "work"), ("work", "pkcs11:token=work"),
                ("work", "pkcs11:token=work;serial=\(serial)"), (serial, "pkcs11:serial=\(serial)"),
                ("pkcs11:token=work", "work"),
                ("pkcs11:token=work;serial=\(serial)", "work"), ("pkcs11:serial=\(serial)", serial),
            ] {
                let before = bench.logins.count
                let outcome = try bench.tokencert(
                    ["list", "--token", named], settings(bench, token: usual))
                #expect(outcome.status == 0, "\(outcome)")
                #expect(bench.logins.count == before + 1, "\(usual), \(named)")
            }
        }

        @Test(
            "A source of the PIN on the command line is for the token that the command line names")
        func typedSource() throws {
            let bench = try bench()
            let outcome = try bench.tokencert(
                [
                    "list", "--token", "home", "--pin-source",
                    "file:\(bench.token.folder.file("pin"))",
                ], settings(bench))
            #expect(outcome.status == 0, "\(outcome)")
            #expect(bench.logins == ["user"])
        }
    }
}
