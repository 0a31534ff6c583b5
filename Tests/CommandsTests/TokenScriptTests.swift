import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// `SoftHSM/token`, which other projects use in their CI.
    @Suite struct TokenScriptTests {
        private static let script = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../SoftHSM/token").standardizedFileURL.path()

        @Test("SoftHSM/token creates a usable token and removes only what it created")
        func lifeOfAToken() throws {
            let folder = try TemporaryFolder()
            // The path contains characters that are special in a shell.
            let place = folder.file("a token's $place")
            let made = try run(Self.script, ["new", place, "CI token"])
            #expect(made.status == 0, "\(made.errors)")
            let ca = try StandIn()
            let issued = try run(
                "bash",
                ["-c", "eval \"$0\"; exec \"$1\" issue --json", made.output, product("tokencert")],
                environment: ca.tokencertEnvironment.merging(["HOME": folder.path]) { $1 })
            #expect(issued.status == 0, "\(issued.errors)")
            #expect((try issued.json()["key"] as? String)?.contains("token=CI%20token") == true)
            #expect(try run(Self.script, ["env", place]).output == made.output)

            let again = try run(Self.script, ["new", place])
            #expect(again.status == 73)
            #expect(again.errors.contains("error: \(place) exists"), "\(again.errors)")
            // The script does not remove a folder that it did not create.
            let own = try folder.write("mine", "mine")
            let foreign = try run(Self.script, ["remove", folder.path])
            #expect(foreign.status == 66, "\(foreign)")
            #expect(FileManager.default.fileExists(atPath: own))
            #expect(try run(Self.script, ["remove", place]).status == 0)
            #expect(!FileManager.default.fileExists(atPath: place))
        }
    }
}
