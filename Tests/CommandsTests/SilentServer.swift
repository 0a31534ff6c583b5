import Foundation
import TokencertTestSupport

/// An HTTP/1.1 server that answers the account request and closes the connection on every order.
/// With `closing`, it exits after the account request.
final class SilentServer: @unchecked Sendable {
    let url: String
    private let process = Process()
    private let folder: TemporaryFolder

    init(
        _ ca: StandIn, _ arguments: [String] = [], certificate: String = "server.pem"
    ) throws {
        folder = try TemporaryFolder()
        let script = """
            import socket, ssl, sys
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(sys.argv[1], sys.argv[2])
            server = socket.create_server(("127.0.0.1", 0))
            print(server.getsockname()[1], flush=True)
            log = open(sys.argv[3], "a", buffering=1)
            body = b"200,Authentication Ok\\nCS=1\\nNAME=CAcert WoT User\\nEMAIL=anna@example.org\\n"
            for _ in range(6):
                raw, _ = server.accept()
                try:
                    with context.wrap_socket(raw, server_side=True) as connection:
                        while True:
                            data = connection.recv(65536)
                            if not data: break
                            if not data.startswith(b"POST"): continue
                            path = data.split()[1].decode()
                            log.write(path + "\\n")
                            if "ccsr" in path:
                                connection.recv(65536) if b"optionalCSR" not in data else None
                                break
                            if "closing" in sys.argv: server.close()
                            connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body) + body)
                            if "closing" in sys.argv: sys.exit()
                except OSError: pass
            """
        let file = try folder.write(script, "server.py")
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments =
            [
                "python3", file, ca.folder.file(certificate), ca.folder.file("server.key"),
                folder.file("log"),
            ] + arguments
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        url = "https://localhost:" + line.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    deinit {
        end(process)
    }

    var requests: [String] {
        ((try? folder.read("log")) ?? "").split(separator: "\n").map(String.init)
    }
}
