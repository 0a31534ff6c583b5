import Foundation
import Testing
import TokencertTestSupport

@testable import TokencertCommands

extension Bench {
    /// Runs tokencert with only these modules in p11-kit's configuration: the contents of their
    /// files, by name.
    fileprivate func tokencert(
        configured modules: [String: String], _ arguments: [String],
        _ changes: [String: String] = [:]
    ) throws -> Outcome {
        let folder = token.folder.file("modules")
        try? FileManager.default.removeItem(atPath: folder)
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        for (name, text) in modules { try token.folder.write(text, "modules/\(name).module") }
        let all = environment.merging(["TOKENCERT_MODULE": ""]) { $1 }.merging(changes) { $1 }
        // p11-kit ignores the user configuration of root and has no variable for the system folder.
        return try run(
            "unshare",
            [
                "-rm", "bash", "-c",
                "mount --bind \"$1\" /usr/share/p11-kit/modules && shift && exec \"$@\"", "_",
                folder, product("tokencert"),
            ] + arguments, environment: all.filter { !$0.value.isEmpty })
    }
}

/// Modules on the command line and in hints.
@Suite struct ModuleNameTests {
    @Test(
        "A word is a name in p11-kit's configuration unless it looks like a file",
        arguments: [
            ("softhsm2", true), ("opensc-pkcs11", true), ("tpm2_pkcs11", true),
            ("libsofthsm2.so", false), ("libykcs11.so.2", false), ("/usr/lib/module", false),
            ("./module", false), ("libykcs11.dylib", false), ("", false),
        ])
    func names(word: String, isName: Bool) {
        #expect(ModuleChoice.isName(word) == isName)
    }

    // Otherwise a pasted hint would select no token, or another one.
    @Test("The options in a hint select the module in the same way as the user did")
    func options() {
        #expect(moduleOptions("/m.so", name: nil, arguments: nil) == "--module '/m.so'")
        #expect(moduleOptions("/m.so", name: "soft", arguments: nil) == "--module 'soft'")
        #expect(moduleOptions("far", name: "far", arguments: nil) == "--module 'far'")
        #expect(moduleOptions("/m.so", name: "odd.so", arguments: nil) == "--module 'odd.so'")
        #expect(
            moduleOptions("/m.so", name: nil, arguments: "configdir='sql:/db'")
                == "--module '/m.so' --module-arguments 'configdir='\\''sql:/db'\\'''")
    }
}

/// The command line as a shell passes it to the completion.
@Suite struct CompletedLineTests {
    @Test("The value of an option is read in every form that a shell passes")
    func values() {
        for (words, value) in [
            (["--module", "/a.so"], "/a.so"), (["--module=/a.so"], "/a.so"),
            (["--module", "/a.so", "--module=/b.so"], "/b.so"),
            (["--module", "/a.so", "--", "--module", "/b.so"], "/a.so"),
            (["--module", "'/a b.so'"], "/a b.so"),
            (["--module", "/a\\ b.so"], "/a b.so"), (["--module"], nil),
            (["--module-arguments", "x"], nil), (["--module-arguments=x"], nil), ([], nil),
        ] as [([String], String?)] {
            #expect(CompletedLine.value("--module", ["list"] + words) == value, "\(words)")
        }
    }

