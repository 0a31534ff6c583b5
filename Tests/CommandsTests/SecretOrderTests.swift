import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// Commands that need several secrets, and the source of each secret.
    @Suite struct SecretOrderTests {
        private func started(
            _ bench: Bench, _ arguments: [String], _ script: String,
            _ variables: [String: String] = [:]
        ) throws -> Outcome {
            try run(
                "bash", ["-c", script, "bash", product("tokencert")] + arguments,
                environment: bench.environment.merging(variables) { $1 }, seconds: 60)
        }

        // Otherwise the PIN could be sent to the CA, or the password to the token.
        @Test(
            "The PIN and the password are never read from the same stream",
            arguments: [
                ("fd:3", "fd:3", #"exec "$@" 3< "$IN""#),
                ("fd:3", "fd:3", #"exec "$@" 3< <(cat "$IN")"#),
                ("fd:0", "fd:0", #"exec "$@" < <(cat "$IN")"#),
                ("fd:3", "fd:3", #"exec "$@""#),
                ("fd:3", "fd:4", #"exec "$@" 3< "$IN" 4<&3"#),
                ("fd:3", "fd:4", #"exec "$@" 3< <(cat "$IN") 4<&3"#),
                ("file:/dev/stdin", "fd:0", #"exec "$@" < <(cat "$IN")"#),
                ("fd:3", "file:/dev/fd/3", #"exec "$@" 3< <(cat "$IN")"#),
                ("file:/proc/self/fd/3", "file:/dev/fd/3", #"exec "$@" 3< <(cat "$IN")"#),
                ("file:PIPE", "file:PIPE", #"mkfifo "$PIPE"; exec "$@" 3<> "$PIPE""#),
                ("file:PIPE", "fd:3", #"mkfifo "$PIPE"; exec "$@" 3<> "$PIPE""#),
            ])
        func pinAndPassword(pin: String, password: String, script: String) throws {
            let bench = try Bench(["--fault", "late"])
            #expect(try bench.tokencert(["issue", "--key-type", "rsa:2048"]).status == 75)
            let requests = bench.ca.requests.count
            let pipe = bench.token.folder.file("pipe")
            let input = try bench.token.folder.write(
                "\(bench.token.pin)\n\(StandIn.password)\n", "both")
            func source(_ text: String) -> String { text.replacing("PIPE", with: pipe) }
            for arguments in [
                ["issue"], ["issue", "--dry-run"], ["renew", "--all"],
                ["resume", "1", "--order-again"],
            ] {
                try? FileManager.default.removeItem(atPath: pipe)
                let outcome = try started(
                    bench, arguments, script,
                    bench.faulty([
                        "TOKENCERT_PIN_SOURCE": source(pin),
                        "TOKENCERT_PASSWORD_SOURCE": source(password), "IN": input, "PIPE": pipe,
                    ]))
                expect(outcome, 64, "the password and the PIN cannot both come from")
                #expect(outcome.errors.contains("use two descriptors"), "\(outcome)")
            }
            #expect(bench.ca.requests.count == requests && bench.logins.isEmpty)
        }

        @Test(
            "Two PINs are never read from the same pipe, except as lines of one descriptor",
            arguments: [
                ("file:/dev/fd/3", "file:/dev/fd/3"), ("fd:3", "file:/dev/fd/3"),
                ("fd:3", "fd:4"),
            ])
        func sharedPipes(old: String, new: String) throws {
            let bench = try Bench()
            for arguments in [
                ["token", "change-pin", "--pin-source", old, "--new-pin-source", new],
                ["token", "change-pin", "--so", "--so-pin-source", old, "--new-pin-source", new],
                ["token", "unblock", "--so-pin-source", old, "--pin-source", new],
                ["token", "label", "home", "--pin-source", old, "--so-pin-source", new],
                [
                    "token", "init", "--label", "x", "--token", "work", "--erase", "work",
                    "--so-pin-source", old, "--pin-source", new,
                ],
                ["request", "--pin-source", old, "--so-pin-source", new],
                ["delete", "pkcs11:object=x", "--pin-source", old, "--so-pin-source", new],
                [
                    "evidence", "pkcs11:object=x", "--out", bench.token.folder.file("evidence"),
                    "--pin-source", old, "--so-pin-source", new,
                ],
            ] {
                let outcome = try started(
                    bench, arguments, #"exec "$@" 3< <(printf '12345678\n87654321\n') 4<&3"#,
                    bench.faulty([:]))
                expect(outcome, 64, "cannot both come from")
            }
            #expect(bench.logins.isEmpty && bench.calls("C_InitToken") == 0)
        }

        // Otherwise the current PIN could be sent as the new one, or the reverse.
        @Test("The PINs of a token may be lines of one descriptor: PIN, SO PIN, new PIN")
        func lines() throws {
            let bench = try Bench()
            let (pin, officer) = (bench.token.pin, bench.token.soPIN)
            func tokencert(_ arguments: [String], _ lines: [String]) throws -> Outcome {
                try bench.tokencert(
                    arguments, bench.faulty(["TOKENCERT_PIN_SOURCE": ""]),
                    input: lines.map { $0 + "\n" }.joined())
            }
            let changed = try tokencert(
                ["token", "change-pin", "--new-pin-source", "fd:0", "--pin-source", "fd:0"],
                [pin, "83649172"])
            #expect(changed.status == 0, "\(changed)")
            let ofOfficer = try tokencert(
                [
                    "token", "change-pin", "--so", "--new-pin-source", "fd:0", "--so-pin-source",
                    "fd:0",
                ],
                [officer, "73649172"])
            #expect(ofOfficer.status == 0, "\(ofOfficer)")
            let unblocked = try tokencert(
                ["token", "unblock", "--pin-source", "fd:0", "--so-pin-source", "fd:0"],
                ["73649172", "63649172"])
            #expect(unblocked.status == 0, "\(unblocked)")
            let labelled = try tokencert(
                ["token", "label", "home", "--so-pin-source", "fd:0", "--pin-source", "fd:0"],
                ["63649172", "73649172"])
            #expect(labelled.status == 0, "\(labelled)")
            let initialized = try tokencert(
                [
                    "token", "init", "--label", "new", "--token", "home", "--erase", "home",
                    "--pin-source", "fd:0", "--so-pin-source", "fd:0",
                ], ["73649172", "53649172"])
            #expect(initialized.status == 0, "\(initialized)")
            // Each source has its line, although the command needs only one PIN.
            let list = try tokencert(
                ["list", "--so-pin-source", "fd:0", "--pin-source", "fd:0"],
                ["53649172", "73649172"])
            #expect(list.status == 0, "\(list)")
            // If a line is missing, no PIN is sent.
            let logins = bench.logins.count
            let short = try tokencert(
                ["token", "label", "x", "--so-pin-source", "fd:0", "--pin-source", "fd:0"],
                ["53649172"])
            #expect(short.status == 77 && bench.logins.count == logins, "\(short)")
        }

        @Test("One variable may hold the PINs of two roles")
        func variables() throws {
            let bench = try Bench(withoutToken: ())
            let made = try bench.tokencert(
                [
                    "token", "init", "--label", "t", "--so-pin-source", "env:SECRET",
                    "--pin-source",
                    "env:SECRET",
                ], ["SECRET": "83649172"])
            #expect(made.status == 0, "\(made)")
            let labelled = try bench.tokencert(
                [
                    "token", "label", "u", "--so-pin-source", "env:SECRET", "--pin-source",
                    "env:SECRET",
                ],
                ["SECRET": "83649172"])
            #expect(labelled.status == 0, "\(labelled)")
            let unblocked = try bench.tokencert(
                [
                    "token", "unblock", "--so-pin-source", "env:SECRET", "--pin-source",
                    "env:SECRET",
                ],
                ["SECRET": "83649172"])
            #expect(unblocked.status == 0, "\(unblocked)")
            expect(
                try bench.tokencert(["token", "unblock", "--so-pin-source", "env:SECRET"]), 77,
                "environment variable SECRET is not set")
        }

        // Otherwise a program that supplies the password could read the PIN.
        @Test("A command that supplies one secret cannot read another")
        func commands() throws {
            let bench = try Bench()
            let password = bench.ca.folder.file("password")
            let outcome = try started(
                bench, ["issue", "--key-type", "rsa:2048"],
                #"exec "$@" 3< /dev/null 17< /dev/null"#,
                [
                    "TOKENCERT_PIN_SOURCE": "env:SECRET", "SECRET": bench.token.pin,
                    "TOKENCERT_PASSWORD_SOURCE":
                        "command:sh -c 'test -z \"$SECRET\" && test ! -e /proc/self/fd/3 && "
                        + "test ! -e /proc/self/fd/17 && cat \(password)'",
                ])
            #expect(outcome.status == 0, "\(outcome)")
        }

        // Modules, and the programs that they start, can read the environment.
        @Test(
            "A variable with a secret is removed before a module or a program is started",
            arguments: ["PIN", "SO_PIN", "PASSWORD"])
        func removedVariables(role: String) throws {
            let bench = try Bench()
            let folder = bench.token.folder
            let variable = "TOKENCERT_\(role)_SOURCE"
            // The module reads this variable when it is initialized.
            let started = try bench.tokencert(
                ["tokens"], bench.faulty([variable: "env:FAULTY_LOG"]))
            #expect(started.status == 0, "\(started)")
            #expect(bench.calls("C_Initialize") == 0)
            // The same applies to the command line and the configuration.
            let option = "--\(role.lowercased().replacing("_", with: "-"))-source"
            if role != "PASSWORD" {
                for arguments in [[option, "env:FAULTY_LOG"], [option + "=env:FAULTY_LOG"]] {
                    _ = try bench.tokencert(["list"] + arguments, bench.faulty([variable: ""]))
                    #expect(bench.calls("C_Initialize") == 0, "\(arguments)")
                }
            }
            let file = try folder.write(
                #"{"\#(option.dropFirst(2))": "env:FAULTY_LOG"}"#, "config.json")
            let configured = try bench.tokencert(
                ["tokens"], bench.faulty([variable: "", "TOKENCERT_CONFIG": file]))
            #expect(configured.status == 0, "\(configured)")
            #expect(bench.calls("C_Initialize") == 0)
            // A program that supplies the PIN does not see other secrets.
            guard role != "PIN" else { return }
            let save = folder.file("saved")
            let pin = folder.file("pin")
            let listed = try bench.tokencert(
                ["list"],
                [
                    variable: "env:SECRET", "SECRET": "not for others",
                    "TOKENCERT_PIN_SOURCE": "command:sh -c 'env > \(save); cat \(pin)'",
                ])
            #expect(listed.status == 0, "\(listed)")
            #expect(try !folder.read("saved").contains("not for others"))
        }

        // Otherwise each run with a file from such an editor would use up an attempt.
        @Test("A byte order mark is no part of a PIN or password", arguments: ["", "\n", "\r\n"])
        func byteOrderMark(lineEnd: String) throws {
            let bench = try Bench()
            let file = try bench.token.folder.write("\u{FEFF}" + bench.token.pin + lineEnd, "bom")
            let password = try bench.token.folder.write(
                "\u{FEFF}" + StandIn.password + lineEnd, "pw")
            for (source, script) in [
                ("file:\(file)", #"exec "$@""#), ("fd:3", #"exec "$@" 3< "$FILE""#),
                ("command:cat \(file)", #"exec "$@""#),
                ("env:SECRET", #"SECRET=$(cat "$FILE"); export SECRET=${SECRET%$'\r'}; exec "$@""#),
            ] {
                let outcome = try started(
                    bench, ["list", "--pin-source", source], script, ["FILE": file])
                #expect(outcome.status == 0, "\(source): \(outcome)")
            }
            let account = try bench.tokencert(["account", "--password-source", "file:\(password)"])
            #expect(account.status == 0, "\(account)")
            let new = try bench.token.folder.write("\u{FEFF}83649172" + lineEnd, "new")
            let changed = try bench.tokencert([
                "token", "change-pin", "--new-pin-source", "file:\(new)",
            ])
            #expect(changed.status == 0, "\(changed)")
            let plain = try bench.token.folder.write("83649172", "plain")
            #expect(try bench.tokencert(["list", "--pin-source", "file:\(plain)"]).status == 0)
            // A secret in another encoding is refused and not sent.
            for encoding in [String.Encoding.utf16, .utf16BigEndian, .utf16LittleEndian] {
                let text = (encoding == .utf16 ? "" : "\u{FEFF}") + "83649172"
                let wide = bench.token.folder.file("wide")
                try #require(text.data(using: encoding)).write(to: URL(filePath: wide))
                expect(
                    try bench.tokencert(
                        ["list", "--pin-source", "file:\(wide)"], bench.faulty([:])),
                    77, "contains UTF-16")
            }
            #expect(bench.logins.isEmpty)
        }
    }
}
