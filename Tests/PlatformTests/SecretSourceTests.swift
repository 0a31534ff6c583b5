import Foundation
import Testing
import TokencertTestSupport

@testable import TokencertPlatform

/// How sources of secrets are parsed and printed.
@Suite struct SecretSourceTests {
    private func text(_ secret: borrowing Secret) -> String {
        secret.withBytes { bytes in
            String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
        }
    }

    @Test("Each source is parsed with everything after its first colon")
    func sources() throws {
        let cases: [(String, SecretSource)] = [
            ("prompt", .prompt), ("pinentry", .pinentry), ("file:/run/pin", .file("/run/pin")),
            ("file:a b", .file("a b")), ("file:fd:3", .file("fd:3")), ("file: ", .file(" ")),
            ("env:PIN", .environment("PIN")), ("env:a:b", .environment("a:b")),
            ("fd:0", .fileDescriptor(0)), ("fd:2147483647", .fileDescriptor(.max)),
            ("command:pass show 'my pin'", .command(["pass", "show", "my pin"])),
            ("command:env:A", .command(["env:A"])),
        ]
        for (text, source) in cases {
            #expect(try SecretSource(text) == source, "\(text)")
        }
    }

    // Otherwise a PIN typed in the wrong place appears on the screen and in logs.
    @Test("An unknown source is refused without repeating it")
    func refused() {
        for text in [
            "fd:2147483648", "fd:31415926535", "fd:3 1415926", "fd:+31415926", "fd:31415926x",
            "prompt 31415926",
            "prompt:31415926", " file:31415926", "FILE:31415926", "file=31415926", "31415926",
            "env:31415926=x", "command:'31415926", "command:\"31415926", "command:31415926\\",
            "pass:31415926",
        ] {
            let error = #expect(throws: SecretError.self, "\(text)") { _ = try SecretSource(text) }
            #expect(error?.code == .unknownSource, "\(text)")
            #expect(error?.reason.contains("31415926") == false, "\(text)")
            #expect(error?.reason.contains("31415") == false, "\(text)")
        }
    }

    @Test("A source is printed as it is written, except for the arguments of a command")
    func descriptions() throws {
        for text in ["prompt", "pinentry", "file:/run/a b", "env:PIN", "fd:12"] {
            let source = try SecretSource(text)
            #expect(source.description == text)
            #expect(try SecretSource(source.description) == source)
        }
        let command = try SecretSource("command:vault --token 31415926 get")
        #expect(command.description == "command:vault")
    }

    // A wrong PIN from a file must not be sent again, but a user may have mistyped it.
    @Test("Only the prompt and pinentry ask the user")
    func persons() throws {
        for (text, asks) in [
            ("prompt", true), ("pinentry", true), ("file:prompt", false), ("env:prompt", false),
            ("fd:0", false), ("command:pinentry", false),
        ] {
            #expect(try SecretSource(text).asksPerson == asks, "\(text)")
        }
    }

    // MARK: Words of a command