    @Test("Only the shell's own quoting is removed from a word")
    func words() {
        for (word, text) in [
            (#""configdir='sql:/a b'""#, "configdir='sql:/a b'"),
            (#"'configdir='\''sql:/a'\'"#, "configdir='sql:/a'"),
            (#"configdir=\'sql:/a\ b\'"#, "configdir='sql:/a b'"),
            (#""a\"b\$c\d""#, #"a"b$c\d"#), (#"'a\b'"#, #"a\b"#), ("'pkcs11:", "pkcs11:"),
            ("plain", "plain"), ("", ""),
        ] {
            #expect(CompletedLine.bare(word) == text, "\(word)")
        }
    }
}

/// Errors in p11-kit's configuration.
@Suite struct P11KitConfigurationTests {
    private func file(
        _ name: String, _ folder: String, module: String? = nil, isCritical: Bool = false
    ) -> P11KitConfiguration.ModuleFile {
        P11KitConfiguration.ModuleFile(
            name: name, path: "\(folder)/\(name).module", module: module, logsCalls: false,
            isCritical: isCritical, isPassedOver: false, enabledIn: nil, disabledIn: nil)
    }

    @Test("Only the critical module that p11-kit names is reported")
    func critical() throws {
        let complaint =
            "aborting initialization because module 'gone' was marked as critical"
        let files = [
            file("gone", "/usr", module: "/lib/gone.so"), file("gone", "/etc", isCritical: true),
            file("other", "/usr", module: "/lib/other.so", isCritical: true),
        ]
        let failure = try #require(P11KitConfiguration.failure(ofCritical: complaint, files))
        #expect(failure.status == .configuration && failure.code == "moduleUnusable")
        #expect(
            failure.message
                == "p11-kit loads no modules, because module gone cannot be loaded (/lib/gone.so) "
                + "and is marked as critical in /etc/gone.module")
        #expect(failure.hints.first?.contains("disable-in: tokencert") == true)
        #expect(P11KitConfiguration.failure(ofCritical: "other", files) == nil)
        #expect(P11KitConfiguration.failure(ofCritical: complaint, [files[0], files[2]]) == nil)
    }
}

/// The arguments for NSS's module.
@Suite struct NSSArgumentsTests {
    // NSS ends the process if the folder is missing.
    @Test(
        "Arguments without a folder for NSS are refused",
        arguments: ["garbage", "/home/anna/nss", "configdir=", "configdir='sql:'", "xconfigdir=/a"])
    func missing(arguments: String) {
        #expect(throws: Failure.self) { try NSSArguments.require(arguments) }
    }

    // Otherwise the order could be resumed in another database.
    @Test(
        "A relative folder for NSS is refused",
        arguments: [
            "configdir='sql:nss'", "configdir=./nss", "flags=readOnly configdir=\"dbm:n s\"",
        ])
    func relative(arguments: String) {
        #expect(throws: Failure.self) { try NSSArguments.require(arguments) }
    }

    @Test(
        "Arguments with an absolute folder for NSS, or without a database, are accepted",
        arguments: [
            "configdir='sql:/home/anna/n s'", "flags=readOnly configDir=sql:/db", "flags=noCertDB",
        ])
    func absolute(arguments: String) throws {
        try NSSArguments.require(arguments)
        #expect(
            NSSArguments.isNSS("/usr/lib/libsoftokn3.so") && !NSSArguments.isNSS("/usr/lib/a.so"))
    }
}

extension RealParts {
    /// The module in use and its initialization.
    @Suite struct ModuleChoiceTests {
        private let soft = "module: \(softHSMModule)\n"
        private let faulty = "module: \(faultyModule)\n"
        private let words = "configdir='sql:/no such folder' flags=readOnly"

        // Otherwise the names that doctor prints would be useless.
        @Test("--module accepts the name of a module in p11-kit's configuration")
        func name() throws {
            let bench = try Bench()
            let modules = ["soft": soft, "other": faulty]
            for (arguments, changes) in [
                (["list", "--module", "soft"], [:]), (["list"], ["TOKENCERT_MODULE": "soft"]),
            ] {
                let outcome = try bench.tokencert(
                    configured: modules, arguments,
                    bench.faulty([:]).merging(["TOKENCERT_MODULE": ""]) { $1 }
                        .merging(changes) { $1 })
                #expect(outcome.status == 0, "\(outcome.errors)")
            }
            // The other modules are not initialized.
            #expect(bench.calls("C_Initialize") == 0)
            let unknown = try bench.tokencert(
                configured: ["soft": soft], ["list", "--module", "sofd"])
            expect(unknown, 78, "no module with the name sofd")
            #expect(unknown.errors.contains("did you mean --module 'soft'?"))
            #expect(unknown.errors.contains("to use another module: --module 'soft'"))
            let broken = try bench.tokencert(
                configured: modules, ["list", "--module", "other"], ["FAULTY_MODULE": "/none"])
            #expect(broken.status == 78, "\(broken)")
            let off = try bench.tokencert(
                configured: ["soft": soft + "disable-in: tokencert\n"],
                ["list", "--module", "soft"])
            expect(off, 78, "no module with the name soft")
            #expect(off.errors.contains("soft.module disables it"), "\(off.errors)")
            expect(try bench.tokencert(["list", "--module", ""]), 64, "--module is empty")
        }

        @Test("p11-kit-proxy.so selects all modules in p11-kit's configuration")
        func proxy() throws {
            let bench = try Bench()
            for path in ["p11-kit-proxy.so", "/usr/lib/x86_64-linux-gnu/p11-kit-proxy.so"] {
                let outcome = try bench.tokencert(
                    configured: ["soft": soft], ["tokens", "--module", path, "--json"])
                let modules = try #require(try outcome.json()["modules"] as? [[String: Any]])
                #expect(modules.map { $0["name"] as? String } == ["soft"], "\(outcome)")
            }
        }

        @Test("A file name without a path is searched for in p11-kit's folder")
        func bareFile() throws {
            let bench = try Bench()
            let outcome = try bench.tokencert(["tokens", "--module", "opensc-pkcs11.so"])
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(outcome.output.contains("OpenSC"), "\(outcome.output)")
        }

        // NSS does not initialize without arguments.
        @Test("Arguments for a module are accepted on the command line and in settings")
        func arguments() throws {
            let bench = try Bench()
            let needing = bench.faulty(["FAULTY_RESERVED": words])
            let none = try bench.tokencert(["list"], needing)
            expect(none, 78, "CKR_ARGUMENTS_BAD")
            #expect(none.errors.contains("--module-arguments"), "\(none.errors)")
            let given = try bench.tokencert(["issue", "--module-arguments", words], needing)
            #expect(given.status == 0, "\(given.errors)")
            let set = needing.merging(["TOKENCERT_MODULE_ARGUMENTS": words]) { $1 }
            #expect(try bench.tokencert(["list"], set).status == 0)
            // Arguments apply only to the module that the same source names.
            let other = try bench.tokencert(["list", "--module", softHSMModule], set)
            #expect(other.status == 0, "\(other.errors)")
            let file = try bench.token.folder.write(
                """
                {"module": "\(faultyModule)", "module-arguments": "\(words)"}
                """, "config.json")
            let configured = try bench.tokencert(
                ["list", "--config", file], needing.merging(["TOKENCERT_MODULE": ""]) { $1 })
            #expect(configured.status == 0, "\(configured.errors)")
            expect(
                try bench.tokencert(
                    configured: ["soft": soft],
                    ["list", "--module", "soft", "--module-arguments", words]), 64,
                "--module-arguments requires --module with a path")
            expect(
                try bench.tokencert(
                    configured: ["soft": soft], ["list", "--module-arguments", words]), 64,
                "--module-arguments requires --module with a path")
        }

        // Otherwise the order could never be finished: the path alone ends with status 78.
        @Test("An order is resumed through the module as it was selected")
        func resume() throws {
            let bench = try Bench()
            let failing = ["FAULTY_RULES": "C_CreateObject:before:return=0x30"]
            let needing = bench.faulty(["FAULTY_RESERVED": words])
                .merging(["TOKENCERT_MODULE": ""]) { $1 }
            let byPath = try bench.tokencert(
                [
                    "issue", "--module", faultyModule, "--module-arguments",
                    words,
                ], needing.merging(failing) { $1 })
            #expect(byPath.status != 0 && byPath.errors.contains("resume 1"), "\(byPath)")
            let history = try bench.tokencert(["history", "1", "--json"])
            #expect(history.output.contains("moduleArguments"), "\(history.output)")
            let resumed = try bench.tokencert(["resume", "1"], needing)
            #expect(resumed.status == 0, "\(resumed.errors)")

            let modules = ["reserved": faulty + "x-init-reserved: \(words)\n"]
            let byName = try bench.tokencert(
                configured: modules, ["issue", "--key-type", "rsa:2048"],
                needing.merging(failing) { $1 })
            #expect(byName.status != 0 && byName.errors.contains("resume 2"), "\(byName)")
            let again = try bench.tokencert(configured: modules, ["resume", "2"], needing)
            #expect(again.status == 0, "\(again.errors)")
            #expect(bench.ca.orders.count == 2)
        }

        // Otherwise a user with several card readers waits for the sum of their times.
        @Test("All configured modules start and are asked for their tokens at the same time")
        func startedTogether() throws {
            let bench = try Bench()
            var modules: [String: String] = [:]
            for name in ["first", "second", "third"] {
                let file = bench.token.folder.file("\(name).so")
                try FileManager.default.copyItem(atPath: faultyModule, toPath: file)
                modules[name] = "module: \(file)\n"
            }
            let slow = bench.faulty([
                "FAULTY_RULES": "C_Initialize:before:delay=1500;C_GetSlotList#1:before:delay=1500"
            ]).merging(["TOKENCERT_MODULE": ""]) { $1 }
            let clock = ContinuousClock()
            for command in ["list", "tokens"] {
                let began = clock.now
                let outcome = try bench.tokencert(configured: modules, [command], slow)
                let seconds = (clock.now - began) / .seconds(1)
                #expect(outcome.status == 0, "\(outcome)")
                // Each of the three modules shows the token.
                for name in modules.keys {
                    let place = command == "list" ? "--module '\(name)'" : "/\(name).so"
                    #expect(outcome.output.contains(place), "\(outcome.output)")
                }
                // One after the other they would take nine seconds.
                #expect(seconds > 3 && seconds < 8.5, "\(command): \(seconds)")
            }
        }

        // tpm2-pkcs11 without a TPM prints fifteen lines before the output of every command.
        @Test("Messages of a module during initialization are shown only if the user selected it")
        func noise() throws {
            let bench = try Bench()
            let noisy = bench.faulty(["FAULTY_NOISE": "15"]).merging(["TOKENCERT_MODULE": ""]) {
                $1
            }
            let failing = ["FAULTY_RULES": "C_Initialize:after:return=0x5"]
            let line = "faulty module: line 1"
            let modules = ["noisy": faulty]
            let list = try bench.tokencert(configured: modules, ["list"], noisy)
            #expect(list.status == 0 && !list.errors.contains(line), "\(list)")
            let failed = try bench.tokencert(
                configured: modules, ["tokens"], noisy.merging(failing) { $1 })
            #expect(failed.output.contains("cannot use module noisy"), "\(failed)")
            #expect(!failed.errors.contains(line), "\(failed)")
            let verbose = try bench.tokencert(configured: modules, ["list", "--verbose"], noisy)
            #expect(verbose.errors.contains("noisy: faulty module: line 15\n"), "\(verbose.errors)")
            for arguments in [
                ["list", "--module", "noisy"], ["list", "--module", faultyModule],
            ] {
                let chosen = try bench.tokencert(configured: modules, arguments, noisy)
                #expect(chosen.status == 0 && chosen.errors.contains(line), "\(chosen)")
            }
            // tokencert's own messages are still printed.
            let slow = try bench.tokencert(
                configured: modules, ["list"],
                noisy.merging(["FAULTY_RULES": "C_Initialize:before:delay=1500"]) { $1 })
            #expect(slow.errors.contains("starting the modules"), "\(slow.errors)")
            #expect(!slow.errors.contains(line), "\(slow.errors)")
        }

        // The user may mean a token of the module that failed.
        @Test(
            "A module that cannot be initialized is reported before a token is chosen automatically"
        )
        func notStarted() throws {
            let bench = try Bench()
            let failing = bench.faulty(["FAULTY_RULES": "C_Initialize:before:return=0x5"])
                .merging(["TOKENCERT_MODULE": ""]) { $1 }
            let warning = "warning: module broken did not start"
            for (text, arguments, changes, isNamed) in [
                (faulty, ["list"], [:], true), (faulty, ["list", "--token", "work"], [:], false),
                (faulty, ["list"], ["TOKENCERT_PIN_SOURCE": ""], false),
                (faulty + "disable-in: tokencert\n", ["list"], [:], false),
            ] as [(String, [String], [String: String], Bool)] {
                let outcome = try bench.tokencert(
                    configured: ["soft": soft, "broken": text], arguments,
                    failing.merging(changes) { $1 })
                #expect(outcome.status == 0, "\(outcome.errors)")
                #expect(outcome.errors.contains(warning) == isNamed, "\(outcome.errors)")
            }
        }

        @Test("The line that doctor prints turns a module off")
        func turnedOff() throws {
            let bench = try Bench()
            let noisy = bench.faulty(["FAULTY_NOISE": "2"]).merging(["TOKENCERT_MODULE": ""]) { $1 }
            let doctor = try bench.tokencert(
                configured: ["noisy": faulty], ["doctor", "--offline"], noisy)
            #expect(
                doctor.output.contains("it writes to standard error when it starts"), "\(doctor)")
            let line =
                "printf '\\n%s\\n' 'disable-in: tokencert' >> '/etc/pkcs11/modules/noisy.module'"
            #expect(doctor.output.contains(line), "\(doctor.output)")
            // The same file with the line that doctor prints.
            let off = try bench.tokencert(
                configured: ["noisy": faulty + "\ndisable-in: tokencert\n"], ["tokens"], noisy)
            #expect(off.output.contains("no module with tokens"), "\(off)")
            // Programs that are already excluded stay in the list.
            let others = try bench.tokencert(
                configured: ["noisy": faulty + "disable-in: firefox\n"], ["doctor", "--offline"],
                noisy)
            #expect(others.output.contains("'disable-in: firefox, tokencert'"), "\(others.output)")
        }

        // Otherwise the user could not tell which file to change, and no token could be used.
        @Test(
            "A critical module that cannot be loaded is reported with its file and a command")
        func critical() throws {
            let bench = try Bench()
            let gone = "module: /nonexistent/gone.so\ncritical: yes\n"
            let modules = ["soft": soft, "gone": gone]
            for arguments in [["list"], ["tokens"], ["list", "--module", "soft"]] {
                let outcome = try bench.tokencert(configured: modules, arguments)
                expect(outcome, 78, "module gone cannot be loaded (/nonexistent/gone.so)")
                #expect(
                    outcome.errorLine.contains("/usr/share/p11-kit/modules/gone.module"),
                    "\(outcome.errors)")
                #expect(
                    outcome.errors.contains(
                        "'disable-in: tokencert' >> '/etc/pkcs11/modules/gone.module'"),
                    "\(outcome.errors)")
            }
            let doctor = try bench.tokencert(configured: modules, ["doctor", "--offline"])
            #expect(doctor.output.contains("module gone cannot be loaded"), "\(doctor)")
            let off = try bench.tokencert(
                configured: ["soft": soft, "gone": gone + "disable-in: tokencert\n"], ["list"])
            #expect(off.status == 0, "\(off.errors)")
        }

