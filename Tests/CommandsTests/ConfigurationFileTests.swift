import Foundation
import Testing
import TokencertTestSupport

@testable import TokencertCommands

extension SettingsInProcess {
    /// Which settings of a configuration file apply, and which files are refused.
    @Suite struct ConfigurationFileTests {
        // MARK: Precedence

        // Otherwise the wrong token would be written to, or another CA would get the order.
        @Test("The command line overrides the profile, and the profile overrides the rest")
        func precedence() throws {
            let text = """
                {"token": "outer", "ca-url": "https://outer.example", "quiet": true,
                 "email": ["outer@example.org"],
                 "profiles": {
                   "work": {"token": "inner", "quiet": false, "email": ["a@b", "c@d"]},
                   "other": {"ca-url": "https://other.example"}}}
                """
            try SettingsInProcess.with(text) { () throws in
                #expect(setting(nil, .token) == "outer")
                #expect(setting("typed", .token) == "typed")
                #expect(setting(false, .quiet))
                #expect(setting([], .email) == ["outer@example.org"])
                #expect(setting(nil, .username) == nil && !setting(false, .online))
            }
            try SettingsInProcess.with(text, profile: "work") { () throws in
                #expect(setting(nil, .token) == "inner")
                #expect(setting("typed", .token) == "typed")
                // An empty string on the command line is a value.
                #expect(setting("", .token) == "")
                #expect(!setting(false, .quiet) && setting(true, .quiet))
                #expect(setting([], .email) == ["a@b", "c@d"])
                #expect(setting(["typed@example.org"], .email) == ["typed@example.org"])
                #expect(setting(nil, .caURL) == "https://outer.example")
            }
            try SettingsInProcess.with(text, profile: "other") { () throws in
                #expect(setting(nil, .token) == "outer")
                #expect(setting(nil, .caURL) == "https://other.example")
            }
        }

        @Test("A profile on the command line takes precedence over the one that the file names")
        func profiles() throws {
            let text = """
                {"profile": "a", "profiles": {"a": {"token": "of a"}, "b": {"token": "of b"}}}
                """
            try SettingsInProcess.with(text) { () throws in
                #expect(setting(nil, .token) == "of a")
                let current = ConfigurationFile.current
                #expect(current.profile == "a" && current.profiles == ["a", "b"])
                #expect(current.value(.token)?.profile == "a")
            }
            try SettingsInProcess.with(text, profile: "b") { () throws in
                #expect(setting(nil, .token) == "of b")
            }
            try SettingsInProcess.with(#"{"token": "plain", "profiles": {"a": {}}}"#) { () throws in
                #expect(ConfigurationFile.current.profile == nil)
                #expect(ConfigurationFile.current.value(.token)?.profile == nil)
            }
        }

        // Otherwise the settings of another profile would be used silently.
        @Test("An unknown profile is an error that lists the profiles of the file")
        func missingProfile() throws {
            let text = #"{"profiles": {"work": {}, "home": {}}}"#
            let failure = try SettingsInProcess.refusal(text, profile: "wrok")
            #expect(failure.status == .configuration && failure.code == "noProfile")
            #expect(
                failure.hints == ["did you mean work?", "use one of home, work"],
                "\(failure.hints)")
            let named = try SettingsInProcess.refusal(#"{"profile": "work"}"#)
            #expect(named.code == "noProfile")
            #expect(named.hints == ["to see an example of a profile: tokencert config --help"])
            let empty = try SettingsInProcess.refusal(text, profile: "")
            #expect(empty.code == "noProfile")
        }

        @Test("Only a profile can clear a setting, and only e-mail addresses and module arguments")
        func resets() throws {
            let outer = #""email": ["a@b"], "module-arguments": "x", "token": "t""#
            let text = #"{\#(outer), "profiles": {"p": {"email": [], "module-arguments": ""}}}"#
            try SettingsInProcess.with(text, profile: "p") { () throws in
                #expect(setting([], .email) == [])
                #expect(setting(nil, .moduleArguments) == "")
                #expect(setting(nil, .token) == "t")
            }
            for bad in [
                #"{"profiles": {"p": {"token": ""}}}"#, #"{"profiles": {"p": {"email": [" "]}}}"#,
                #"{"profiles": {"p": {"key-type": ""}}}"#, #"{"username": "\t"}"#,
            ] {
                let failure = try SettingsInProcess.refusal(bad)
                #expect(failure.status == .configuration, "\(bad)")
                #expect(failure.code == "configurationInvalid", "\(bad)")
                #expect(failure.message.hasSuffix("is empty"), "\(failure.message)")
            }
        }

