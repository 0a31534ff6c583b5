import Foundation
import Testing
import TokencertTestSupport

/// Mistakes that must not compile. `Right.swift` must compile, which shows that the other files do
/// not fail for a common reason.
@Suite struct MisuseTests {
    @Test(
        "Code that could leak a PIN or misuse a session does not compile",
        arguments: [
            ("SecretInText", "requires that 'Secret' conform to 'Copyable'"),
            ("WritingReadOnly", "requires the types 'ReadOnly' and 'ReadWrite' be equivalent"),
            ("SessionCopied", "'session' consumed more than once"),
            ("OperationInOperation", "verlapping accesses to 'session'"),
            ("WrongAttributeValue", "cannot assign value of type 'String'"),
        ])
    func mistakes(name: String, message: String) throws {
        let outcome = try compile(name)
        #expect(outcome.status != 0)
        #expect(outcome.errors.contains(message), "\(outcome.errors)")
    }

    @Test("Correct code compiles")
    func right() throws {
        let outcome = try compile("Right")
        #expect(outcome.status == 0, "\(outcome.errors)")
    }

    private func compile(_ name: String) throws -> Outcome {
        let package = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let flags = try run("pkg-config", ["--cflags", "p11-kit-1"]).output
            .split(whereSeparator: \.isWhitespace).flatMap { ["-Xcc", String($0)] }
        return try run(
            "swiftc",
            [
                "-emit-sil", "-o", "/dev/null", "-swift-version", "6", "-module-cache-path",
                try TemporaryFolder().path, "-I", product("Modules"), "-I",
                package.appending(path: "Sources/CP11Kit").path(),
                "-Xcc",
                "-fmodule-map-file="
                    + package.appending(path: "Sources/CP11Kit/module.modulemap").path(),
            ] + flags
                + [package.appending(path: "Tests/MisuseTests/Cases/\(name).swift").path()],
            environment: ProcessInfo.processInfo.environment)
    }
}