    // Otherwise another program runs, or it gets other arguments.
    @Test("Blanks separate words; quotation marks and backslashes keep them together")
    func words() {
        let cases: [(String, [String])] = [
            ("a", ["a"]), ("a b\tc", ["a", "b", "c"]), ("  a   b  ", ["a", "b"]),
            ("'a b' c", ["a b", "c"]), (#""a b" c"#, ["a b", "c"]), ("a'b c'd", ["ab cd"]),
            (#"'a'"b"\c"#, ["abc"]), ("a '' b", ["a", "", "b"]), (#"a """#, ["a", ""]),
            ("a''b", ["ab"]), (#"'a"b'"#, [#"a"b"#]), (#""a'b""#, ["a'b"]),
            // A backslash is literal between single quotation marks.
            (#"'a\b'"#, [#"a\b"#]), (#""a\"b""#, [#"a"b"#]), (#""a\nb""#, ["anb"]),
            (#"a\ b"#, ["a b"]), (#"a\\b"#, [#"a\b"#]), (#"\'a\'"#, ["'a'"]),
            (#""a\\""#, [#"a\"#]), (#"'a\'"#, [#"a\"#]),
            // Nothing is expanded as a shell would.
            (
                "a $HOME ~ * `b` $(c) | d > e; f & #g",
                [
                    "a", "$HOME", "~", "*", "`b`", "$(c)", "|", "d", ">", "e;", "f", "&", "#g",
                ]
            ),
            ("pass 'Müller 🔑'", ["pass", "Müller 🔑"]),
        ]
        for (command, words) in cases {
            #expect(TokencertPlatform.words(ofCommand: command) == words, "\(command)")
        }
    }

    @Test("A command without a program or with an unclosed quotation is refused")
    func noWords() {
        for command in [
            "", " ", "\t ", "''", #""""#, "'' a", #" "" a"#, "'a", #""a"#, #"a ""#, "a '",
            #""a\""#, #"a\"#, #"'a'\"#, #""a'"#, #"'a""#,
        ] {
            #expect(TokencertPlatform.words(ofCommand: command) == nil, "\(command)")
        }
    }

    // MARK: Secrets

    @Test("Bytes are removed from the end, and never more than the secret has")
    func removing() {
        var secret = Secret(copying: Array("1234".utf8))
        var texts: [String] = []
        secret.removeLast(0)
        texts.append(text(secret))
        secret.removeLast(1)
        texts.append(text(secret))
        secret.append(utf8: "ü")
        texts.append(text(secret))
        secret.removeLast(100)
        texts.append(text(secret))
        let isEmpty = secret.isEmpty
        secret.append(utf8: "9")
        texts.append(text(secret))
        #expect(texts == ["1234", "123", "123ü", "", "9"] && isEmpty)
    }

    @Test("A duplicate does not share its bytes")
    func duplicating() {
        var secret = Secret(copying: Array("1234".utf8))
        var copy = secret.duplicate()
        secret.removeLast(4)
        var texts = [text(secret), text(copy)]
        copy.append(utf8: "5")
        texts += [text(secret), text(copy)]
        #expect(texts == ["", "1234", "", "12345"])
        let empty = Secret(copying: [])
        let counts = [empty.count, empty.duplicate().count]
        #expect(counts == [0, 0])
    }

    // Some PKCS#11 modules compare PINs as C strings and would read the rest of an older PIN.
    @Test("A NUL follows the last byte, even after bytes were removed")
    func terminator() {
        var secret = Secret(copying: Array("123456".utf8))
        for expected in ["123456", "1234"] {
            let length = unsafe secret.withUnsafeBytes { bytes in
                unsafe bytes.baseAddress.map { start in
                    unsafe strlen(UnsafeRawPointer(start).assumingMemoryBound(to: CChar.self))
                }
            }
            #expect(length.map { Int($0) } == expected.count)
            secret.removeLast(2)
        }
    }

    // MARK: Reading

    @Test("A secret has at most 4096 bytes, not counting the line break from a descriptor")
    func longest() throws {
        let folder = try TemporaryFolder()
        let full = String(repeating: "1", count: 4096)
        let file = try folder.write(full, "full")
        #expect(text(try SecretSource.file(file).read(promptText: "")) == full)
        let long = try folder.write(full + "1", "long")
        let error = #expect(throws: SecretError.self) {
            _ = try SecretSource.file(long).read(promptText: "")
        }
        #expect(error?.code == .malformed)
        for (line, isRead) in [(full + "\n2\n", true), (full + "1\n", false)] {
            let pipe = Pipe()
            try pipe.fileHandleForWriting.write(contentsOf: Data(line.utf8))
            try pipe.fileHandleForWriting.close()
            let source = SecretSource.fileDescriptor(pipe.fileHandleForReading.fileDescriptor)
            if isRead {
                #expect(text(try source.read(promptText: "")) == full)
            } else {
                let error = #expect(throws: SecretError.self) {
                    _ = try source.read(promptText: "")
                }
                #expect(error?.code == .malformed && error?.reason.contains("1111111") == false)
            }
        }
    }

    @Test("An empty line is refused, and the last line needs no line break")
    func lines() throws {
        let pipe = Pipe()
        try pipe.fileHandleForWriting.write(contentsOf: Data("\n\r\n 12 \rx\nlast".utf8))
        try pipe.fileHandleForWriting.close()
        let source = SecretSource.fileDescriptor(pipe.fileHandleForReading.fileDescriptor)
        let codes: [SecretError.Code] = [.empty, .empty, .malformed]
        for code in codes {
            let error = #expect(throws: SecretError.self) { _ = try source.read(promptText: "") }
            #expect(error?.code == code)
        }
        #expect(text(try source.read(promptText: "")) == "last")
        let closed = #expect(throws: SecretError.self) {
            _ = try SecretSource.fileDescriptor(7777).read(promptText: "")
        }
        #expect(closed?.code == .unreadable)
    }

    @Test("A variable that is missing, empty or has several lines is refused and removed")
    func environment() throws {
        let name = "TOKENCERT_TEST_SOURCE"
        for (value, code) in [
            ("", SecretError.Code.empty), ("31\n41", .malformed), ("31\r41", .malformed),
            ("\u{FEFF}", .empty),
        ] {
            unsafe setenv(name, value, 1)
            let error = #expect(throws: SecretError.self) {
                _ = try SecretSource.environment(name).read(promptText: "")
            }
            #expect(error?.code == code)
            #expect(error?.reason.contains("41") == false)
            #expect(unsafe getenv(name) == nil)
        }
        let missing = #expect(throws: SecretError.self) {
            _ = try SecretSource.environment(name).read(promptText: "")
        }
        #expect(missing?.code == .unreadable && missing?.reason.contains(name) == true)
        unsafe setenv(name, "\u{FEFF}12 34", 1)
        #expect(text(try SecretSource.environment(name).read(promptText: "")) == "12 34")
    }
}
