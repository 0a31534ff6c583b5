import Foundation
import Testing
import TokencertTestSupport

/// Programs named ssh, sshd and ssh-keygen that record how they are started. `ssh` reports a login.
struct RecordedSSH {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        let record = """
            #!/bin/sh
            cd '\(folder.path)' || exit 1
            { echo "$0"; for word; do echo "$word"; done; } >>arguments
            env >>environment
            [ "$1" != -V ] || { echo OpenSSH_9.2p1 >&2; exit 0; }

            """
        try add(
            "ssh",
            record + """
                cat >>input
                echo "Accepted publickey for $(id -un) from UNKNOWN" >"${SSH_ASKPASS%/*}/sshd.log"

                """)
        try add("sshd", record)
        try add(
            "ssh-keygen",
            record + """
                while [ $# -gt 1 ]; do [ "$1" != -f ] || file=$2; shift; done
                echo private >"$file"
                echo ssh-ed25519 AAAA >"$file.pub"

                """)
    }

    private func add(_ name: String, _ text: String) throws {
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o755], ofItemAtPath: try folder.write(text, name))
    }

    /// The variable that puts the programs first.
    var variables: [String: String] {
        ["PATH": "\(folder.path):\(ProcessInfo.processInfo.environment["PATH"] ?? "")"]
    }

    /// The programs and their arguments, one in each line.
    var arguments: String { (try? folder.read("arguments")) ?? "" }
    /// The environments.
    var environment: String { (try? folder.read("environment")) ?? "" }
    /// What `ssh` read from its standard input; nil if it was run only for its version.
    var input: String? { try? folder.read("input") }
}

extension RealParts {
    /// What `tokencert use` refuses, with ssh as the consumer. Otherwise files of the user are
    /// lost, or a PIN is sent to the wrong program.
    @Suite(.serialized) struct UseRefusalTests {
        private let bench: UseBench
        private let ssh: RecordedSSH

        init() throws {
            bench = try UseBench()
            ssh = try RecordedSSH()
            try bench.write("Host other\n    Port 2222", ".ssh/config")
        }

        private func use(
            _ arguments: [String], _ changes: [String: String] = [:]
        ) throws -> Outcome {
            try bench.tokencert(["use"] + arguments, ssh.variables.merging(changes) { $1 })
        }

        private func write(
            _ more: [String] = [], _ changes: [String: String] = [:],
            _ location: SourceLocation = #_sourceLocation
        ) throws {
            let outcome = try use(
                ["ssh", "mail", "--write", "--host", "example.org"] + more, changes)
            try #require(outcome.status == 0, "\(outcome.errors)", sourceLocation: location)
        }

