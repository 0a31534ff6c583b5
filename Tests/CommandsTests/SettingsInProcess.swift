import Foundation
import Testing
import TokencertTestSupport

@testable import TokencertCommands

/// Tests that read the settings run one at a time, since the process has a single configuration.
@Suite(.serialized) struct SettingsInProcess {
    /// Loads a configuration file with the given text and mode during `body`; `profile` is the
    /// option on the command line.
    static func with<Result>(
        _ text: String, profile: String? = nil, permissions: Int = 0o600,
        _ body: () throws -> Result
    ) throws -> Result {
        let folder = try TemporaryFolder()
        func write(_ text: String, _ name: String, _ permissions: Int) throws -> String {
            let file = try folder.write(text, name)
            try FileManager.default.setAttributes(
                [.posixPermissions: permissions], ofItemAtPath: file)
            return file
        }
        let nothing = try write("{}", "nothing.json", 0o600)
        defer { try? ConfigurationFile.load(file: nothing, profile: nil) }
        let file = try write(text, "config.json", permissions)
        try ConfigurationFile.load(file: file, profile: profile)
        return try body()
    }

    /// The error for a configuration file that is refused.
    static func refusal(
        _ text: String, profile: String? = nil, permissions: Int = 0o600
    ) throws -> Failure {
        try #require(throws: Failure.self, "\(text)") {
            try with(text, profile: profile, permissions: permissions) {}
        }
    }
}
