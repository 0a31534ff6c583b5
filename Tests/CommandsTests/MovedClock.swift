import Foundation
import Synchronization
import Testing
import TokencertTestSupport

/// A clock that is a number of days ahead, for programs that are started without faketime itself, which
/// would stay between a test and its child.
private final class MovedClock: Sendable {
    /// By the number of days. They end with the tests, which then close the pipes.
    static let all = Mutex<[Int: MovedClock]>([:])

    let environment: [String: String]
    private let input: FileHandle

    init(days: Int) throws {
        let shown = try run("faketime", ["-f", "+\(days)d", "printenv", "LD_PRELOAD", "FAKETIME"])
        let lines = shown.output.split(separator: "\n").map(String.init)
        try #require(shown.status == 0 && lines.count == 2, "\(shown)")
        // The library changes the environment of a program for which no memory is shared, and Swift
        // then finds no arguments. This process shares its memory until its input ends.
        let holder = Process()
        holder.executableURL = URL(filePath: "/usr/bin/faketime")
        holder.arguments = ["-f", "+\(days)d", "cat"]
        let (standardInput, output) = (Pipe(), Pipe())
        holder.standardInput = standardInput
        holder.standardOutput = output
        try holder.run()
        input = standardInput.fileHandleForWriting
        // What cat prints shows that the memory exists.
        input.write(Data("ready\n".utf8))
        try #require(!output.fileHandleForReading.availableData.isEmpty)
        let number = holder.processIdentifier
        environment = [
            "LD_PRELOAD": lines[0], "FAKETIME": lines[1],
            "FAKETIME_SHARED": "/faketime_sem_\(number) /faketime_shm_\(number)",
            // Timers must not see the moved clock: some would never fire.
            "DONT_FAKE_MONOTONIC": "1",
        ]
    }
}

/// The variables with which a program sees a clock that is a number of days ahead.
func movedClock(days: Int) throws -> [String: String] {
    try MovedClock.all.withLock { clocks in
        if let clock = clocks[days] { return clock.environment }
        let clock = try MovedClock(days: days)
        clocks[days] = clock
        return clock.environment
    }
}
