import Foundation
import TokencertTestSupport

/// A web server with the files of a folder, on a free port of loopback. It gives the revocation list of
/// a stand-in CA.
final class FileServer: @unchecked Sendable {
    let folder: TemporaryFolder
    let url: String
    private let process = Process()

    init() throws {
        folder = try TemporaryFolder()
        let script = try folder.write(
            """
            import functools, http.server, sys
            class Handler(http.server.SimpleHTTPRequestHandler):
                def log_message(self, form, *arguments):
                    with open("log", "a") as log: log.write(self.path + "\\n")
            server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
            print(server.server_address[1], flush=True)
            server.serve_forever()
            """, "server.py")
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3", script]
        process.currentDirectoryURL = URL(filePath: folder.path)
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let line = String(
            decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        url =
            "http://127.0.0.1:" + line.trimmingCharacters(in: .whitespacesAndNewlines)
            + "/revoke.crl"
    }

    deinit {
        end(process)
    }

    /// Replaces the list with one that the root of the bench's CA signs.
    func publish(_ list: RevocationListFile, of bench: Bench) throws {
        let bytes = try list.sign(bench.ca.folder.file("root"), in: bench.token.folder)
        try Data(bytes).write(to: URL(filePath: folder.file("revoke.crl")))
    }

    /// The number of requests for the list.
    var requests: Int {
        ((try? folder.read("log")) ?? "").split(separator: "\n")
            .filter { $0 == "/revoke.crl" }.count
    }
}