        // Otherwise a slow module delays every command, although the user has named another one.
        @Test("A module that a URI on the command line excludes is not started")
        func excludedModule() throws {
            let bench = try Bench()
            let modules = ["fast": "module: \(softHSMModule)\n", "slow": faulty]
            let slow = bench.faulty(["FAULTY_RULES": "C_Initialize:before:delay=20000"])
                .merging(["TOKENCERT_MODULE": ""]) { $1 }
            let named = "pkcs11:token=work?module-name=fast"
            let inFile = "pkcs11:token=work?module-path=\(softHSMModule)"
            let clock = ContinuousClock()
            for (arguments, settings) in [
                (["list", named], [:]), (["health", "--token", named], [:]),
                (["list", "pkcs11:token=work?module-name=softhsm2"], [:]),
                (["list"], ["TOKENCERT_TOKEN": named]),
                // The module that is usually used is another one.
                (["list", named], ["TOKENCERT_MODULE": "slow"]),
                (["list", named], ["TOKENCERT_MODULE": faultyModule]),
                (["list", named], ["TOKENCERT_MODULE": "fast"]),
                (
                    ["list", "pkcs11:token=work?module-name=softhsm2"],
                    ["TOKENCERT_MODULE": softHSMModule]
                ),
                (["list", "--module", "p11-kit-proxy.so", inFile], [:]),
                (["doctor", "--offline", "--token", named], [:]),
            ] as [([String], [String: String])] {
                let began = clock.now
                let outcome = try bench.tokencert(
                    configured: modules, arguments, slow.merging(settings) { $1 })
                // doctor has other findings.
                let isRight = outcome.status == 0 || arguments[0] == "doctor"
                #expect(isRight, "\(arguments), \(settings): \(outcome)")
                #expect(clock.now - began < .seconds(15), "\(arguments), \(settings)")
            }
            // Waiting for a token would be in vain.
            for command in ["list", "tokens", "doctor"] {
                let token = ["--token", "pkcs11:token=work?module-name=fats"]
                let outcome = try bench.tokencert(
                    configured: ["fast": "module: \(softHSMModule)\n"],
                    [command] + (command == "list" ? ["--wait", "60"] : []) + token, slow)
                let text = outcome.output + outcome.errors
                #expect(outcome.status == (command == "doctor" ? 79 : 78), "\(command): \(outcome)")
                #expect(text.contains("has no module with the name fats"), "\(outcome)")
                #expect(text.contains("did you mean module-name=fast?"), "\(outcome)")
            }
        }

