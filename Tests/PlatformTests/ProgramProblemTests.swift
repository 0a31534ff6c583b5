import Foundation
import Testing
import TokencertPlatform
import TokencertTestSupport

/// What keeps a program from being started. Otherwise a user reads "No such file" about a file that
/// exists, and only when an order fails.
@Suite struct ProgramProblemTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func script(
        _ text: String, _ name: String, permissions: Int = 0o755
    ) throws -> String {
        let file = try folder.write(text, name)
        try FileManager.default.setAttributes([.posixPermissions: permissions], ofItemAtPath: file)
        return file
    }

    private func reason(_ program: String) -> String? {
        do throws(ProgramStartError) {
            _ = try runProgram(
                [program], input: [],
                environment: EnvironmentChanges(removingPrefix: "FILTER_TEST_", adding: [:]),
                limits: ProgramLimits(seconds: 10, output: 10, keptErrors: 10))
            return nil
        } catch {
            return error.reason
        }
    }

    @Test("A program that can be started has no problem")
    func fine() throws {
        #expect(ProgramProblem(of: "sh") == nil && ProgramProblem(of: "/bin/sh") == nil)
        for (index, line) in ["#!/bin/sh", "#! /bin/sh -e", "#!/usr/bin/env sh"].enumerated() {
            let file = try script(line + "\nexit 0\n", "fine\(index)")
            #expect(ProgramProblem(of: file) == nil, "\(line)")
            #expect(reason(file) == nil, "\(line)")
            #expect(programFile(file) == file)
        }
    }

    @Test(
        "A program that is missing, a folder, not executable or without an interpreter is not started"
    )
    func problems() throws {
        let plain = try script("#!/bin/sh\n", "plain", permissions: 0o644)
        let bare = try script("echo hello\n", "bare")
        let lost = try script("#!/no/such/interpreter -x\n", "lost")
        let nowhere = try script("#!/usr/bin/env no-such-program\n", "nowhere")
        let cases: [(String, ProgramProblem)] = [
            ("no-such-program-of-tokencert", .notFound),
            ("/no/such/program", .notFound),
            (folder.path, .notRegular(path: folder.path)),
            (plain, .notExecutable(path: plain)),
            (bare, .noInterpreter(path: bare)),
            (lost, .interpreterNotFound(path: lost, interpreter: "/no/such/interpreter")),
            (nowhere, .interpreterNotFound(path: nowhere, interpreter: "no-such-program")),
        ]
        for (program, problem) in cases { #expect(ProgramProblem(of: program) == problem) }
        for program in [folder.path, plain, bare, lost] {
            let problem = try #require(ProgramProblem(of: program))
            #expect(reason(program) == "cannot run \(program): it \(problem.text)")
        }
    }

    // Otherwise before-order would run "true" for "true && false", and every order would be allowed.
    @Test("Operators of a shell are found outside quotation marks only")
    func operators() {
        let cases: [(String, String?)] = [
            ("true && false", "&&"), ("a || b", "||"), ("sh -c false|true", "|"), ("a;b", ";"),
            ("a > /tmp/x", ">"), ("a 2>&1", ">"), ("a <b", "<"), ("a &", "&"), ("a `b`", "`"),
            ("a $(b)", "$("), ("a 'b' && c", "&&"), ("a \"b\"|c", "|"), ("a \\\\;b", ";"),
            ("sh -c 'a && b'", nil), ("sh -c \"a | b > c\"", nil), ("a b\\;c", nil),
            ("a 'it'\\''s; b'", nil), ("a \"say \\\"; b\"", nil), ("a $b (c)", nil), ("a", nil),
        ]
        for (command, found) in cases {
            #expect(shellOperator(inCommand: command) == found, "\(command)")
        }
    }
}
