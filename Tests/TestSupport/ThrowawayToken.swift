package import Foundation

/// The path of SoftHSM2's module.
package let softHSMModule: String = {
    let paths = [
        "/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so",
        "/usr/lib64/pkcs11/libsofthsm2.so", "/opt/homebrew/lib/softhsm/libsofthsm2.so",
    ]
    return paths.first { FileManager.default.fileExists(atPath: $0) } ?? paths[0]
}()

/// A SoftHSM2 token store with its own configuration, removed when this object is released.
package final class ThrowawayToken: Sendable {
    /// The folder with the store and its configuration.
    package let folder: TemporaryFolder
    /// The label of the first token.
    package let label: String
    /// The user's PIN.
    package let pin = "31415926"
    /// The security officer's PIN.
    package let soPIN = "27182818"

    /// Creates a store with one token, or with none if the label is nil.
    package init(label: String? = "work") throws {
        folder = try TemporaryFolder()
        self.label = label ?? ""
        try FileManager.default.createDirectory(
            atPath: folder.file("tokens"), withIntermediateDirectories: true)
        try folder.write(
            """
            directories.tokendir = \(folder.file("tokens"))
            objectstore.backend = file
            log.level = ERROR

            """, "softhsm2.conf")
        try folder.write(pin + "\n", "pin")
        if let label { try addToken(label: label) }
    }

    /// Adds a token to the store.
    package func addToken(label: String) throws {
        let outcome = try run(
            "softhsm2-util",
            [
                "--init-token", "--free", "--label", label, "--pin", pin, "--so-pin", soPIN,
            ], environment: environment)
        guard outcome.status == 0 else { throw SetUpError(outcome.output + outcome.errors) }
    }

    /// The environment for programs that use the store.
    package var environment: [String: String] {
        ["SOFTHSM2_CONF": folder.file("softhsm2.conf")]
    }

    /// The environment for tokencert to use the store.
    package var tokencertEnvironment: [String: String] {
        environment.merging([
            "TOKENCERT_MODULE": softHSMModule, "TOKENCERT_PIN_SOURCE": "file:\(folder.file("pin"))",
            "XDG_STATE_HOME": folder.file("state"), "XDG_DATA_HOME": folder.file("data"),
            "XDG_CONFIG_HOME": folder.file("config"), "XDG_CACHE_HOME": folder.file("cache"),
        ]) { $1 }
    }

    /// The content of every object's file, by path. It is equal if no object changed.
    package var contents: [String: Data] {
        let tokens = URL(filePath: folder.file("tokens"))
        var contents: [String: Data] = [:]
        for case let file as URL in FileManager.default.enumerator(
            at: tokens, includingPropertiesForKeys: nil)
            ?? FileManager.DirectoryEnumerator()
        where file.pathExtension == "object" && file.lastPathComponent != "token.object" {
            contents[file.path()] = try? Data(contentsOf: file)
        }
        return contents
    }

    /// Runs pkcs11-tool with the token, and with a login unless `asUser` is false.
    @discardableResult
    package func pkcs11Tool(_ arguments: [String], asUser: Bool = true) throws -> Outcome {
        try run(
            "pkcs11-tool",
            ["--module", softHSMModule, "--token-label", label]
                + (asUser ? ["--login", "--pin", "env:PIN"] : []) + arguments,
            environment: environment.merging(["PIN": pin]) { $1 })
    }
}
