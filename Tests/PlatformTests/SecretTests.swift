import Foundation
import Testing
import TokencertPlatform
import TokencertTestSupport

@Suite struct SecretTests {
    private func text(_ secret: borrowing Secret) -> String {
        secret.withBytes { bytes in
            String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
        }
    }

    /// Otherwise a long password is truncated or garbled, and the login fails.
    @Test("A secret keeps all its bytes when its memory grows")
    func growing() {
        var secret = Secret(minimumCapacity: 1)
        for index in 0..<20_000 { secret.append(UInt8(index & 0x7F)) }
        let grown = secret.count
        #expect(grown == 20_000)
        let isRight = secret.withBytes { bytes in
            bytes.indices.allSatisfy { bytes[$0] == UInt8($0 & 0x7F) }
        }
        #expect(isRight)
        let copy = secret.duplicate()
        secret.removeLast(20_000)
        let counts = [secret.count, copy.count]
        #expect(counts == [0, 20_000])
    }

    /// Otherwise the line break is sent as part of the PIN, which costs a try.
    @Test(
        "One line break at the end of a PIN file is removed",
        arguments: [("1234", "1234"), ("1234\n", "1234"), ("1234\r\n", "1234"), (" 1 ", " 1 ")])
    func oneLineEnd(content: String, expected: String) throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(content, "pin")
        let secret = try SecretSource("file:\(file)").read(promptText: "")
        #expect(text(secret) == expected)
    }

    /// Otherwise text that cannot be a PIN is sent, which costs a try.
    @Test(
        "An empty file, several lines and a NUL byte are refused as a secret",
        arguments: ["", "\n", "1234\n\n", "12\n34", "12\r34", "12\u{0}34"])
    func malformed(content: String) throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(content, "pin")
        #expect(throws: SecretError.self) {
            _ = try SecretSource("file:\(file)").read(promptText: "")
        }
    }

    @Test("A folder, a missing file and a file that is too large are refused as a secret")
    func unreadable() throws {
        let folder = try TemporaryFolder()
        try folder.write(String(repeating: "x", count: 5000), "huge")
        for path in [folder.path, folder.file("nothing"), folder.file("huge")] {
            #expect(throws: SecretError.self) {
                _ = try SecretSource("file:\(path)").read(promptText: "")
            }
        }
    }

    /// Otherwise every program that a module starts inherits the secret.
    @Test("A secret is removed from the environment when it is read")
    func environmentIsCleared() throws {
        unsafe setenv("TOKENCERT_TEST_SECRET", "4321", 1)
        let secret = try SecretSource("env:TOKENCERT_TEST_SECRET").read(promptText: "")
        #expect(text(secret) == "4321")
        #expect(unsafe getenv("TOKENCERT_TEST_SECRET") == nil)
    }

    @Test("One descriptor can supply several secrets, one per line")
    func linesOfADescriptor() throws {
        let pipe = Pipe()
        try pipe.fileHandleForWriting.write(contentsOf: Data("first\r\nsecond\n".utf8))
        try pipe.fileHandleForWriting.close()
        let source = SecretSource.fileDescriptor(pipe.fileHandleForReading.fileDescriptor)
        #expect(text(try source.read(promptText: "")) == "first")
        #expect(text(try source.read(promptText: "")) == "second")
        #expect(throws: SecretError.self) { _ = try source.read(promptText: "") }
    }

    /// Otherwise a PIN on the command line is used, and everyone on the machine can see it.
    @Test(
        "A PIN, a path and a malformed source are refused without repeating the PIN",
        arguments: [
            "1234", "/etc/passwd", "", "file:", "env:", "env:A=B", "fd:", "fd:-1", "Prompt",
            "command:", "command: ", "command:cat 'x", "command:''", "pinentry:x",
        ])
    func unknownSources(text: String) {
        let error = #expect(throws: SecretError.self) { _ = try SecretSource(text) }
        #expect(error?.code == .unknownSource)
        #expect(text.isEmpty || !(error?.reason.contains("1234") ?? true))
    }

    /// Otherwise a shell expands the words, or the program gets other arguments.
    @Test(
        "A command runs without a shell and with exactly the words that were given",
        arguments: [
            (#"printf '%s-%s\n' 'a b' "c \"d\\";"#, #"a b-c "d\;"#),
            ("printf '%s\n' $HOME `id` *", "$HOME"),
            ("echo first; echo second", "first; echo second"),
        ])
    func commands(command: String, expected: String) throws {
        let secret = try SecretSource("command:" + command).read(promptText: "")
        #expect(text(secret) == expected)
    }

    /// Otherwise the output of a failed command is sent as a PIN, which costs a try.
    @Test("A command that fails, prints nothing or prints endlessly supplies no secret")
    func failingCommands() throws {
        for (command, reason) in [
            ("sh -c 'echo 1234; exit 3'", "sh exited with status 3"),
            ("sh -c 'echo 1234; kill -9 $$'", "sh was killed by signal 9"),
            ("true", "command:true is empty"), ("no-such-program 1234", "cannot run"),
        ] {
            let error = #expect(throws: SecretError.self) {
                _ = try SecretSource("command:" + command).read(promptText: "")
            }
            #expect(error?.reason.contains(reason) == true, "\(error?.reason ?? "")")
            #expect(error?.reason.contains("1234") == false)
        }
        let endless = #expect(throws: SecretError.self) {
            _ = try SecretSource("command:yes 1234").read(promptText: "")
        }
        #expect(endless?.reason == "yes printed far more than one line")
        // The output after the first line may be long; the program must not fail because of it.
        let secret = try SecretSource("command:sh -c 'echo one; seq 20000'").read(promptText: "")
        #expect(text(secret) == "one")
    }
}
