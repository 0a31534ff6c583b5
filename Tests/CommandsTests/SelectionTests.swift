import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// Only objects and tokens that are selected unambiguously are used.
    @Suite struct SelectionTests {
        private static let uncertain = [
            "pkcs11:object=mail?type=cert", "pkcs11:object=mail;;type=cert",
            "pkcs11:token=work?serial=0000;object=mail", "pkcs11:object=mail?token=other",
            "pkcs11:object=my key", "pkcs11:object=mail;object=mail", "pkcs11:object=mail;id=",
            "pkcs11:object=mail;unheard-of=1", "pkcs11:object=mail;slot-id=99999999999999999999",
        ]

        // Otherwise a private key could be lost permanently, or an attempt used up on another
        // token.
        @Test(
            "A URI with an invalid part stops every command before a login",
            arguments: uncertain)
        func everyArgument(uri: String) throws {
            let bench = try Bench()
            try bench.token.addToken(label: "other")
            #expect(
                try bench.tokencert([
                    "request", "--token", "work", "--key-type", "ec:p256", "--label", "mail",
                    "--name", "x",
                ]).status == 0)
            let before = bench.token.contents
            for arguments in [
                ["show", uri], ["list", uri], ["health", uri], ["delete", uri, "--yes"],
                ["delete", uri, "--dry-run"], ["renew", uri], ["renew", uri, "--dry-run"],
                ["evidence", uri, "--out", bench.token.folder.file("evidence")],
                ["issue", "--key", uri], ["request", "--key", uri],
            ] {
                let outcome = try bench.tokencert(arguments, bench.faulty([:]))
                expect(outcome, 64, "not a PKCS#11 URI")
                #expect(outcome.errorLine.contains("character "), "\(outcome.errors)")
            }
            #expect(bench.calls("C_Login") == 0)
            #expect(bench.token.contents == before)
            #expect(bench.ca.orders.isEmpty)
        }

        // Otherwise the PIN of another token could be changed, or one of its attempts used up.
        @Test(
            "A token that is not selected unambiguously is not used",
            arguments: [
                "pkcs11:token=work?serial=0000", "pkcs11:token=work;;serial=0000",
                "pkcs11:?token=other", "pkcs11:token=work?model=Other", "pkcs11:slot-id=",
                "pkcs11:token=my token", "pkcs11:", "", "pkcs11:?pin-source=/dev/null",
                "pkcs11:object=mail", "pkcs11:token=work;object=mail", "pkcs11:model=SoftHSM%20v2",
                "pkcs11:model=SoftHSM%20v2;manufacturer=SoftHSM%20project",
            ])
        func everyToken(token: String) throws {
            let bench = try Bench()
            let before = bench.token.contents
            let new = try bench.token.folder.write("86420975\n", "new")
            for arguments in [
                ["list"], ["issue"], ["token", "change-pin", "--new-pin-source", "file:\(new)"],
                ["token", "init", "--label", "x"], ["token", "label", "x"], ["probe", "--yes"],
                ["renew", "--all"], ["health"], ["request"],
            ] {
                let outcome = try bench.tokencert(
                    arguments + ["--token", token], bench.faulty([:]))
                #expect(outcome.status == 64, "\(arguments): \(outcome.errors)")
                #expect(outcome.hasHint, "\(outcome.errors)")
            }
            #expect(bench.calls("C_Login") == 0)
            #expect(bench.token.contents == before)
            #expect(try bench.tokencert(["list"]).status == 0, "the PIN was changed")
            // The environment and the configuration are checked in the same way.
            guard !token.isEmpty else { return }
            #expect(
                try bench.tokencert(["list"], bench.faulty(["TOKENCERT_TOKEN": token])).status == 64
            )
            try FileManager.default.createDirectory(
                atPath: bench.token.folder.file("config/tokencert"),
                withIntermediateDirectories: true)
            let json = try JSONSerialization.data(withJSONObject: ["token": token])
            try bench.token.folder.write(
                String(decoding: json, as: UTF8.self), "config/tokencert/config.json")
            #expect(try bench.tokencert(["list"], bench.faulty([:])).status == 64)
            #expect(bench.calls("C_Login") == 0)
        }

        // Otherwise the URI of a blank name would be refused, or match the other token as well.
        @Test("The URI of a token with a blank name selects only that token")
        func blankName() throws {
            let bench = try Bench()
            try bench.token.addToken(label: " ")
            let tokens = try bench.tokencert(["tokens", "--verbose"]).output
            let uris = tokens.matches(of: /'(pkcs11:[^']*)'/).map { String($0.output.1) }
            let blank = try #require(
                uris.first { $0.hasSuffix("token=%20") && !$0.contains("%20;token") })
            let listed = try bench.tokencert(["list", "--token", blank])
            #expect(listed.status == 0, "\(listed.errors)")
            expect(
                try bench.tokencert(["list", "--token", "pkcs11:token=%20"]), 64,
                "does not name a token")
        }

        // Otherwise the URI would be refused with the advice to list the URIs of all tokens.
        @Test("The URI of a token that was never set up selects it")
        func neverSetUp() throws {
            let bench = try Bench()
            let tokens = try bench.tokencert(["tokens", "--verbose"]).output
            let uri = try #require(tokens.firstMatch(of: /'(pkcs11:slot-id=[0-9]+)'/)?.output.1)
            let json = try bench.tokencert(["tokens", "--json"]).output
            #expect(json.contains("\"\(uri)\""), "\(json)")
            let made = try bench.tokencert(
                ["token", "init", "--label", "new", "--token", String(uri)],
                ["TOKENCERT_SO_PIN_SOURCE": "file:\(bench.token.folder.file("pin"))"])
            #expect(made.status == 0, "\(made.errors)")
            #expect(try bench.tokencert(["list", "--token", "work"]).status == 0)
        }

        // Otherwise a key could be made on whichever token can be read.
        @Test("If a token cannot be read, another one is selected only by its serial number")
        func unreadable() throws {
            let bench = try Bench()
            try bench.token.addToken(label: "other")
            let before = bench.token.contents
            for code in ["0x30", "0x05", "0x32"] {
                for call in 1...2 {
                    let rules = bench.faulty([
                        "FAULTY_RULES": "C_GetTokenInfo#\(call):before:return=\(code)"
                    ])
                    // After 0x05 the module is started again, and then shows two tokens.
                    let status: Int32 = code == "0x05" ? 66 : 74
                    let outcome = try bench.tokencert(["issue"], rules)
                    #expect(outcome.status == status, "\(outcome.errors)")
                    // The unreadable token may have the same label.
                    let named = try bench.tokencert(
                        ["list", "--token", "work"],
                        bench.faulty([
                            "FAULTY_RULES": "C_GetTokenInfo#\(call):before:return=\(code)"
                        ]))
                    #expect(named.status == (code == "0x05" ? 0 : 74), "\(named.errors)")
                }
            }
            #expect(bench.token.contents == before)
            #expect(bench.ca.orders.isEmpty)
            // An empty slot, or a card that the module does not support, is not a token.
            for code in ["0xE0", "0xE1"] {
                let outcome = try bench.tokencert(
                    ["list"],
                    bench.faulty(["FAULTY_RULES": "C_GetTokenInfo#1:before:return=\(code)"]))
                #expect([0, 66].contains(outcome.status), "\(outcome.errors)")
            }
        }

        /// SoftHSM answers with a general error while another process logs in.
        @Test("If a token cannot be read for a moment, the module is started again, once")
        func generalError() throws {
            let bench = try Bench()
            let passing = try bench.tokencert(
                ["list"], bench.faulty(["FAULTY_RULES": "C_GetTokenInfo#1:before:return=0x05"]))
            #expect(passing.status == 0, "\(passing.errors)")
            let lasting = try bench.tokencert(
                ["list"], bench.faulty(["FAULTY_RULES": "C_GetTokenInfo:before:return=0x05"]))
            expect(lasting, 74, "cannot read the description of the token")
            #expect(bench.calls("C_Initialize") == 4)
        }

        /// SoftHSM does not show a token that another process writes while the module is started.
        @Test("A token that appears when the module is started again is used")
        func hidden() throws {
            let bench = try Bench()
            let script = #"""
                set -- "$1" "$2"/* "$3"; mv "$2" "$3.away"; touch "$3"
                (until grep -q C_GetSlotList "$3"; do sleep 0.02; done; mv "$3.away" "$2") &
                "$1" list; status=$?; wait; exit $status
                """#
            let outcome = try run(
                "bash",
                [
                    "-c", script, "bash", product("tokencert"),
                    bench.token.folder.file("tokens"), bench.token.folder.file("calls"),
                ],
                environment: bench.environment.merging(
                    bench.faulty(["FAULTY_RULES": "C_GetSlotList#1:before:delay=500"])
                ) { $1 })
            #expect(bench.calls("C_Initialize") == 2)
            #expect(outcome.status == 0, "\(outcome.errors)")
        }

        // Otherwise the PIN could be sent to the other token.
        @Test(
            "A label does not select a token if another token with this label cannot be read",
            arguments: [
                "work", "pkcs11:token=work", "pkcs11:token=work;model=SoftHSM%20v2",
            ])
        func unreadableTwin(token: String) throws {
            let bench = try Bench()
            try bench.token.addToken(label: "work")
            for call in 1...8 {
                let outcome = try bench.tokencert(
                    ["list", "--token", token],
                    bench.faulty(["FAULTY_RULES": "C_GetTokenInfo#\(call):before:return=0x30"]))
                #expect([66, 74].contains(outcome.status), "\(call): \(outcome.errors)")
                #expect(outcome.hasHint, "\(outcome.errors)")
            }
            #expect(bench.calls("C_Login") == 0)
            // A serial number selects one of them.
            let tokens = try bench.tokencert(["tokens", "--verbose"])
            let serial = try #require(tokens.output.firstMatch(of: /serial=[0-9a-f]+/)).output
            let statuses = try (1...3).map { call in
                try bench.tokencert(
                    ["list", "--token", "pkcs11:\(serial)"],
                    bench.faulty(["FAULTY_RULES": "C_GetTokenInfo#\(call):before:return=0x30"])
                ).status
            }
            #expect(statuses.contains(0) && statuses.allSatisfy { [0, 74].contains($0) })
        }

        // Otherwise an attempt could be used up on the wrong token, or a key made on a token that
        // the ledger does not name.
        @Test(
            "A token that is replaced while the user types the PIN is not used",
            arguments: [
                ["issue", "--name", "Anna Müller"], ["request", "--name", "x"], ["list"],
                ["renew", "--all"], ["delete", "pkcs11:object=mail;type=private", "--yes"],
                ["token", "change-pin", "--new-pin-source", "env:NEW"],
                ["token", "label", "x", "--so-pin-source", "env:SO"],
                ["token", "unblock", "--so-pin-source", "SWAPPING"],
            ])
        func exchanged(arguments: [String]) throws {
            let bench = try Bench()
            try bench.token.addToken(label: "other")
            let swap = bench.token.folder.file("swap")
            let settings = bench.faulty([
                "FAULTY_SWAP_FILE": swap, "SO": bench.token.soPIN, "NEW": "86420975",
            ])
            // The module decides which of the two is in the slot first.
            let tokens = try bench.tokencert(["tokens", "--json"], settings)
            let first = tokens.output.contains("token=work") ? "work" : "other"
            #expect(
                try bench.tokencert(
                    [
                        "request", "--token", first, "--label", "mail", "--name", "x",
                        "--key-type", "ec:p256",
                    ], settings
                ).status == 0)
            let before = bench.token.contents
            let calls = bench.calls("C_Login")
            let source = try bench.token.folder.write(
                "touch '\(swap)'; cat '\(bench.token.folder.file("pin"))'", "source")
            let pin = "command:sh \(source)"
            let outcome = try bench.tokencert(
                arguments.map { $0 == "SWAPPING" ? pin : $0 }
                    + ["--token", first, "--pin-source", pin], settings)
            expect(outcome, 66, "the token in the slot was exchanged")
            #expect(bench.calls("C_Login") == calls)
            #expect(bench.token.contents == before)
            #expect(bench.ca.orders.isEmpty)
        }
    }
}
