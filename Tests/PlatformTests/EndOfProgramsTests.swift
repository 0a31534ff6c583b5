import Foundation
import Testing
import TokencertPlatform
import TokencertTestSupport

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Programs that end with this process. Each test ends a process of its own.
@Suite struct EndOfProgramsTests {
    // Otherwise a CA command could order something after the user was told that it has ended.
    @Test("A program that sends the signal before its process id is known is ended")
    func signalledAtOnce() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path
        await #expect(processExitsWith: .signal(SIGTERM)) { [path = path as String] in
            handleTermination()
            _ = Interruption.startChild(leadsGroup: true) {
                let program = startInGroup(
                    "trap '' TERM; cd \(path); touch started; kill -TERM $PPID; sleep 3; touch ended"
                )
                usleep(500_000)
                return program
            }
            sleep(10)
        }
        sleep(4)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: path).sorted() == ["started"])
    }

    // Otherwise a server would run on if another program was started later.
    @Test("All running programs are terminated")
    func severalPrograms() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path
        await #expect(processExitsWith: .signal(SIGTERM)) { [path = path as String] in
            handleTermination()
            for number in 1...2 {
                _ = Interruption.startChild(leadsGroup: true) {
                    startInGroup(
                        "cd \(path); touch started-\(number); sleep 3; touch ended-\(number)")
                }
            }
            let last = Interruption.startChild(leadsGroup: true) { startInGroup("exit 0") }
            Interruption.removeChild(last.identifier)
            let files = (1...2).map { "\(path)/started-\($0)" }
            for _ in 0..<600 where !files.allSatisfy(FileManager.default.fileExists) {
                usleep(100_000)
            }
            kill(getpid(), SIGTERM)
            sleep(10)
        }
        sleep(4)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: path).sorted() == [
                "started-1", "started-2",
            ])
    }
}

/// The test runner may ignore signals, which its children inherit.
private func handleTermination() {
    signal(SIGTERM, SIG_DFL)
    Interruption.installHandler { _ in }
}

/// Starts a shell in a process group of its own.
private func startInGroup(_ script: String) -> (identifier: Int32, status: Int32) {
    var attributes = posix_spawnattr_t()
    unsafe posix_spawnattr_init(&attributes)
    unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
    defer { unsafe posix_spawnattr_destroy(&attributes) }
    var words: [UnsafeMutablePointer<CChar>?] = unsafe [
        strdup("/bin/sh"), strdup("-c"), strdup(script), nil,
    ]
    defer { for index in unsafe words.indices { unsafe free(words[index]) } }
    var identifier: Int32 = 0
    let status = unsafe posix_spawn(&identifier, "/bin/sh", nil, &attributes, &words, environ)
    return (identifier, status)
}