        /// Checks that a command is refused with a hint, and that no file is changed.
        private func refused(
            _ arguments: [String], _ status: Int32, _ message: String,
            _ changes: [String: String] = [:], _ location: SourceLocation = #_sourceLocation
        ) throws {
            let before = bench.files
            let records = FolderContent(of: bench.records)
            let outcome = try use(arguments, changes)
            #expect(outcome.status == status, "\(outcome)", sourceLocation: location)
            let lines = outcome.errors.split(separator: "\n")
            #expect(
                lines.contains { $0.hasPrefix("error: ") && $0.contains(message) },
                "\(outcome.errors)", sourceLocation: location)
            #expect(
                lines.contains { $0.hasPrefix("hint: ") }, "\(outcome.errors)",
                sourceLocation: location)
            #expect(bench.files.changes(since: before) == [], sourceLocation: location)
            #expect(
                FolderContent(of: bench.records).changes(since: records) == [],
                sourceLocation: location)
        }

        // MARK: The command line

        @Test("An unknown consumer, a missing host and a wrong host are refused")
        func commandLine() throws {
            try refused(["shh"], 64, "\"shh\" is not a consumer")
            #expect(try use(["shh"]).errors.contains("did you mean tokencert use ssh?"))
            try refused(["ssh", "mail", "--write"], 64, "no host is named")
            for host in ["a b", "-oProxyCommand=x", "a\"", "a\nHost b"] {
                try refused(
                    ["ssh", "mail", "--write", "--host=\(host)"], 64, "is not a host")
            }
            try refused(["--write"], 64, "name the consumer")
            try refused(["ssh", "--write", "--undo"], 64, "use only one of")
            try refused(["ssh", "mail", "--undo"], 64, "take no certificate")
        }

        // Otherwise another place is set up than the user means.
        @Test("An option that a consumer does not have is refused and not ignored")
        func optionsOfOthers() throws {
            for action in [[], ["--write"], ["--check"]] {
                try refused(
                    ["tls", "mail", "--host", "a"] + action, 64, "--host is for ssh, not for tls")
                try refused(
                    ["ssh", "mail", "--host", "a", "--file", "/x"] + action, 64,
                    "--file is for git and nginx, not for ssh")
                try refused(
                    ["nginx", "mail", "--profile-folder", "/x"] + action, 64,
                    "--profile-folder is for firefox and thunderbird, not for nginx")
            }
            for option in [["--host", "a"], ["--file", "a"], ["--serial", "1f"]] {
                try refused(option, 64, "name the consumer")
                try refused(["ssh", "--undo"] + option, 64, "take no certificate")
                try refused(["--all-present"] + option, 64, "take no certificate")
            }
        }

        // Otherwise the list seems to be about this token.
        @Test("An option of the token is refused if no token is used")
        func unusedToken() throws {
            for option in [
                ["--token", "work"], ["--module", "/x.so"], ["--pin-source", "fd:3"],
                ["--ledger", "/x"], ["--token-profile", "none"], ["--wait"], ["--retry-pin"],
            ] {
                try refused(option, 64, "omit \(option[0])")
                try refused(["ssh", "--undo"] + option, 64, "omit \(option[0])")
            }
        }

        @Test("A key without a certificate is named, with the command that gets one")
        func keyWithoutCertificate() throws {
            try bench.require(["request", "--label", "bare", "--key-type", "rsa:2048"])
            try refused(
                ["ssh", "bare", "--host", "a"], 66, "no certificate for the key \"bare\"")
            let hints = try use(["ssh", "bare", "--host", "a"]).errors
            #expect(hints.contains("tokencert issue --key "), "\(hints)")
        }

        // Otherwise the command at the end of the output fails.
        @Test("The command that writes what is shown has the certificate, the hosts and the token")
        func commandToWrite() throws {
            try bench.require(["issue", "--label", "second", "--key-type", "rsa:2048"])
            let outcome = try use([
                "ssh", "mail", "--host", "example.org", "--host", "*.example.net", "--token",
                bench.token.label,
            ])
            #expect(
                outcome.output.contains(
                    "To write this: tokencert use ssh mail --write --host example.org "
                        + "--host '*.example.net' --token \(bench.token.label)\n"),
                "\(outcome)")
        }

        @Test("A certificate that has expired is reported, and is refused before it is tried")
        func expired() throws {
            func later(_ arguments: [String]) throws -> Outcome {
                let clock = ["timeout", "110", "faketime", "-f", "+1200d", product("tokencert")]
                return try run(
                    "setsid", ["-w"] + clock + arguments, environment: bench.environment)
            }
            let shown = try later(["use", "tls", "mail"])
            #expect(shown.output.contains("- The certificate expired on "), "\(shown)")
            #expect(shown.output.contains("tokencert renew mail"), "\(shown)")
            let tried = try later(["use", "tls", "mail", "--write", "--check"])
            #expect(tried.status == 65, "\(tried)")
            #expect(tried.errors.contains("error: the certificate expired on "), "\(tried)")
            // The key does not expire.
            let ssh = try later(["use", "ssh", "mail", "--host", "a"])
            #expect(!ssh.output.contains("expired"), "\(ssh)")
        }

        @Test("Two keys without a name are refused, and each can be named")
        func twoKeys() throws {
            try bench.require(["issue", "--label", "second", "--key-type", "rsa:2048"])
            try refused(["ssh", "--write", "--host", "example.org"], 66, "the token has 2 keys")
            try refused(["ssh", "third", "--write", "--host", "example.org"], 66, "third")
            try write()
            // The key that is set up is used without its name.
            let outcome = try use(["ssh", "--write"])
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(outcome.output.contains("already written: "))
        }

        @Test("A check and an undo without a set-up are refused, and so is a second undo")
        func notSetUp() throws {
            try refused(["ssh", "--check"], 66, "ssh is not set up")
            // Without a host, the command would be refused.
            for (options, place) in [([], "HOST"), (["--host", "a"], "a")] as [([String], String)] {
                let errors = try use(["ssh", "--check"] + options).errors
                #expect(errors.contains("use ssh --write --host \(place)\n"), "\(errors)")
            }
            try refused(["ssh", "--undo"], 66, "ssh is not set up")
            try write()
            #expect(try use(["ssh", "--undo"]).status == 0)
            try refused(["ssh", "--undo"], 66, "ssh is not set up")
        }

        @Test("A program that is not installed is refused with the package to install")
        func notInstalled() throws {
            let folder = try TemporaryFolder()
            // Only what starts tokencert is in this PATH.
            for name in ["setsid", "timeout"] {
                try FileManager.default.createSymbolicLink(
                    atPath: folder.file(name), withDestinationPath: "/usr/bin/\(name)")
            }
            try refused(
                ["ssh", "mail", "--write", "--host", "a"], 78, "ssh is not installed",
                ["PATH": folder.path])
        }

        @Test("A program in the working folder is not run, also if PATH has that folder")
        func workingFolder() throws {
            try write()
            let folder = try TemporaryFolder()
            for name in ["ssh", "sshd", "ssh-keygen", "id"] {
                try FileManager.default.setAttributes(
                    [.posixPermissions: 0o755],
                    ofItemAtPath: try folder.write(
                        "#!/bin/sh\ntouch '\(folder.file("ran"))'\n", name))
            }
            for path in [".:", ":"] {
                let outcome = try run(
                    "/bin/sh",
                    ["-c", "cd \"$0\" && exec \"$@\"", folder.path, product("tokencert")]
                        + ["use", "ssh", "--check"],
                    environment: bench.environment.merging([
                        "PATH": path + (ssh.variables["PATH"] ?? "")
                    ]) { $1 })
                #expect(outcome.status == 0, "\(outcome.errors)")
                #expect(!FileManager.default.fileExists(atPath: folder.file("ran")))
            }
            #expect(ssh.input != nil)
        }

        // Otherwise the private keys of temporary servers stay on the disk.
        @Test("A signal during a check leaves no temporary folder")
        func interruptedCheck() throws {
            try write()
            let folder = try TemporaryFolder()
            let temporary = folder.file("tmp")
            try FileManager.default.createDirectory(
                atPath: temporary, withIntermediateDirectories: true)
            let script = """
                #!/bin/sh
                [ "$1" != -V ] || { echo OpenSSH_9.2p1 >&2; exit 0; }
                ls '\(temporary)' >'\(folder.file("seen"))'
                kill -TERM $PPID
                sleep 20

                """
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o755], ofItemAtPath: try folder.write(script, "ssh"))
            let path = folder.path + ":" + (ssh.variables["PATH"] ?? "")
            let outcome = try use(["ssh", "--check"], ["PATH": path, "TMPDIR": temporary])
            #expect(outcome.status != 0, "\(outcome)")
            #expect(try folder.read("seen").contains("tokencert-"))
            #expect(try FileManager.default.contentsOfDirectory(atPath: temporary).isEmpty)
        }

        @Test(
            "A home folder whose name ssh cannot read is refused",
            arguments: ["a\"b", "50%o", "a[b]", "a\nb"])
        func homeFolder(name: String) throws {
            try bench.write("Host other\n", name + "/.ssh/config")
            try refused(
                ["ssh", "mail", "--write", "--host", "example.org"], 64,
                name.contains("\n") ? "a line end" : "ssh cannot use the path",
                ["HOME": bench.home.file(name)])
        }

        // MARK: Files

        @Test("A file of the user with the name of tokencert's file is not overwritten")
        func fileInTheWay() throws {
            try bench.write("mine\n", ".ssh/tokencert-mail.pub")
            try refused(
                ["ssh", "mail", "--write", "--host", "example.org"], 78, "refusing to overwrite")
        }

        @Test(
            "A file of tokencert that the user changed is not overwritten, and stays after an undo")
        func changedFile() throws {
            let before = bench.files
            try write()
            let name = ".ssh/tokencert-mail.conf"
            let changed = try bench.home.read(name) + "    Compression yes\n"
            try bench.write(changed, name)
            try refused(["ssh", "--write"], 78, "it was changed after tokencert wrote it")
            try refused(["ssh", "--check"], 78, "it was changed after tokencert wrote it")
            let undone = try use(["ssh", "--undo"])
            #expect(undone.status == 0)
            #expect(undone.output.contains("left as it is"), "\(undone.output)")
            #expect(Set(bench.files.changes(since: before)) == [name, ".ssh/tokencert-mail.pub"])
            #expect(undone.output.contains("names it: "), "\(undone.output)")
            #expect(try bench.home.read(name) == changed)
        }

        @Test("Lines that the user adds around tokencert's lines stay")
        func changedAround() throws {
            try write()
            let text = try bench.home.read(".ssh/config")
            try bench.write("# first\n" + text + "\nHost last\n", ".ssh/config")
            let again = try use(["ssh", "--write"])
            #expect(again.status == 0, "\(again.errors)")
            let undone = try use(["ssh", "--undo"])
            #expect(undone.status == 0, "\(undone.errors)")
            #expect(
                try bench.home.read(".ssh/config")
                    == "# first\nHost other\n    Port 2222\nHost last\n")
        }

        @Test(
            "Marks that do not belong together are refused",
            arguments: ["# >>> tokencert use ssh: x\n", "# <<< tokencert use ssh\n"])
        func brokenMarks(mark: String) throws {
            try bench.write("Host a\n" + mark + "Host b\n", ".ssh/config")
            try refused(
                ["ssh", "mail", "--write", "--host", "example.org"], 78,
                "marks of tokencert that do not belong together")
        }

        @Test("A set-up whose record exists without its files can be taken back, and written again")
        func interrupted() throws {
            let before = bench.files
            try write()
            let written = bench.files
            let saved = bench.token.folder.file("saved")
            let manager = FileManager.default
            try manager.copyItem(atPath: bench.records, toPath: saved)
            #expect(try use(["ssh", "--undo"]).status == 0)
            for action in [["--undo"], ["--write"]] {
                try? manager.removeItem(atPath: bench.records)
                try manager.copyItem(atPath: saved, toPath: bench.records)
                let outcome = try use(["ssh"] + action)
                #expect(outcome.status == 0, "\(outcome.errors)")
                let expected = action == ["--undo"] ? before : written
                #expect(bench.files.changes(since: expected) == [])
            }
            #expect(try use(["ssh", "--undo"]).status == 0)
            #expect(bench.files.changes(since: before) == [])
        }

        @Test("A file that cannot be read is a failure with a hint, and no bug")
        func unreadable() throws {
            try write()
            let folder = bench.home.file(".ssh")
            try FileManager.default.removeItem(atPath: folder)
            try bench.write("x", ".ssh")
            try refused(["ssh", "--undo"], 78, "Not a directory")
            try refused(["ssh", "--write"], 78, "Not a directory")
        }

        @Test("A set-up that is interrupted by a file that cannot be written can be taken back")
        func unwritable() throws {
            let before = bench.files
            // A folder with the name of the last file.
            try FileManager.default.removeItem(atPath: bench.home.file(".ssh/config"))
            try bench.write("x", ".ssh/config/x")
            let failed = try use(["ssh", "mail", "--write", "--host", "example.org"])
            #expect(failed.status != 0)
            #expect(failed.errors.contains("error: "))
            try FileManager.default.removeItem(atPath: bench.home.file(".ssh/config"))
            try bench.write("Host other\n    Port 2222", ".ssh/config")
            _ = try use(["ssh", "--undo"])
            #expect(bench.files.changes(since: before) == [])
        }

        @Test("A path that goes through a file is refused with the status of a wrong file")
        func notAFolder() throws {
            try bench.write("", "other/.ssh")
            try refused(
                ["ssh", "mail", "--write", "--host", "example.org"], 78, "Not a directory",
                ["HOME": bench.home.file("other")])
        }

        // MARK: The token

        @Test("A token that is absent changes nothing with --all-present")
        func absent() throws {
            try write()
            let none = try ThrowawayToken(label: nil)
            let before = bench.files
            for changes in [[:], ["TOKENCERT_TOKEN": ""]] {
                let outcome = try use(
                    ["--all-present"], none.environment.merging(changes) { $1 })
                #expect(outcome.status == 0, "\(outcome.errors)")
                #expect(outcome.output.contains("ssh: the token is not present"))
            }
            #expect(bench.files.changes(since: before) == [])
            try refused(["ssh", "--check"], 66, "no token found", none.environment)
            #expect(ssh.input == nil)
        }

        @Test("Another token with the same label is not used for a set-up")
        func otherToken() throws {
            try write()
            let other = try UseBench()
            let outcome = try use(["--all-present"], other.token.environment)
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(outcome.output.contains("ssh: the token is not present"), "\(outcome)")
        }

        @Test("A new key is set up only by its name, and the old set-up can be taken back")
        func newKey() throws {
            let before = bench.files
            try write()
            let old = try bench.home.read(".ssh/tokencert-mail.pub")
            try bench.require(["renew", "mail", "--new-key", "--retire"])
            try refused(["ssh", "--all-present"], 66, "the key that is set up")
            let named = try use(["ssh", "mail", "--write"])
            #expect(named.status == 0, "\(named.errors)")
            #expect(try bench.home.read(".ssh/tokencert-mail.pub") != old)
            #expect(try use(["ssh", "--undo"]).status == 0)
            #expect(bench.files.changes(since: before) == [])
        }

        @Test("A wrong PIN is sent to the token once, and nothing is sent to ssh")
        func wrongPIN() throws {
            let faulty = [
                "TOKENCERT_MODULE": faultyModule, "FAULTY_MODULE": softHSMModule,
                "FAULTY_LOG": bench.token.folder.file("calls"),
            ]
            try write([], faulty)
            let logins = try logins()
            let wrong = try bench.token.folder.write("99999999\n", "wrong")
            try refused(
                ["ssh", "--check", "--pin-source", "file:\(wrong)"], 77, "the PIN is wrong",
                faulty)
            #expect(try self.logins() == logins + 1)
            #expect(ssh.input == nil)
            #expect(!ssh.arguments.contains("99999999"))
        }

        /// The number of logins through the faulty module.
        private func logins() throws -> Int {
            try bench.token.folder.read("calls").split(separator: "\n").filter {
                $0.split(separator: " ").dropFirst().first == "C_Login"
            }.count
        }

        @Test(
            "The PIN reaches ssh only on standard input, and no file has it",
            arguments: ["file", "env"])
        func pin(source: String) throws {
            try write()
            let token = bench.token
            let name = source == "env" ? "env:SECRET_OF_TEST" : "file:\(token.folder.file("pin"))"
            let outcome = try use(
                ["ssh", "--check", "--pin-source", name],
                source == "env" ? ["SECRET_OF_TEST": token.pin] : [:])
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(outcome.output.contains("Proved: "))
            #expect(ssh.input == token.pin + "\n")
            #expect(ssh.arguments.contains("/ssh\n") && ssh.arguments.contains("/ssh-keygen\n"))
            for text in [ssh.arguments, ssh.environment, outcome.output, outcome.errors] {
                #expect(!text.contains(token.pin))
            }
            #expect(!ssh.environment.contains("TOKENCERT_"))
            #expect(bench.filesWithPIN == [])
        }
    }
}
