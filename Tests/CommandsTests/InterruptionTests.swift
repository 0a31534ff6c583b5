import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// Interruption by Ctrl-C or by a signal from another process.
    @Suite struct InterruptionTests {
        /// Opens a full pipe without a reader as descriptor 9.
        private static let fullPipe = """
            mkfifo "$FOLDER/full"; exec 9<> "$FOLDER/full"
            head -c 65536 /dev/zero >&9
            """

        private func folder(_ bench: Bench) -> [String: String] {
            ["FOLDER": bench.token.folder.path]
        }

        // Otherwise a pipeline would hang until it is ended with SIGKILL.
        @Test(
            "A signal ends the program while its standard output is blocked",
            arguments: [SIGTERM, SIGINT, SIGHUP])
        func blockedOutput(signal: Int32) throws {
            let bench = try Bench()
            let program = try InBackground(
                bench, ["list", "--json"], script: "\(Self.fullPipe); exec \"$@\" >&9 9>&-",
                folder(bench))
            sleep(3)
            let end = program.send(signal)
            #expect(end.signal == signal && end.seconds < 4, "\(end)")
            #expect(end.errors.contains("error: interrupted"), "\(end)")
        }

        // The loader opens the file of the module, which blocks, and holds a lock of glibc.
        @Test(
            "A signal ends the program while a module is loaded",
            arguments: [SIGTERM, SIGINT, SIGHUP])
        func blockedLoader(signal: Int32) throws {
            let bench = try Bench()
            let folder = bench.token.folder
            try #require(unsafe mkfifo(folder.file("pipe"), 0o600) == 0)
            // A library that the module needs: only the loader opens it.
            let program = try InBackground(
                bench, ["list"], script: "exec \"$@\"",
                ["TOKENCERT_MODULE": try module(needing: "pipe", in: folder)])
            sleep(2)
            let end = program.send(signal)
            #expect(end.signal == signal && end.seconds < 4, "\(end)")
        }

        /// A module that needs a library with this name in its folder.
        private func module(needing name: String, in folder: TemporaryFolder) throws -> String {
            let script = """
                cd "$1" && mkdir real && echo 'int x;' | clang -shared -fPIC -x c - -o real/"$2" \
                    -Wl,-soname,"$1/$2" && echo 'extern int x; int *C_GetFunctionList = &x;' \
                    | clang -shared -fPIC -x c - -x none real/"$2" -o module.so
                """
            let outcome = try run("/bin/sh", ["-c", script, "sh", folder.path, name])
            try #require(outcome.status == 0, "\(outcome.errors)")
            return folder.file("module.so")
        }

        // Otherwise systemd could not stop a service whose log is not read.
        @Test(
            "A signal ends the program while its standard error is blocked",
            arguments: [SIGTERM, SIGINT, SIGHUP])
        func blockedErrors(signal: Int32) throws {
            let bench = try Bench()
            let program = try InBackground(
                bench, ["issue", "--json"], script: "\(Self.fullPipe); exec \"$@\" 2>&9 9>&-",
                folder(bench))
            sleep(3)
            let end = program.send(signal)
            #expect(end.signal == signal && end.seconds < 4, "\(end)")
            // Standard output is not blocked, so its reader gets the error.
            let json = try JSONSerialization.jsonObject(with: Data(end.output.utf8))
            let error = try #require((json as? [String: Any])?["error"] as? [String: Any])
            #expect(error["status"] as? Int == 128 + Int(signal), "\(end)")
            #expect(bench.ca.orders.isEmpty)
        }

        @Test("A signal ends the program while both of its outputs are blocked")
        func blockedBoth() throws {
            let bench = try Bench()
            let program = try InBackground(
                bench, ["issue", "--json"], script: "\(Self.fullPipe); exec \"$@\" >&9 2>&9 9>&-",
                folder(bench))
            sleep(3)
            let end = program.send(SIGTERM)
            #expect(end.signal == SIGTERM && end.seconds < 4, "\(end)")
        }

        @Test("A signal ends the program on a terminal that is stopped with Ctrl-S")
        func stoppedTerminal() throws {
            let bench = try Bench()
            let slow = bench.faulty(["FAULTY_RULES": "C_Sign#1:before:delay=60000"])
            for (arguments, variables) in [
                (["issue", "--key-type", "rsa:2048"], slow),
                (["list"], bench.faulty(["TOKENCERT_PIN_SOURCE": "prompt"])),
            ] {
                let start = Date()
                let outcome = try AtTerminal(bench: bench).run(
                    arguments, #"after 100; send "\023"; after 4000; exec kill -TERM [exp_pid]"#,
                    variables)
                #expect(outcome.output.contains("terminated by SIGTERM"), "\(outcome)")
                #expect(Date().timeIntervalSince(start) < 20, "\(arguments)")
            }
        }

        // Otherwise the order would be placed after "docker stop" and the report of the
        // interruption.
        @Test(
            "As process 1 of a container, the program ends after a signal and orders nothing",
            .enabled(
                if: (try? TokencertTestSupport.run(
                    "unshare", ["--fork", "--pid", "--mount-proc", "true"]))?.status == 0,
                "a process namespace needs root"),
            arguments: [SIGTERM, SIGINT, SIGHUP])
        func processOne(signal: Int32) throws {
            let bench = try Bench()
            let slow = bench.faulty(["FAULTY_RULES": "C_Sign#1:before:delay=9000"])
            let program = try InBackground(
                bench, ["issue", "--key-type", "rsa:2048"],
                script: """
                    exec unshare --fork --pid --mount-proc \
                    env --default-signal=INT,TERM,HUP "$@"
                    """, slow)
            waitUntil { bench.calls("C_Sign") > 0 }
            let end = program.send(signal, to: try program.child())
            #expect(end.status == 128 + signal && end.seconds < 4, "\(end)")
            #expect(end.errors.contains("is in the ledger"), "\(end)")
            #expect(bench.ca.orders.isEmpty)
        }

        // Otherwise the user might not know that the order was sent, and order a second
        // certificate.
        @Test("An interruption reports whether the order was sent and what to do")
        func heldOrder() throws {
            let bench = try Bench(["--fault", "hang"])
            let program = try InBackground(bench, ["issue", "--key-type", "rsa:2048"])
            waitUntil { !bench.ca.orders.isEmpty }
            sleep(1)
            let end = program.send(SIGINT)
            #expect(end.signal == SIGINT && end.seconds < 4, "\(end)")
            #expect(
                end.errors.contains("order 1 was sent; the CA may still issue a certificate\n"),
                "\(end)")
            #expect(end.errors.contains("hint: to continue: tokencert resume 1\n"), "\(end)")
            #expect(end.errors.contains("the account on the CA's web site"), "\(end)")
            // The ledger agrees.
            expect(try bench.tokencert(["resume", "1"]), 75, "order 1")
            // The second program is interrupted before the order is sent.
            let early = try Bench()
            let slow = early.faulty(["FAULTY_RULES": "C_Sign#1:before:delay=20000"])
            let other = try InBackground(early, ["issue", "--key-type", "rsa:2048"], slow)
            waitUntil { early.calls("C_Sign") > 0 }
            let stopped = other.send(SIGINT)
            #expect(stopped.errors.contains("everything done for order 1 is in the ledger"))
            #expect(!stopped.errors.contains("was sent"), "\(stopped)")
            #expect(early.ca.orders.isEmpty)
            #expect(try early.tokencert(["resume", "1"]).status == 0)
        }

        // SoftHSM writes its token while it checks a PIN: a half-written file is no longer a token.
        @Test("A signal waits for a login, after which it is known whether the PIN was accepted")
        func login() throws {
            let bench = try Bench()
            let slow = bench.faulty(["FAULTY_RULES": "C_Login#1:after:delay=700"])
            let program = try InBackground(bench, ["list"], slow)
            waitUntil { bench.calls("C_Login") > 0 }
            let end = program.send(SIGTERM)
            #expect(end.signal == SIGTERM && end.seconds > 0.3 && end.seconds < 4, "\(end)")
            #expect(end.errors.contains("interrupted while logging in"), "\(end)")
            let again = try bench.tokencert(["list"])
            #expect(again.status == 0, "\(again)")
        }

        @Test(
            "A signal waits for a module that changes the token",
            arguments: ["C_GenerateKeyPair", "C_CreateObject"])
        func change(function: String) throws {
            let bench = try Bench(["--accept-elliptic-curves"])
            let slow = bench.faulty(["FAULTY_RULES": "\(function)#1:after:delay=700"])
            let program = try InBackground(
                bench, ["issue", "--key-type", "ec:p256", "--ca-accepts", "ec"], slow)
            waitUntil { bench.calls(function) > 0 }
            let end = program.send(SIGTERM)
            #expect(end.signal == SIGTERM && end.seconds > 0.3 && end.seconds < 4, "\(end)")
        }

        /// Otherwise the program would keep waiting for a touch or a passphrase that serves no
        /// purpose.
        @Test(
            "A signal ends the program of --pin-source and its child processes",
            arguments: [SIGINT, SIGTERM, SIGHUP])
        func endedProgram(signal: Int32) throws {
            let bench = try Bench()
            let file = bench.token.folder.file("processes")
            // The program, a child of its subshell, and a daemon.
            let script = try bench.token.folder.write(
                """
                echo $$ > "$1.new"
                (sleep 60 > /dev/null 2>&1 & echo $! > "$1.daemon")
                (sleep 60 & echo $! >> "$1.new"; mv "$1.new" "$1"; wait)
                echo 1234

                """, "script")
            let program = try InBackground(
                bench, ["list", "--pin-source", "command:sh \(script) \(file)"])
            waitUntil { FileManager.default.fileExists(atPath: file) }
            func identifiers(_ file: String) throws -> [Int32] {
                let text = try String(contentsOfFile: file, encoding: .utf8)
                return text.split(whereSeparator: \.isNewline).compactMap { Int32($0) }
            }
            let started = try identifiers(file)
            let daemon = try identifiers(file + ".daemon")
            #expect(started.count == 2 && daemon.count == 1)
            defer { for identifier in started + daemon { kill(identifier, SIGKILL) } }
            let end = program.send(signal)
            #expect(end.signal == signal, "\(end)")
            // A process that has ended may not have been reaped yet.
            func isRunning(_ identifier: Int32) -> Bool {
                let line = try? String(contentsOfFile: "/proc/\(identifier)/stat", encoding: .utf8)
                return line.map { !$0.contains(") Z ") } ?? false
            }
            waitUntil { !started.contains(where: isRunning) }
            #expect(!started.contains(where: isRunning))
            #expect(daemon.allSatisfy(isRunning))
        }

        @Test("Ctrl-C at a prompt ends the program with status 130, and nothing is sent")
        func prompts() throws {
            let bench = try Bench()
            #expect(try bench.tokencert(["issue", "--label", "mail"]).status == 0)
            let before = bench.token.contents
            let requests = bench.ca.requests.count
            let asking = bench.faulty([
                "TOKENCERT_PIN_SOURCE": "prompt", "TOKENCERT_PASSWORD_SOURCE": "prompt",
                "TOKENCERT_SO_PIN_SOURCE": "prompt",
            ])
            let terminal = AtTerminal(bench: bench)
            for (arguments, question) in [
                (["list"], "PIN for"), (["account"], "Password of"),
                (["token", "unblock"], "SO PIN for"),
                (["token", "change-pin", "--new-pin-source", "file:/nonexistent"], "PIN for"),
            ] {
                let outcome = try terminal.run(
                    arguments, "expect {\(question)}; send \"12\\003\"", asking)
                #expect(outcome.status == 130, "\(outcome)")
                #expect(
                    outcome.output.contains("interrupted while asking for a secret"), "\(outcome)")
                #expect(outcome.output.contains("nothing was changed"), "\(outcome)")
            }
            let pin = asking.merging(
                ["TOKENCERT_PIN_SOURCE": "file:\(bench.token.folder.file("pin"))"]
            ) { $1 }
            for dialogue in [
                #"expect "new PIN for"; send "\003""#,
                #"expect "new PIN for"; send "83649172\r"; expect "once more"; send "\003""#,
            ] {
                let outcome = try terminal.run(["token", "change-pin"], dialogue, pin)
                #expect(outcome.status == 130, "\(outcome)")
            }
            #expect(bench.logins.isEmpty && bench.ca.requests.count == requests)
            // During this input the terminal itself sends the signal.
            let confirmation = try terminal.run(
                ["delete", "pkcs11:object=mail;type=cert"], #"expect "Type mail"; send "\003""#)
            #expect(confirmation.output.contains("terminated by SIGINT"), "\(confirmation)")
            #expect(confirmation.output.contains("interrupted"), "\(confirmation)")
            #expect(bench.token.contents == before)
        }

        @Test(
            "Ctrl-D ends a secret prompt with status 77 and a confirmation with status 64"
        )
        func endOfInput() throws {
            let bench = try Bench()
            #expect(try bench.tokencert(["issue", "--label", "mail"]).status == 0)
            let before = bench.token.contents
            let terminal = AtTerminal(bench: bench)
            let secret = try terminal.run(
                ["list"], #"expect "PIN for"; send "\004""#,
                bench.faulty(["TOKENCERT_PIN_SOURCE": "prompt"]))
            #expect(secret.status == 77 && bench.logins.isEmpty, "\(secret)")
            let confirmation = try terminal.run(
                ["delete", "pkcs11:object=mail;type=cert"], #"expect "Type mail"; send "\004""#)
            #expect(confirmation.status == 64, "\(confirmation)")
            #expect(!confirmation.output.contains("there is no terminal"), "\(confirmation)")
            #expect(bench.token.contents == before)
        }

        // Otherwise the PIN would be visible on the screen.
        @Test("tokencert does not ask for a PIN if it cannot turn off the terminal's echo")
        func echo() throws {
            let bench = try Bench()
            // A process in an orphaned background process group may not change its terminal.
            let script = """
                import os, pty, signal, sys, time
                leader, terminal = pty.fork()
                if leader == 0:
                    done, held = os.pipe()
                    middle = os.fork()
                    if middle == 0:
                        os.setpgid(0, 0)
                        if os.fork() == 0:
                            os.close(done)
                            time.sleep(1)
                            os.set_inheritable(held, True)
                            # A blocked SIGTTOU would let it set up the terminal.
                            signal.pthread_sigmask(signal.SIG_SETMASK, [])
                            os.execv(sys.argv[1], sys.argv[1:])
                        os._exit(0)
                    os.close(held)
                    os.waitpid(middle, 0)
                    os.read(done, 1)
                    os._exit(0)
                try:
                    while data := os.read(terminal, 4096):
                        sys.stdout.buffer.write(data)
                except OSError: pass
                """
            let file = try bench.token.folder.write(script, "orphan.py")
            let outcome = try run(
                "python3", [file, product("tokencert"), "list"],
                environment: bench.environment.merging(["TOKENCERT_PIN_SOURCE": "prompt"]) { $1 },
                seconds: 30)
            #expect(outcome.output.contains("cannot turn off echo"), "\(outcome)")
            #expect(!outcome.output.contains("PIN for"), "\(outcome)")
        }
    }
}
