import Foundation
import Testing
import TokencertPlatform
import TokencertTestSupport

/// Sources that supply nothing, respond late or share a stream.
@Suite struct ReadingTests {
    private func text(_ secret: borrowing Secret) -> String {
        secret.withBytes { bytes in
            String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
        }
    }

    private func pipeFile(_ folder: TemporaryFolder) throws -> String {
        let path = folder.file("pipe")
        #expect(unsafe mkfifo(path, 0o600) == 0)
        return path
    }

    // Otherwise a service that reads its PIN from a pipe hangs indefinitely.
    @Test("Reading a named pipe without a writer times out")
    func silentPipe() throws {
        let folder = try TemporaryFolder()
        let path = try pipeFile(folder)
        let start = Date()
        let error = #expect(throws: SecretError.self) {
            _ = try readFromFile(path, withinSeconds: 1)
        }
        #expect(error?.code == .timedOut && Date().timeIntervalSince(start) < 5)
        // This writer never closes the pipe.
        let writer = unsafe open(path, O_RDWR)
        defer { close(writer) }
        #expect(unsafe write(writer, "1234", 4) == 4)
        let half = #expect(throws: SecretError.self) {
            _ = try readFromFile(path, withinSeconds: 1)
        }
        #expect(half?.code == .timedOut && half?.reason.contains("1234") == false)
    }

    @Test("A named pipe is read after its writer opens it")
    func latePipe() throws {
        let folder = try TemporaryFolder()
        let path = try pipeFile(folder)
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", "sleep 1; printf '12\\n' > '\(path)'"]
        try process.run()
        let secret = try readFromFile(path, withinSeconds: 20)
        #expect(text(secret) == "12")
        process.waitUntilExit()
    }

    @Test("A command that does not exit is killed, before and after its line")
    func endlessCommands() throws {
        for command in [["sleep", "60"], ["sh", "-c", "echo 1234; exec >&-; sleep 60"]] {
            let start = Date()
            let error = #expect(throws: SecretError.self) {
                _ = try readFromCommand(command, withinSeconds: 1)
            }
            #expect(error?.code == .timedOut && error?.reason.contains("1234") == false)
            #expect(Date().timeIntervalSince(start) < 10)
        }
    }

    // A password manager, for example, starts its agent, which keeps the output open.
    @Test("Reading from a command ends when it exits, even if its children still run")
    func agents() throws {
        let start = Date()
        let secret = try readFromCommand(["sh", "-c", "sleep 60 & echo 1234"])
        #expect(text(secret) == "1234")
        #expect(Date().timeIntervalSince(start) < 20)
    }

    @Test("A command inherits no descriptor except the standard ones")
    func inheritedDescriptors() throws {
        let descriptor = fcntl(0, F_DUPFD, 200)
        defer { close(descriptor) }
        let answer = text(
            try readFromCommand(
                ["sh", "-c", "test -e /proc/self/fd/\(descriptor) && echo open || echo closed"]))
        #expect(descriptor >= 200 && answer == "closed")
    }

    @Test("Programs that cannot be started leave no descriptor open")
    func failingStarts() throws {
        func count() -> Int {
            (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd"))?.count ?? 0
        }
        let before = count()
        for _ in 0..<300 {
            #expect(throws: SecretError.self) { _ = try readFromCommand(["no-such-program"]) }
        }
        // Other tests open files at the same time.
        #expect(count() < before + 100)
    }

    @Test("A byte order mark is removed from a secret, and UTF-16 is refused")
    func byteOrderMark() throws {
        let folder = try TemporaryFolder()
        let marked = try folder.write("\u{FEFF}12\u{FEFF}34\r\n", "marked")
        for source in ["file:\(marked)", "command:cat \(marked)"] {
            // Only a mark at the start is removed.
            #expect(text(try SecretSource(source).read(promptText: "")) == "12\u{FEFF}34")
        }
        let alone = try folder.write("\u{FEFF}\n", "alone")
        let empty = #expect(throws: SecretError.self) {
            _ = try SecretSource("file:\(alone)").read(promptText: "")
        }
        #expect(empty?.code == .empty)
        for bytes: [UInt8] in [
            [0xFF, 0xFE, 0x31, 0x00], [0xFE, 0xFF, 0x00, 0x31], [0xFF, 0xFE, 1, 1],
        ] {
            let wide = folder.file("wide")
            try Data(bytes).write(to: URL(filePath: wide))
            let error = #expect(throws: SecretError.self) {
                _ = try SecretSource("file:\(wide)").read(promptText: "")
            }
            #expect(error?.code == .malformed)
        }
    }

    @Test("Two sources share a stream if one consumes bytes that the other would read")
    func streams() throws {
        let folder = try TemporaryFolder()
        let fifo = try pipeFile(folder)
        let file = try folder.write("1234", "file")
        let pipe = Pipe()
        let reader = pipe.fileHandleForReading.fileDescriptor
        let copy = dup(reader)
        defer { close(copy) }
        for (one, other, isShared) in [
            ("fd:\(reader)", "fd:\(reader)", true), ("fd:\(reader)", "fd:\(copy)", true),
            ("fd:\(reader)", "file:/dev/fd/\(reader)", true), ("fd:7777", "fd:7777", true),
            ("fd:7777", "fd:7778", false), ("file:\(fifo)", "file:\(fifo)", true),
            ("file:\(file)", "file:\(file)", false), ("file:\(file)", "file:\(fifo)", false),
            ("env:A", "env:A", false), ("prompt", "prompt", false),
            ("command:cat x", "command:cat x", false),
        ] {
            let result = try SecretSource(one).sharesStream(with: SecretSource(other))
            #expect(result == isShared, "\(one) \(other)")
        }
    }
}