        // Otherwise the user would not know the state of the token.
        @Test("An interruption during the initialization of a module is reported")
        func interrupted() throws {
            let bench = try Bench()
            let modules = bench.token.folder.file("modules")
            try FileManager.default.createDirectory(
                atPath: modules, withIntermediateDirectories: true)
            try bench.token.folder.write(faulty, "modules/slow.module")
            let changes = bench.faulty(["FAULTY_RULES": "C_Initialize:before:delay=20000"])
            let all = bench.environment.merging(changes) { $1 }.merging(["TOKENCERT_MODULE": ""]) {
                $1
            }
            let outcome = try run(
                "unshare",
                [
                    "-rm", "bash", "-c",
                    "mount --bind \"$1\" /usr/share/p11-kit/modules && shift && exec \"$@\"", "_",
                    modules, "timeout", "--signal=TERM", "2", product("tokencert"), "list",
                ], environment: all.filter { !$0.value.isEmpty })
            #expect(outcome.errors.contains("error: interrupted"), "\(outcome)")
        }

        // Otherwise a token from the list would be refused with a hint to select that same token.
        @Test("module-path accepts every path of the same file")
        func modulePath() throws {
            let bench = try Bench()
            let folder = bench.token.folder
            let link = folder.file("link.so")
            try FileManager.default.createSymbolicLink(
                atPath: link, withDestinationPath: softHSMModule)
            let loaderFolder = URL(filePath: softHSMModule).deletingLastPathComponent().path()
            let detour = softHSMModule.replacingOccurrences(
                of: "/softhsm/", with: "/softhsm/../softhsm//")
            #expect(detour != softHSMModule)
            for (path, module) in [
                (link, ""), (link, softHSMModule), (softHSMModule, link), (detour, softHSMModule),
                ("./link.so", ""), ("./link.so", softHSMModule), ("libsofthsm2.so", ""),
                ("libsofthsm2.so", link),
            ] {
                let outcome = try run(
                    "sh",
                    [
                        "-c", "cd \"$1\" && shift && exec \"$@\"", "_", folder.file(""),
                        product("tokencert"), "list", "pkcs11:token=work?module-path=\(path)",
                    ],
                    environment: bench.environment.merging([
                        "TOKENCERT_MODULE": module,
                        "LD_LIBRARY_PATH": loaderFolder,
                    ]) { $1 }
                    .filter { !$0.value.isEmpty })
                #expect(outcome.status == 0, "\(path), \(module): \(outcome.errors)")
            }
            // Another file is another module, even with the same name.
            let other = try folder.write("", "libsofthsm2.so")
            let refused = try bench.tokencert(
                ["list", "pkcs11:token=work?module-path=\(other)", "--module", softHSMModule])
            expect(refused, 66, "no token matches")
        }
    }
}
