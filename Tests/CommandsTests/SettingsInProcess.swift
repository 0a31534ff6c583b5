import Foundation
import Testing
import TokencertTestSupport

@testable import TokencertCommands

/// Tests of what reads the settings, one after the other: the process has one configuration.
@Suite(.serialized) struct SettingsInProcess {
    /// Uses a configuration file with a text while something is done.
    ///
    /// - Parameters:
    ///   - text: What stands in the file.
    ///   - profile: The profile that the command line names, or nil.
    ///   - permissions: The mode of the file.
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

    /// Why a configuration file is refused.
    static func refusal(
        _ text: String, profile: String? = nil, permissions: Int = 0o600
    ) throws -> Failure {
        try #require(throws: Failure.self, "\(text)") {
            try with(text, profile: profile, permissions: permissions) {}
        }
    }
}
