package import Foundation

/// The result of running a program.
package struct Outcome: Sendable {
    /// The exit status, or 128 plus the signal number if a signal ended it.
    package let status: Int32
    package let output: String
    /// The text on standard error.
    package let errors: String
}

/// The folder with the programs built with the tests.
package let productsDirectory = URL(
    filePath: "/proc/self/exe", directoryHint: .notDirectory
).resolvingSymlinksInPath().deletingLastPathComponent()

/// The path of a program built with the tests.
package func product(_ name: String) -> String {
    // The test runner itself is in the toolchain; the bundle that it loads is beside the products.
    let candidates = [
        productsDirectory, URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent(),
        Bundle.main.bundleURL,
    ]
    let found = candidates.map { $0.appending(path: name).path() }
        .first { FileManager.default.fileExists(atPath: $0) }
    return found ?? name
}

/// Runs a program to completion.
///
/// - Parameters:
///   - program: A path, or a name to search for in `PATH`.
///   - environment: The whole environment except `PATH` and `HOME`. `HOME` does not exist unless
///     it is given.
///   - seconds: The time in seconds after which the program is killed.
@discardableResult
package func run(
    _ program: String, _ arguments: [String], environment: [String: String] = [:],
    input: String = "", seconds: Double = 120
) throws -> Outcome {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [program] + arguments
    var all = [
        "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "", "HOME": "/nonexistent",
        // Without a home, tpm2-pkcs11 creates its store in the working folder.
        "TPM2_PKCS11_STORE": "/nonexistent",
    ]
    all.merge(environment) { $1 }
    process.environment = all
    let (inputPipe, outputPipe, errorPipe) = (Pipe(), Pipe(), Pipe())
    process.standardInput = inputPipe
    process.standardOutput = outputPipe
    process.standardError = errorPipe
    let errors = Collected()
    try process.run()
    let reader = Thread {
        errors.set(errorPipe.fileHandleForReading.readDataToEndOfFile())
    }
    reader.start()
    let identifier = process.processIdentifier
    let watchdog = DispatchWorkItem { kill(identifier, SIGKILL) }
    DispatchQueue.global().asyncAfter(deadline: .now() + seconds, execute: watchdog)
    try? inputPipe.fileHandleForWriting.write(contentsOf: Data(input.utf8))
    try? inputPipe.fileHandleForWriting.close()
    let output = outputPipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    watchdog.cancel()
    let isSignal = process.terminationReason == .uncaughtSignal
    return Outcome(
        status: process.terminationStatus + (isSignal ? 128 : 0),
        output: String(decoding: output, as: UTF8.self), errors: errors.wait())
}

/// Kills a process that a test started.
///
/// The test runner's threads block signals, and child processes inherit this. SIGKILL cannot be
/// blocked.
package func end(_ process: Process) {
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
}

/// Data that another thread reads.
private final class Collected: @unchecked Sendable {
    private let done = DispatchSemaphore(value: 0)
    private var data = Data()

    func set(_ data: Data) {
        self.data = data
        done.signal()
    }

    func wait() -> String {
        done.wait()
        return String(decoding: data, as: UTF8.self)
    }
}

/// A folder that is removed when this object is released.
package final class TemporaryFolder: Sendable {
    package let path: String

    package init() throws {
        path = FileManager.default.temporaryDirectory
            .appending(path: "tokencert-\(UUID().uuidString)").path()
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// The path of a file in the folder.
    package func file(_ name: String) -> String { path + "/" + name }

    /// Writes a file into the folder and returns its path.
    @discardableResult
    package func write(_ text: String, _ name: String) throws -> String {
        try Data(text.utf8).write(to: URL(filePath: file(name)))
        return file(name)
    }

    /// Reads a file in the folder.
    package func read(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: file(name))), as: UTF8.self)
    }
}

/// Why a test cannot be set up.
package struct SetUpError: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}

extension [String: Any] {
    /// A property of the certificate that this JSON object describes, if it is a string.
    package func certificate(_ name: String) -> String? {
        (self["certificate"] as? [String: Any])?[name] as? String
    }
}
