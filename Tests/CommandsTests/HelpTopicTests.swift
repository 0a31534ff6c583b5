import Testing

@testable import TokencertCommands

/// What a newcomer reads before the first command succeeds: the texts of `tokencert help`, the guide
/// of `tokencert` alone, and the suggestions for a command line that is wrong.
@Suite struct HelpTopicTests {
    // MARK: Topics

    @Test("Each topic fits the width and is ASCII", arguments: HelpTopic.allCases, [60, 80])
    func width(topic: HelpTopic, width: Int) {
        let text = topic.text(width: width)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.allSatisfy { $0.count <= width && !$0.hasSuffix(" ") }, "\(text)")
        #expect(text.unicodeScalars.allSatisfy { $0.isASCII }, "\(text)")
        #expect(text.hasSuffix("\n") && !text.hasSuffix("\n\n"))
    }

    @Test("The help that an error suggests is that of the subcommand")
    func commandPath() {
        let words = ["token", "init", "--nosuch", "init"]
        #expect(Tokencert.commandPath(words) == ["token", "init"])
        #expect(Tokencert.commandPath(["list", "init"]) == ["list"])
        #expect(Tokencert.commandPath(["init"]).isEmpty)
    }

    @Test("The topics contain each exit status and each variable")
    func complete() {
        let statuses = HelpTopic.exitStatus.text(width: 80).split(separator: "\n")
        for status in TokencertCommands.ExitStatus.allCases {
            let number = "\(status.rawValue)"
            let rows = statuses.filter {
                $0.hasPrefix("  " + String(repeating: " ", count: 3 - number.count) + number + "  ")
            }
            #expect(rows.count == 1, "\(number)")
        }
        let variables = HelpTopic.environment.text(width: 80)
        for setting in Setting.allCases {
            #expect(
                variables.contains("  \(setting.variable) ") == setting.isConfigurable, "\(setting)"
            )
        }
        for name in EnvironmentSettings.others {
            #expect(variables.contains("  \(name) "), "\(name)")
        }
    }

    @Test("help with a command or an option is left to argument-parser")
    func commands() throws {
        for words in [
            [], ["help"], ["list"], ["help", "list"], ["help", "trust", "fetch"], ["help", "help"],
            ["help", "-h"], ["help", "--pin", "1234"], ["exit-status"],
        ] {
            #expect(try !printHelpTopic(words), "\(words)")
        }
    }

    // Otherwise the overview would be shown as if the word were right.
    @Test(
        "help with an unknown word fails and suggests commands and topics",
        arguments: [
            (["nope"], "nope", []),
            (["lst"], "lst", ["did you mean tokencert help list?"]),
            (["ls"], "ls", ["did you mean tokencert help list?"]),
            (["rm"], "rm", ["did you mean tokencert help delete?"]),
            (["version"], "version", ["did you mean tokencert --version?"]),
            (["env"], "env", ["did you mean tokencert help environment?"]),
            (["trust", "rm"], "rm", ["did you mean tokencert help trust remove?"]),
            (["trust", "nope"], "nope", []),
            (["list", "nope"], "nope", []),
        ] as [([String], String, [String])])
    func unknown(words: [String], word: String, suggestions: [String]) throws {
        let failure = try #require(throws: Failure.self) {
            _ = try printHelpTopic(["help"] + words)
        }
        #expect(failure.status == .usage)
        #expect(failure.message == "unknown command \"\(word)\"")
        #expect(failure.hints.dropLast() == suggestions[...])
        #expect(failure.hints.last?.hasPrefix("to see all commands: tokencert help") == true)
    }

    // MARK: Suggestions

    @Test(
        "Words of other programs lead to the command with that meaning",
        arguments: [
            ("certs", ["list"]), ("ls", ["list"]), ("LS", ["list"]), ("rm", ["delete"]),
            ("remove", ["delete"]), ("version", ["--version"]), ("renw", ["renew"]), ("xyzzy", []),
        ])
    func otherPrograms(word: String, commands: [String]) {
        #expect(commandSuggestions(for: word, among: Tokencert.subcommandNames) == commands)
    }

    // Otherwise the PIN would be in logs of standard error.
    @Test(
        "An option that would take a secret is recognised without its value",
        arguments: [
            (["list", "--pin", "1234"], "--pin"), (["list", "--pin=1234"], "--pin"),
            (["list", "--pin1234"], "--pin"), (["list", "-p1234"], "-p"),
            (["list", "--pinsecret"], "--pin"), (["list", "-psecret"], "-p"),
            (["list", "-pinsecret"], "-pin"), (["issue", "--passwordsecret"], "--password"),
            (["issue", "--password-source=prompt"], nil), (["issue", "--so-pin-source", "x"], nil),
            (["token", "init", "--so-pin", "1234"], "--so-pin"),
            (["--password=x y", "issue"], "--password"),
            (["list", "--pin-source", "prompt"], nil), (["list", "--profile", "x"], nil),
            (["show", "--pem"], nil), (["show", "--", "--pin"], nil), (["show", "pin"], nil),
            ([], nil),
        ] as [([String], String?)])
    func secretOptions(words: [String], typed: String?) {
        #expect(misusedOption(in: words) == typed)
    }

    // MARK: The guide

    @Test("The guide leads from an empty machine to the first certificate, a step at a time")
    func guide() {
        var guide = Guide()
        var commands: [String] = []
        func step() { commands.append(guide.next.command) }
        step()
        guide.modules = ["softhsm2"]
        step()
        guide.authorities = ["CA Cert Signing Authority"]
        step()
        guide.hasNewToken = true
        step()
        guide.tokens = ["work"]
        step()
        guide.username = "anna@example.org"
        step()
        guide.hasOrders = true
        guide.unfinishedOrders = [7]
        step()
        guide.unfinishedOrders = []
        step()
        #expect(
            commands == [
                "tokencert doctor", "tokencert trust fetch", "tokencert tokens",
                "tokencert token init --label work",
                "export TOKENCERT_USERNAME=ADDRESS", "tokencert issue",
                "tokencert resume", "tokencert list",
            ])
    }

    @Test("The guide says what is set up and what is missing, in lines that fit the terminal")
    func guideLines() {
        var guide = Guide()
        guide.modules = ["softhsm2", String(repeating: "x", count: 90)]
        guide.tokens = ["work\u{1B}[2J"]
        guide.unfinishedOrders = [7, 9]
        let style = Style(.standardOutput, choice: .never)
        for width in [60, 80] {
            let lines = guide.lines(style, width: width)
            #expect(lines[0].hasPrefix("ok       PKCS#11 module  softhsm2, xxx"), "\(lines)")
            #expect(lines[1] == "missing  trusted CA")
            #expect(lines[2].hasPrefix("ok       token           work"))
            #expect(lines[3] == "missing  CA account")
            #expect(lines[4] == "open     order           7, 9")
            #expect(lines.contains("Next: tokencert trust fetch"))
            #expect(lines.allSatisfy { displayWidth($0) <= width }, "\(lines)")
            #expect(!lines.joined().contains("\u{1B}"))
        }
    }
}
