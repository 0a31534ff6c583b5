import Cryptoki
import Testing
import TokencertPlatform
import TokencertTokens

@testable import TokencertCommands

/// How settings and paths are interpreted, without any file.
@Suite struct ConfigurationRuleTests {
    // MARK: Repeated keys

    @Test("A repeated key in an object is found at any depth")
    func repeatedKeys() {
        for (text, key) in [
            (#"{"a": 1, "a": 2}"#, "a"), (#"{"a": [{"b": 1, "b": 2}]}"#, "b"),
            (#"{"a": {"b": 1}, "a": 2}"#, "a"), (#"{"a": 1, "b": 1, "b": 2, "a": 2}"#, "b"),
            (#"{"a": 1, "\u0061": 2}"#, "a"), (#"{"a\"b": 1, "a\"b": 2}"#, "a\"b"),
            (#"{"": 1, "": 2}"#, ""), (#"{"a":"x","a":"y"}"#, "a"),
            (#"{"a": [1, 2], "b": {}, "a": null}"#, "a"),
            (#"{"a": 1, "b": 2}"#, nil), (#"{"a": {"a": {"a": 1}}}"#, nil),
            (#"[{"a": 1}, {"a": 2}]"#, nil), (#"{"x": {"a": 1}, "y": {"a": 2}}"#, nil),
            (#"{"a": "a"}"#, nil), (#"{"a": "b", "b": "a"}"#, nil),
            (#"{"a": ["a", "a", "b"], "b": 1}"#, nil), (#"{"a": 1, "A": 2}"#, nil),
            (#"{"a": "x\", \"a\": 1"}"#, nil), (#"{"a": "{", "b": "}"}"#, nil),
            ("", nil), ("a, a", nil), (#""a", "a""#, nil), (#"{"a": 1, "a"#, nil),
            (#"{"a\"#, nil), ("}]", nil),
        ] as [(String, String?)] {
            #expect(repeatedKey(inJSON: Array(text.utf8)) == key, "\(text)")
        }
    }

    // MARK: Settings

    @Test("A value is blank if the text, or any text in its list, consists of white space")
    func blankValues() {
        typealias Content = ConfigurationFile.Content
        let blank: [Content] = [
            .text(""), .text(" \t"), .texts([]), .texts([""]), .texts(["a", " "]),
        ]
        #expect(blank.allSatisfy { $0.isBlank })
        let given: [Content] = [
            .text("a"), .text(" a"), .texts(["a", "b"]), .flag(true), .flag(false),
        ]
        #expect(!given.contains { $0.isBlank })
    }

    /// Otherwise a forgotten variable could delete a key or use up the last attempt at a PIN.
    @Test("Options for one object, and options that disable a safeguard, are not configurable")
    func notConfigurable() {
        let expected: Set<Setting> = [
            .newPINSource, .allowLastTry, .retryPIN, .fingerprint, .label, .id, .key, .out,
            .chain, .acceptChanges, .newKey, .retire, .ifPresent, .tree, .yes,
            .yesDeletePrivateKey, .erase, .notEmpty, .keysMayStay, .dryRun, .json,
        ]
        #expect(Set(Setting.allCases.filter { !$0.isConfigurable }) == expected)
    }

    @Test("Each setting has its own variable, named after its option")
    func variables() {
        #expect(Setting.caURL.variable == "TOKENCERT_CA_URL")
        #expect(Setting.securityOfficerPINSource.variable == "TOKENCERT_SO_PIN_SOURCE")
        #expect(Setting.days.variable == "TOKENCERT_DAYS")
        let variables = Setting.allCases.map(\.variable)
        #expect(Set(variables).count == variables.count)
        #expect(Set(variables).isDisjoint(with: EnvironmentSettings.others))
        let allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"
        for variable in variables {
            #expect(variable.allSatisfy { allowed.contains($0) }, "\(variable)")
        }
    }

    @Test("Only texts can be paths, and only e-mail addresses are a list")
    func kinds() {
        for setting in Setting.allCases {
            #expect(setting.form == nil || setting.kind == .text, "\(setting)")
            #expect((setting.kind == .texts) == (setting == .email), "\(setting)")
        }
        #expect(Setting.online.kind == .flag && Setting.days.kind == .text)
    }

    // MARK: The home folder

    @Test("~ is the home folder only at the beginning of a path")
    func home() throws {
        let home = try requireHome()
        for (path, expected) in [
            ("~", home), ("~/", home + "/"), ("~/a b", home + "/a b"), ("~/~", home + "/~"),
            ("/~/a", "/~/a"), ("a~", "a~"), ("./~", "./~"), ("", ""), (" ~/a", " ~/a"),
        ] {
            #expect(try resolvingHome(path) == expected, "\(path)")
        }
    }

    @Test(
        "The home folder of another user is refused", arguments: ["~root", "~root/a", "~~", "~ "])
    func otherHome(path: String) throws {
        for status in [ExitStatus.usage, .configuration] {
            let failure = try #require(throws: Failure.self) {
                _ = try resolvingHome(path, status: status)
            }
            #expect(failure.status == status && failure.code == "otherHome")
            #expect(failure.hints.contains("if it is the name of a file: ./\(path)"))
        }
    }

    @Test("~ is resolved in paths and in the sources of secrets, not in names and URIs")
    func homeByForm() throws {
        let home = try requireHome()
        for (text, form, expected) in [
            ("~/a", nil, "~/a"), ("~/a", .token, "~/a"), ("~/a", .path, home + "/a"),
            ("~/a", .pathOrName, home + "/a"), ("~/a", .profile, home + "/a"),
            ("name", .pathOrName, "name"), ("file:~/pin", .source, "file:\(home)/pin"),
            ("file:/~/pin", .source, "file:/~/pin"), ("~/pin", .source, "~/pin"),
            ("prompt", .source, "prompt"), ("env:~", .source, "env:~"),
            ("command:~/a ~/b", .source, "command:\(quoted(home + "/a")) ~/b"),
            ("command:~/a", .source, "command:\(quoted(home + "/a"))"),
            ("command:a ~/b", .source, "command:a ~/b"),
            ("~/a ~/b", .command, "\(quoted(home + "/a")) ~/b"), ("a ~/b", .command, "a ~/b"),
        ] as [(String, PathForm?, String)] {
            #expect(try resolvingHome(text, as: form) == expected, "\(text)")
        }
        #expect(throws: Failure.self) {
            _ = try resolvingHome("file:~root/pin", as: .source)
        }
        #expect(throws: Failure.self) {
            _ = try resolvingHome("command:~root/a", as: .source)
        }
        #expect(throws: Failure.self) { _ = try resolvingHome("~root/a", as: .command) }
    }

    @Test("~ is resolved only in the values of options that take paths")
    func homeInArguments() throws {
        let home = try requireHome()
        for (arguments, expected) in [
            (["list", "--ledger", "~/a"], ["list", "--ledger", home + "/a"]),
            (["--ledger=~/a"], ["--ledger=\(home)/a"]),
            (["--cert", "~/a", "~/b"], ["--cert", home + "/a", "~/b"]),
            (["--from=~/a"], ["--from=\(home)/a"]), (["--config", "~"], ["--config", home]),
            (["--pin-source", "file:~/a"], ["--pin-source", "file:\(home)/a"]),
            (["--out=a=~/b"], ["--out=a=~/b"]), (["--name", "~/a"], ["--name", "~/a"]),
            (["--name=~/a"], ["--name=~/a"]), (["~/a"], ["~/a"]), (["--out"], ["--out"]),
            (["--", "--out", "~/a"], ["--", "--out", "~/a"]),
            (["---completion", "--out", "~/a"], ["---completion", "--out", "~/a"]),
            ([], []),
        ] as [([String], [String])] {
            #expect(try resolvingHome(inArguments: arguments) == expected, "\(arguments)")
        }
    }

    // Otherwise an unset variable would select another ledger or account.
    @Test(
        "An empty value of an option is refused before anything is read",
        arguments: [
            "ledger", "ca-file", "out", "cert", "from", "config", "username", "ca-accepts",
            "copy-to",
        ])
    func emptyValue(option: String) throws {
        for arguments in [["--\(option)", ""], ["--\(option)="], ["--\(option)", " "]] {
            let failure = try #require(throws: Failure.self) {
                _ = try resolvingHome(inArguments: arguments)
            }
            #expect(failure.status == .usage && failure.message == "--\(option) is empty")
        }
        let arguments = ["--module-arguments", "", "--", "--\(option)", ""]
        #expect(try resolvingHome(inArguments: arguments) == arguments)
    }

    // MARK: Relative paths

    /// Otherwise each working directory would have its own ledger.
    @Test("A relative path in a setting is refused, and a plain name is accepted")
    func relativePaths() throws {
        for (text, form, path) in [
            ("/a", .path, nil), ("a", .path, "a"), ("./a", .path, "./a"), ("", .path, ""),
            ("module.so", .pathOrName, nil), ("a/b", .pathOrName, "a/b"),
            ("/a/b", .pathOrName, nil), ("none", .profile, nil), ("a.json", .profile, "a.json"),
            ("a/b", .profile, "a/b"), ("/a.json", .profile, nil),
            ("prompt", .source, nil), ("file:/a", .source, nil), ("file:a", .source, "a"),
            ("file:", .source, nil), ("command:a b/c", .source, nil),
            ("command:./a b", .source, "./a"), ("command: ./a", .source, "./a"),
            ("command:/a", .source, nil), ("command:'a b/c' d", .source, "a b/c"),
            ("command:'/a b' c", .source, nil), ("command:\"a/b\"", .source, "a/b"),
            ("our-ca ./b", .command, nil), ("/a b/c", .command, nil), ("./a b", .command, "./a"),
            ("work", .token, nil), ("pkcs11:token=work", .token, nil),
            ("pkcs11:token=work?pin-source=file:/a", .token, nil),
            ("pkcs11:token=work?pin-source=file:a", .token, "a"),
            ("pkcs11:token=work?pin-source=a", .token, "a"),
            ("pkcs11:token=work?pin-source=file:~/a", .token, nil), ("a/b", nil, nil),
        ] as [(String, PathForm?, String?)] {
            do {
                let taken = try standing(text, as: form, status: .usage, place: "VARIABLE")
                #expect(path == nil && taken == text, "\(text)")
            } catch {
                let failure = try #require(error as? Failure)
                #expect(failure.status == .usage && failure.code == "relativePath", "\(text)")
                let wrong = try #require(path, "\(text) was refused")
                #expect(failure.message.hasPrefix("VARIABLE must not contain a relative path"))
                #expect(failure.message.hasSuffix(": \(wrong)"), "\(failure.message)")
            }
        }
    }

    /// Otherwise the user would be told to write an absolute path for something that is not a path.
    @Test("A command in the URI of a token is refused as a command, and is not repeated")
    func commandInURI() throws {
        for source in ["%7Ccat /secret", "%7C/usr/bin/cat%20/secret", "%7C%20./cat%20secret"] {
            let uri = "pkcs11:token=work?pin-source=" + source.replacing(" ", with: "%20")
            let failure = try #require(throws: Failure.self) {
                _ = try standing(uri, as: .token, status: .configuration, place: "“token” in FILE")
            }
            #expect(failure.status == .configuration && failure.code == "commandInURI")
            #expect(failure.message.hasPrefix("“token” in FILE: refusing to take the PIN"))
            #expect(!failure.message.contains("secret"), "\(failure.message)")
            #expect(failure.hints.contains { $0.contains("--pin-source command:PROGRAM") })
        }
    }

    @Test("A setting that begins with ~/ is absolute")
    func homeInSettings() throws {
        let home = try requireHome()
        for form in [PathForm.path, .pathOrName, .profile] {
            let taken = try standing("~/a.json", as: form, status: .usage, place: "")
            #expect(taken == home + "/a.json")
        }
        let failure = try #require(throws: Failure.self) {
            _ = try standing("~root/a", as: .path, status: .configuration, place: "")
        }
        #expect(failure.status == .configuration && failure.code == "otherHome")
    }

    // MARK: NSS

    @Test("The file name alone identifies NSS's module")
    func nssModule() {
        for (path, isNSS) in [
            ("/usr/lib/libsoftokn3.so", true), ("libsoftokn3.so", true),
            ("/usr/lib/libsoftokn3.so.1", true), ("/libsoftokn3/other.so", false),
            ("/usr/lib/softokn3.so", false), ("/usr/lib/libsofthsm2.so", false), ("", false),
        ] {
            #expect(NSSArguments.isNSS(path) == isNSS, "\(path)")
        }
    }

    @Test("The folder of NSS is recognised in every notation")
    func nssFolder() throws {
        for arguments in [
            "configdir = '/a'", "CONFIGDIR='sql:/a'", "configdir=\"/a b\"", "configdir=rdb:/a",
            "configdir='extern:/a'", "configdir='SQL:/a'", "x=1\tconfigdir=/a flags=readOnly",
            "flags=readOnly,NOCERTDB",
        ] {
            #expect(throws: Never.self, "\(arguments)") { try NSSArguments.require(arguments) }
        }
        let missing = try #require(throws: Failure.self) { try NSSArguments.require("flags=") }
        #expect(missing.status == .usage && missing.hints == [NSSArguments.hint("FOLDER")])
        // The hint keeps the type of the database, since another type is another database.
        for (arguments, kind) in [
            ("configdir='dbm:no-such-folder'", "dbm:"), ("configdir=no-such-folder", "sql:"),
        ] {
            let relative = try #require(throws: Failure.self) {
                try NSSArguments.require(arguments)
            }
            #expect(relative.message.hasSuffix(": no-such-folder"))
            #expect(relative.hints == [NSSArguments.hint("no-such-folder", kind)])
        }
        #expect(
            NSSArguments.hint("/a", "dbm:")
                == #"for NSS, name the folder: --module-arguments 'configdir='\''dbm:/a'\'''"#)
    }

    // MARK: Serial numbers

    private func serialOption(_ text: String) -> SerialOption {
        var option = SerialOption()
        option.serial = text
        return option
    }

    @Test("A serial number is accepted in every form that programs print")
    func serialNumbers() {
        for (text, digits) in [
            ("0f3a", "0f3a"), ("0F:3A", "0f3a"), ("0x0f3a", "0f3a"), ("0X0F3A", "0f3a"),
            ("f3a", "0f3a"), ("0f 3a", "0f3a"), ("00:0f:3a", "0f3a"), ("0", "00"),
            ("x1", nil), ("0x", nil), ("0x0x1", nil), ("12g", nil), ("-1", "-01"), ("1.0", nil),
            ("-0F:3A", "-0f3a"), ("-0x80", "-80"), ("-0", "00"), ("-", nil), ("--1", nil),
            ("0x-1", nil), ("-json", nil),
            (" ", nil), (":", nil), ("\u{FF11}", nil),
        ] as [(String, String?)] {
            #expect(serialNumber(text) == digits, "\(text)")
            let option = serialOption(text)
            #expect(option.digits == digits, "\(text)")
            if digits == nil {
                #expect(throws: (any Error).self, "\(text)") { try option.validate() }
            } else {
                #expect(throws: Never.self, "\(text)") { try option.validate() }
            }
        }
    }
}

/// What is printed: tables, names from tokens, and suggestions for mistyped words.
@Suite struct TerminalRuleTests {
    private var plain: Style { Style(.standardOutput, choice: .never, symbols: .unicode) }
    private var colored: Style { Style(.standardOutput, choice: .always) }

    // MARK: Texts

    @Test("A quoted text is a single word for the shell")
    func quoting() {
        for (text, expected) in [
            ("a", "'a'"), ("", "''"), ("a b $c \"d\"", "'a b $c \"d\"'"),
            ("it's", #"'it'\''s'"#), ("'", #"''\'''"#), ("''", #"''\'''\'''"#),
            ("a\\b", #"'a\b'"#),
        ] {
            #expect(quoted(text) == expected, "\(text)")
        }
    }

    /// Otherwise a name on a token could change what the terminal shows, or look like another name.
    @Test("Characters without width, and those that change the writing direction, are escaped")
    func unprintable() {
        for scalar in [
            0x00, 0x07, 0x09, 0x0A, 0x0D, 0x1B, 0x7F, 0x85, 0x9B, 0xAD, 0x034F, 0x061C, 0x115F,
            0x180E, 0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x2028, 0x2029, 0x202A, 0x202E, 0x2060,
            0x2066, 0x2069, 0x3164, 0xFE00, 0xFE0F, 0xFEFF, 0xFFA0, 0xE0001, 0xE0041, 0xE0100,
        ] as [UInt32] {
            let text = Unicode.Scalar(scalar).map { "a\($0)b" } ?? ""
            let escaped = "a\\u{" + String(scalar, radix: 16, uppercase: true) + "}b"
            #expect(printable(text) == escaped, "\(escaped)")
            #expect(printable(escaped) == escaped)
        }
        #expect(printable("a\r\nb") == #"a\u{D}\u{A}b"#)
        #expect(printable("a\u{200B}") != printable("a\u{200C}"))
        #expect(printable("1\u{FE0F}") == #"1\u{FE0F}"#)
        #expect(printable("\u{FE0F}") == #"\u{FE0F}"#)
        #expect(printable("\u{645}\u{200C}") == "\u{645}" + #"\u{200C}"#)
        #expect(printable("\u{645}\u{200D}\u{200D}\u{645}").hasPrefix("\u{645}" + #"\u{200D}"#))
    }

    @Test("Ordinary characters are printed unchanged")
    func usual() {
        for text in [
            "", "abc", "Müller", "e\u{301}", "漢字かな", "🦊", "\u{2764}\u{FE0F}", "\u{845B}\u{E0100}",
            "\u{645}\u{631}", "a b", "\u{646}\u{645}\u{6CC}\u{200C}\u{62F}\u{627}\u{646}\u{645}",
            "\u{DC1}\u{DCA}\u{200D}\u{DBB}\u{DD3}", "\u{1F469}\u{200D}\u{1F4BB}",
            "\u{1F3F3}\u{FE0F}\u{200D}\u{1F308}", "1\u{FE0F}\u{20E3}", "\u{600}\u{661}",
        ] {
            let shown = printable(text)
            #expect(Array(shown.unicodeScalars) == Array(text.unicodeScalars), "\(text)")
        }
    }

    // MARK: Widths

    @Test("The display width of a text is the number of terminal cells that it takes")
    func widths() {
        for (text, width) in [
            ("", 0), ("abc", 3), ("ä", 1), ("a\u{308}", 1), ("漢字", 4), ("かな", 4), ("한", 2),
            ("\u{1100}", 2), ("\u{FF21}", 2), ("\u{FF71}", 1), ("\u{303F}", 1), ("\u{20000}", 2),
            ("🦊", 2), ("👨\u{200D}👩\u{200D}👧", 2), ("\u{2764}", 1),
            ("\u{2764}\u{FE0F}", 2), ("🇩🇪", 2),
            ("a\u{200B}b", 2), ("©", 1), ("a漢b", 4),
        ] {
            #expect(displayWidth(text) == width, "\(text)")
        }
    }

    @Test("A text that is too wide is cut and ends in an ellipsis")
    func fitting() {
        for (text, width, expected) in [
            ("abc", 3, "abc"), ("abc", 9, "abc"), ("abcd", 3, "ab…"), ("abcd", 1, "…"),
            ("漢字", 4, "漢字"), ("漢字", 3, "漢…"), ("漢字", 2, "…"), ("a漢字", 4, "a漢…"),
        ] {
            #expect(fitted(text, width: width, .unicode) == expected, "\(text), \(width)")
        }
        for text in ["abcdefgh", "漢字かな", "a🦊b🦊c", "Mu\u{308}ller"] {
            for width in 1...10 {
                for symbols in [Symbols.unicode, .ascii] {
                    let cut = fitted(text, width: width, symbols)
                    #expect(displayWidth(cut) <= width, "\(text), \(width)")
                }
            }
        }
    }

    // A terminal without UTF-8 would show wrong characters.
    @Test("A text is cut with ASCII dots if the locale is not UTF-8")
    func fittingInASCII() {
        for (text, width, expected) in [
            ("abcdef", 6, "abcdef"), ("abcdef", 5, "ab..."), ("abcdef", 2, ".."),
            ("漢字漢", 5, "漢..."),
        ] {
            #expect(fitted(text, width: width, .ascii) == expected, "\(text), \(width)")
        }
    }

    @Test(
        "Symbols are Unicode only if the locale is UTF-8 and the terminal is not dumb",
        arguments: [
            ([:], false), (["LANG": "C"], false), (["LANG": "de_DE.UTF-8"], true),
            (["LC_CTYPE": "UTF-8"], true), (["LANG": "de_DE.utf8"], true),
            (["LC_ALL": "C", "LANG": "de_DE.UTF-8"], false),
            (["LC_CTYPE": "de_DE.ISO-8859-1", "LANG": "de_DE.UTF-8"], false),
            (["LC_ALL": "C.UTF-8", "LC_CTYPE": "C", "LANG": "C"], true),
            (["LC_ALL": "", "LC_CTYPE": "", "LANG": "C.UTF-8"], true),
            (["LANG": "C.UTF-8", "TERM": "xterm"], true),
            (["LANG": "C.UTF-8", "TERM": "dumb"], false),
        ] as [([String: String], Bool)])
    func symbols(environment: [String: String], isUnicode: Bool) {
        let symbols = Symbols(environment: { environment[$0] })
        #expect(symbols.isUnicode == isUnicode, "\(environment)")
        let all =
            [symbols.cut, symbols.done, symbols.arrow, String(symbols.spinner)]
            + [symbols.tree.node, symbols.tree.last, symbols.tree.past]
        #expect(all.allSatisfy { $0.allSatisfy(\.isASCII) } == !isUnicode, "\(all)")
    }

    // MARK: Tables

    @Test("Columns are as wide as their widest cell, and lines end without blanks")
    func columns() {
        var table = Table(["A", "B"])
        table.add(["漢字", "x"], below: ["a line below"])
        table.add(["y", ""])
        #expect(
            table.lines(plain, width: nil) == [
                "A     B", "漢字  x", "  a line below", "y",
            ])
        #expect(Table(["ONE", "TWO"]).lines(plain, width: nil) == ["ONE  TWO"])
    }

    @Test("The widest column is cut first, but never below its heading or six cells")
    func narrow() {
        var table = Table(["NAME", "B"])
        table.add(["abcdefghij", "z"], below: ["a line that is never cut"])
        for (width, cell) in [
            (13, "abcdefghij"), (12, "abcdefgh…"), (11, "abcdefg…"), (9, "abcde…"), (3, "abcde…"),
        ] {
            let lines = table.lines(plain, width: width)
            #expect(lines[1] == cell + "  z", "\(width)")
            #expect(lines[2] == "  a line that is never cut")
        }
        var headed = Table(["LONG HEAD", "B"])
        headed.add(["abcdefghijkl", "z"])
        #expect(headed.lines(plain, width: 3) == ["LONG HEAD  B", "abcdefgh…  z"])
    }

    @Test("Control characters are escaped in a table")
    func hostileCells() {
        var table = Table(["A"])
        table.add(["x\u{1B}[2J"], below: ["y\nz"])
        #expect(
            table.lines(plain, width: nil) == ["A", #"x\u{1B}[2J"#, #"  y\u{A}z"#])
    }

    @Test("Colour does not change the alignment of columns")
    func coloredCells() {
        var table = Table(["A", "B"])
        table.add([Table.Cell("x", .now), Table.Cell("y", .soon)])
        #expect(table.lines(plain, width: nil) == ["A  B", "x  y"])
        #expect(
            table.lines(colored, width: nil) == [
                "\u{1B}[1mA  B\u{1B}[0m", "\u{1B}[31;1mx\u{1B}[0m  \u{1B}[33my\u{1B}[0m",
            ])
    }

    @Test("The remaining days determine how urgent a certificate is")
    func urgency() {
        for (days, expected) in [
            (-1, .now), (0, .now), (6, .now), (7, .soon), (29, .soon), (30, .none), (365, .none),
        ] as [(Int, Urgency)] {
            #expect(Urgency(daysLeft: days) == expected, "\(days)")
        }
        #expect(colored.urgency(Urgency.none, "x") == "x")
    }

    // MARK: Suggestions

    @Test("For a mistyped word, similar words are suggested, the most similar first")
    func likeWords() {
        for (word, candidates, expected) in [
            ("lst", ["list", "tokens"], ["list"]), ("LIST", ["list"], ["list"]),
            ("lsit", ["list"], ["list"]), ("xyz", ["list"], []), ("l", ["list"], []),
            ("li", ["list"], ["list"]), ("hstroy", ["history"], ["history"]),
            ("hstrox", ["history"], []), ("isuee", ["issue"], []), ("isue", ["issue"], ["issue"]),
            ("tokens", ["tokeny1", "tokenx", "tokens"], ["tokens", "tokenx", "tokeny1"]),
            ("list", [], []),
        ] as [(String, [String], [String])] {
            #expect(suggestions(for: word, among: candidates) == expected, "\(word)")
        }
    }

    @Test("There are at most three suggestions")
    func fewSuggestions() {
        let candidates = (1...9).map { "key\($0)" }
        #expect(suggestions(for: "key", among: candidates).count == 3)
        #expect(suggestions(for: "key", among: Array(candidates.prefix(2))).count == 2)
    }

    @Test("Objects with a similar label or ID are suggested, and the others are listed")
    func objects() throws {
        let mail = "pkcs11:object=mail;type=private"
        let web = "pkcs11:id=%01;object=web;type=private"
        for (wanted, hints) in [
            ("pkcs11:object=mial", ["did you mean mail?"]),
            ("pkcs11:id=%02", ["did you mean web?"]),
            ("pkcs11:id=%99", ["on the token: mail", "on the token: web"]),
            ("pkcs11:object=unlike", ["on the token: mail", "on the token: web"]),
            ("pkcs11:type=cert", ["on the token: mail", "on the token: web"]),
        ] {
            let uri = try PKCS11URI(parsing: wanted)
            #expect(objectHints(uri, among: [mail, web]) == hints, "\(wanted)")
        }
    }

    @Test("Of many other objects three are listed, and the others are counted")
    func manyObjects() throws {
        let wanted = try PKCS11URI(parsing: "pkcs11:object=unlike")
        let uris = (1...21).map { "pkcs11:object=key\($0)" }
        #expect(objectHints(wanted, among: Array(uris.prefix(3))).count == 3)
        #expect(objectHints(wanted, among: uris).last == "and 18 more")
    }
}
