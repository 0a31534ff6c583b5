internal import Foundation

/// The stand-in CA as a separate process, killed when this object is released.
package final class StandIn: @unchecked Sendable {
    /// The folder with roots, keys, accounts and issued certificates.
    package let folder: TemporaryFolder
    /// The URL, such as `https://localhost:12345`.
    package let url: String

    private var process: Process

    /// The password of every account.
    package static let password = "correct horse & battery=staple"

    /// An account with one address and a name that requires escaping.
    package static let anna = account(
        "anna@example.org", points: 100, codeSigning: true, emails: ["anna@example.org"])

    /// The JSON of one account.
    package static func account(
        _ username: String, points: Int, codeSigning: Bool, emails: [String],
        first: String = "Anna", middle: String = "", last: String = "Müller", suffix: String = ""
    ) -> String {
        """
        {"username": "\(username)", "password": "\(password)", "points": \(points),
         "codeSigning": \(codeSigning),
         "emails": [\(emails.map { "\"\($0)\"" }.joined(separator: ", "))],
         "name": {"first": "\(first)", "middle": "\(middle)", "last": "\(last)",
                  "suffix": "\(suffix)"}}
        """
    }

    /// Starts a stand-in on a free port. Each account is in JSON.
    package init(_ arguments: [String] = [], accounts: [String] = [StandIn.anna]) throws {
        folder = try TemporaryFolder()
        try Self.copyKeys(to: folder.path)
        try folder.write(
            #"{"accounts": [\#(accounts.joined(separator: ","))]}"#, "accounts.json")
        try folder.write(Self.password + "\n", "password")
        (process, url) = try Self.start(folder, arguments)
    }

    /// Restarts the stand-in with other arguments, on the same port and with the same data.
    /// `environment` is added to its environment, such as the variables of a moved clock.
    package func restart(_ arguments: [String], environment: [String: String] = [:]) throws {
        end(process)
        let port = url.split(separator: ":").last.map(String.init) ?? ""
        (process, _) = try Self.start(folder, ["--port", port] + arguments, environment)
    }

    private static func start(
        _ folder: TemporaryFolder, _ arguments: [String], _ environment: [String: String] = [:]
    ) throws -> (Process, url: String) {
        let process = Process()
        process.executableURL = URL(filePath: product("cacert-standin"))
        process.arguments =
            [folder.path, "--request-log", folder.file("requests.log")] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.standardError
        try process.run()
        var text = ""
        while !text.contains("Ctrl-C") {
            let data = output.fileHandleForReading.availableData
            guard !data.isEmpty else { throw SetUpError("the stand-in exited: \(text)") }
            text += String(decoding: data, as: UTF8.self)
        }
        guard let line = text.split(separator: "\n").first(where: { $0.contains("CA_URL=") }),
            let url = line.split(separator: "=").last
        else { throw SetUpError("the stand-in did not print its URL: \(text)") }
        return (process, String(url))
    }

    deinit {
        end(process)
    }

    /// The file with the root certificate, in PEM.
    package var rootFile: String { folder.file("root.pem") }

    /// The environment for tokencert to use the account of ``anna``.
    package var tokencertEnvironment: [String: String] {
        [
            "TOKENCERT_CA_URL": url, "TOKENCERT_CA_FILE": rootFile,
            "TOKENCERT_USERNAME": "anna@example.org",
            "TOKENCERT_PASSWORD_SOURCE": "file:\(folder.file("password"))",
        ]
    }

    /// The received requests, each in one line of JSON.
    package var requests: [String] {
        ((try? folder.read("requests.log")) ?? "").split(separator: "\n").map(String.init)
    }

    /// The requests that were orders.
    package var orders: [String] { requests.filter { $0.contains("ccsr.php") } }

    /// The issued certificates, in PEM.
    package var issued: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.file("issued")))
        return (names ?? []).compactMap { try? folder.read("issued/" + $0) }
    }

    /// Copies keys that are generated once, since generating them takes longer than most tests.
    private static func copyKeys(to path: String) throws {
        for name in ["root", "class3", "server"] {
            for kind in ["key", "pem"] {
                try FileManager.default.copyItem(
                    atPath: keys.file("\(name).\(kind)"), toPath: "\(path)/\(name).\(kind)")
            }
        }
    }

    private static let keys: TemporaryFolder = {
        do {
            let folder = try TemporaryFolder()
            let process = Process()
            process.executableURL = URL(filePath: product("cacert-standin"))
            process.arguments = [folder.path]
            let output = Pipe()
            process.standardOutput = output
            try process.run()
            _ = output.fileHandleForReading.availableData
            end(process)
            return folder
        } catch {
            preconditionFailure("cannot start the stand-in: \(error)")
        }
    }()
}