        // MARK: Values

        @Test("Numbers need no quotation marks, and a value of the wrong type is refused")
        func forms() throws {
            try SettingsInProcess.with(
                #"{"timeout": 60, "days": "14", "email": "a@b", "online": true}"#
            ) { () throws in
                #expect(setting(nil, .timeout) == "60" && setting(nil, .days) == "14")
                #expect(setting([], .email) == ["a@b"])
                #expect(setting(false, .online))
            }
            for (bad, form) in [
                (#"{"token": true}"#, "a string in quotation marks"),
                (#"{"token": ["work"]}"#, "a string in quotation marks"),
                (#"{"online": "true"}"#, "true or false"),
                (#"{"email": {"a": "b"}}"#, "a list of strings"),
                (#"{"email": [1]}"#, "a list of strings"),
                (#"{"profiles": {"p": {"codesign": "yes"}}}"#, "true or false"),
            ] {
                let failure = try SettingsInProcess.refusal(bad)
                #expect(failure.code == "configurationInvalid", "\(bad)")
                #expect(failure.message.contains("must be \(form)"), "\(failure.message)")
            }
        }

        // Otherwise a mistyped name would leave the default CA or the default token in effect.
        @Test("An unknown setting is an error, also in a profile that is not used")
        func unknownNames() throws {
            let cases: [(name: String, hint: String)] = [
                ("tokn", "did you mean token?"), ("ca_url", "did you mean ca-url?"),
                ("allow-last-try", "remove it, and use --allow-last-try on the command line"),
                ("yes", "remove it, and use --yes on the command line"),
                ("pin", "replace the secret"), ("PIN", "replace the secret"),
                ("password", "replace the secret"),
                ("so-pin", "replace the secret"), ("Token", "did you mean token?"),
                ("x-comment", "to list all settings: tokencert config"),
            ]
            for (name, hint) in cases {
                for text in [
                    #"{"\#(name)": "7654321"}"#, #"{"profiles": {"p": {"\#(name)": "7654321"}}}"#,
                ] {
                    let failure = try SettingsInProcess.refusal(text)
                    #expect(failure.code == "configurationInvalid", "\(text)")
                    #expect(
                        failure.hints.contains { $0.hasPrefix(hint) }, "\(failure.hints)")
                    // The value may be a PIN.
                    let all = ([failure.message] + failure.hints).joined()
                    #expect(!all.contains("7654321"), "\(all)")
                }
            }
        }

        // Otherwise the user looks for an option that the command does not have.
        @Test("An invalid value of the file is reported with the file, not as an option")
        func origin() throws {
            for (text, problem) in [
                (#"{"days": "30d"}"#, "--days requires a number of days"),
                (#"{"profiles": {"p": {"wait": "x"}}, "profile": "p"}"#, "--wait requires"),
                (#"{"color": "red"}"#, "--color: unknown value"),
            ] {
                try SettingsInProcess.with(text) { () throws in
                    let given = Failure(.usage, problem, hints: ["use --x"])
                    let option = String(problem.prefix { $0 != " " && $0 != ":" })
                    let failure = given.namingOrigin(inArguments: ["list"])
                    #expect(failure.status == .usage)
                    let path = ConfigurationFile.current.path
                    #expect(failure.message.hasPrefix("\(problem) (set by "))
                    #expect(failure.message.hasSuffix(" of \(path))"))
                    #expect(failure.hints.first == "use --x" && failure.hints.count == 2)
                    #expect(text.contains("profiles") == failure.message.contains("profile \"p\""))
                    for arguments in [["list", option, "x"], ["list", "\(option)=x"]] {
                        let same = given.namingOrigin(inArguments: arguments)
                        #expect(same.message == problem && same.status == .usage)
                    }
                }
            }
            let unknown = Failure(.usage, "--serial must be hexadecimal", hints: [])
            #expect(unknown.namingOrigin(inArguments: []).message == unknown.message)
            let bench = try Bench()
            let variable = try bench.tokencert(["list"], ["TOKENCERT_DAYS": "abc"])
            expect(variable, 64, "--days requires a number of days (set by TOKENCERT_DAYS)")
            expect(
                try bench.tokencert(["health", "--days", "x"], ["TOKENCERT_DAYS": "abc"]), 64,
                "error: --days requires")
        }

        // Otherwise the hint makes a device unusable for all programs.
        @Test("A device is not to be protected with chmod")
        func device() throws {
            let bench = try Bench()
            let outcome = try bench.tokencert(["list"], ["TOKENCERT_CONFIG": "/dev/null"])
            #expect(outcome.status == 78 && !outcome.errors.contains("chmod"), "\(outcome)")
        }

        @Test("A profile cannot select a profile, and the message says so")
        func profileInProfile() throws {
            let failure = try SettingsInProcess.refusal(
                #"{"profiles": {"a": {"profile": "b"}}, "profile": "a"}"#)
            #expect(failure.message.hasPrefix("\"profile\" cannot be set in the profile \"a\""))
        }

        // Otherwise each working directory would have its own ledger.
        @Test("Paths are absolute or begin with ~/, which is expanded to the home folder")
        func paths() throws {
            let home = try requireHome()
            try SettingsInProcess.with(
                #"{"ledger": "~/l", "module": "~/m.so", "pin-source": "file:~/pin", "token": "~/t"}"#
            ) { () throws in
                #expect(setting(nil, .ledger) == home + "/l")
                #expect(setting(nil, .module) == home + "/m.so")
                #expect(setting(nil, .pinSource) == "file:\(home)/pin")
                #expect(setting(nil, .token) == "~/t")
            }
            for text in [
                #"{"ledger": "l"}"#, #"{"module": "./m.so"}"#, #"{"pin-source": "file:pin"}"#,
                #"{"profiles": {"p": {"ca-file": "ca.pem"}}}"#,
            ] {
                let failure = try SettingsInProcess.refusal(text)
                #expect(failure.status == .configuration, "\(text)")
                #expect(failure.code == "relativePath", "\(text)")
            }
            let command = try SettingsInProcess.refusal(
                #"{"token": "pkcs11:token=a?pin-source=%7Ccat%20/secret"}"#)
            #expect(command.status == .configuration && command.code == "commandInURI")
            #expect(!command.message.contains("secret"), "\(command.message)")
        }

        // MARK: Files

        // The file names programs that are run for a PIN, so only its owner may change it.
        @Test("A file that others can write to is refused, but one that they can read is accepted")
        func permissions() throws {
            for mode in [0o622, 0o620, 0o602, 0o666] {
                let failure = try SettingsInProcess.refusal("{}", permissions: mode)
                #expect(failure.status == .configuration)
                #expect(failure.code == "configurationUnsafe", "\(mode)")
            }
            for mode in [0o600, 0o644, 0o400] {
                try SettingsInProcess.with("{}", permissions: mode) {}
            }
        }

        @Test("Anything except a JSON object is refused")
        func broken() throws {
            for text in [
                "", "{", "[]", "7", #"{"token": "a""#, #"{"profiles": []}"#,
                #"{"profiles": {"p": "work"}}"#, "{'token': 'a'}",
            ] {
                let failure = try SettingsInProcess.refusal(text)
                #expect(failure.status == .configuration, "\(text)")
                #expect(failure.code == "configurationUnreadable", "\(text)")
            }
            for text in [#"{"profile": 7}"#, #"{"profile": ["a"]}"#, #"{"profile": " "}"#] {
                let failure = try SettingsInProcess.refusal(text)
                #expect(failure.code == "configurationInvalid", "\(text)")
            }
        }

        // Otherwise the default CA and the default ledger would be used instead.
        @Test("A file named by the user must exist; if it does not, the settings stay unchanged")
        func absent() throws {
            let folder = try TemporaryFolder()
            try SettingsInProcess.with(#"{"token": "work"}"#) { () throws in
                for name in ["none.json", "none/config.json", ""] {
                    let failure = try #require(throws: Failure.self) {
                        try ConfigurationFile.load(file: folder.file(name), profile: nil)
                    }
                    #expect(failure.status == .configuration, "\(name)")
                    #expect(failure.code == "configurationUnreadable", "\(name)")
                    #expect(!failure.hints.isEmpty)
                }
                #expect(setting(nil, .token) == "work")
            }
        }
    }
}
