import Foundation
import Testing
import TokencertPlatform
import TokencertTestSupport

/// Programs that read their standard input and print a result.
@Suite struct FilterProgramTests {
    private func shell(
        _ script: String, input: String = "", seconds: Int = 60, output: Int = 1000,
        adding variables: [String: String] = [:]
    ) throws -> ProgramResult {
        try runProgram(
            ["/bin/sh", "-c", script], input: Array(input.utf8),
            environment: EnvironmentChanges(removingPrefix: "FILTER_TEST_", adding: variables),
            limits: ProgramLimits(seconds: seconds, output: output, keptErrors: 10))
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    // Shells use the last value of a variable that is set twice, and other programs the first one.
    @Test("A variable that is set replaces the inherited one, and a removed one is not inherited")
    func replacedVariables() throws {
        let result = try runProgram(
            ["/usr/bin/env"], input: [],
            environment: EnvironmentChanges(
                removingPrefix: "FILTER_TEST_", removing: ["PATH"], adding: ["HOME": "/elsewhere"]),
            limits: ProgramLimits(seconds: 60, output: 1 << 20, keptErrors: 10))
        let lines = text(result.output).split(separator: "\n")
        #expect(lines.filter { $0.hasPrefix("HOME=") } == ["HOME=/elsewhere"])
        #expect(!lines.contains { $0.hasPrefix("PATH=") })
    }

    @Test("A program gets its input, and its output, errors and exit status are returned")
    func filter() throws {
        let result = try shell("tr a-z A-Z; echo bad >&2; exit 7", input: "abc\n")
        #expect(result.end == .exited(7))
        #expect(text(result.output) == "ABC\n")
        #expect(text(result.errors) == "bad\n")
        #expect(result.lastErrors == result.errors)
    }

    // Otherwise a program that ignores its input would end tokencert with SIGPIPE.
    @Test("A program need not read its input")
    func unreadInput() throws {
        let input = String(repeating: "x", count: 30_000)
        #expect(try shell("exec <&-; exit 0", input: input).end == .exited(0))
    }

    // Otherwise the reason of a program that prints much is lost, or the number of an order.
    @Test(
        "The beginning and the end of a long standard error are kept, and the program does not block"
    )
    func longErrors() throws {
        let result = try shell("head -c 200000 /dev/zero | tr '\\0' e >&2; echo last >&2; echo out")
        #expect(result.end == .exited(0))
        #expect(text(result.errors) == "eeeeeeeeee")
        #expect(text(result.lastErrors) == "eeeeelast\n")
        #expect(text(result.output) == "out\n")
    }

    @Test("A program that prints more than the limit is terminated")
    func longOutput() throws {
        let result = try shell("yes", output: 1000)
        #expect(result.end == .printedTooMuch)
        #expect(result.output.count == 1000)
    }

    // Otherwise a program that hangs would leave processes behind which still talk to the CA.
    @Test("A program that exceeds the time limit is terminated with the programs that it started")
    func timeLimit() throws {
        let folder = try TemporaryFolder()
        let file = folder.file("alive")
        let result = try shell(
            "(sleep 4; touch '\(file)') & echo begun; trap '' TERM; sleep 30; sleep 30", seconds: 1)
        #expect(result.end == .timedOut)
        #expect(text(result.output) == "begun\n")
        Thread.sleep(forTimeInterval: 4)
        #expect(!FileManager.default.fileExists(atPath: file))
    }

    // Otherwise what the program left behind would still talk to the CA.
    @Test("What a program leaves behind in its process group is killed, even if it ignores SIGTERM")
    func leftBehind() throws {
        let folder = try TemporaryFolder()
        let file = folder.file("alive")
        let result = try shell("(trap '' TERM; sleep 3; touch '\(file)') & exit 75")
        #expect(result.end == .exited(75))
        Thread.sleep(forTimeInterval: 4)
        #expect(!FileManager.default.fileExists(atPath: file))
    }

    @Test("A background program that keeps the output open is not waited for")
    func openOutput() throws {
        let start = ContinuousClock.now
        let result = try shell("sleep 60 & echo done")
        #expect(result.end == .exited(0))
        #expect(text(result.output) == "done\n")
        #expect(ContinuousClock.now - start < .seconds(30))
    }

    @Test("A signal that ends the program is reported")
    func signalled() throws {
        #expect(try shell("kill -KILL $$").end == .signalled(9))
    }

    // Otherwise the program would see where secrets are.
    @Test("Variables with the removed prefix are not inherited, and others are set")
    func environment() throws {
        unsafe setenv("FILTER_TEST_SECRET", "1", 1)
        unsafe setenv("FILTERED_TEST_OTHER", "2", 1)
        let result = try shell(
            "echo \"${FILTER_TEST_SECRET-none} $FILTERED_TEST_OTHER $FILTER_TEST_NEW\"",
            adding: ["FILTER_TEST_NEW": "a b"])
        #expect(text(result.output) == "none 2 a b\n")
    }

    @Test("A program that does not exist is an error and not a result")
    func missing() throws {
        let error = #expect(throws: ProgramStartError.self) {
            try runProgram(
                ["/no/such/program"], input: [],
                environment: EnvironmentChanges(removingPrefix: "FILTER_TEST_", adding: [:]),
                limits: ProgramLimits(seconds: 1, output: 1, keptErrors: 1))
        }
        #expect(error?.reason.contains("cannot run /no/such/program") == true)
    }
}
