import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// `SoftHSM/token`, which other people's CI calls.
    @Suite struct TokenScriptTests {
        private static let script = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../SoftHSM/token").standardizedFileURL.path()

        @Test("Others cannot have a token for their CI, or lose their own by it")
        func lifeOfAToken() throws {
            let folder = try TemporaryFolder()
            // A name that a shell would take apart.
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
            // A folder that it has not made is not its own to remove.
            let own = try folder.write("mine", "mine")
            let foreign = try run(Self.script, ["remove", folder.path])
            #expect(foreign.status == 66, "\(foreign)")
            #expect(FileManager.default.fileExists(atPath: own))
            #expect(try run(Self.script, ["remove", place]).status == 0)
            #expect(!FileManager.default.fileExists(atPath: place))
        }
    }
}
