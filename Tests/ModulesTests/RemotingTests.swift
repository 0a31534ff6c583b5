import Foundation
import Testing
import TokencertTestSupport

private let isWanted = ProcessInfo.processInfo.environment["TOKENCERT_MODULES"] != nil

/// This machine, reached through ssh as if it were the remote machine with the token.
private final class FarMachine: Sendable {
    let folder: TemporaryFolder
    private let server: Process

    init() throws {
        folder = try TemporaryFolder()
        for name in ["host", "client"] {
            try run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", folder.file(name)])
        }
        let port = 20000 + Int.random(in: 0..<10000)
        try folder.write(
            """
            Port \(port)
            ListenAddress 127.0.0.1
            HostKey \(folder.file("host"))
            AuthorizedKeysFile \(folder.file("client.pub"))
            StrictModes no
            UsePAM no
            PidFile none
            PermitRootLogin yes
            PasswordAuthentication no
            """, "sshd_config")
        let key = try folder.read("host.pub").split(separator: " ").prefix(2).joined(separator: " ")
        try folder.write("[127.0.0.1]:\(port) \(key)\n", "known_hosts")
        // The test runner's threads block signals, and child processes inherit this, but ssh and
        // sshd need signals.
        try folder.write(
            """
            #!/usr/bin/env python3
            import os, signal, sys
            signal.pthread_sigmask(signal.SIG_SETMASK, [])
            os.execvp(sys.argv[1], sys.argv[1:])

            """, "hearing")
        try folder.write(
            """
            #!/bin/sh
            # No exec, for the same reason as with sshd.
            \(folder.file("hearing")) ssh -o BatchMode=yes \\
                -o UserKnownHostsFile=\(folder.file("known_hosts")) \\
                -i \(folder.file("client")) -p \(port) "$@"

            """, "ssh")
        try run("chmod", ["755", folder.file("hearing"), folder.file("ssh")])
        try run("mkdir", ["-p", "/run/sshd"])
        // Started through a shell: sshd closes the descriptor by which Foundation detects the end
        // of a process.
        server = Process()
        server.executableURL = URL(filePath: "/bin/sh")
        server.arguments = [
            "-c", "\"$@\" & echo $! > \(folder.file("pid")); wait", "sh", folder.file("hearing"),
            "/usr/sbin/sshd", "-D", "-e", "-f", folder.file("sshd_config"),
        ]
        server.standardError = FileHandle.nullDevice
        try server.run()
        for _ in 0..<50 {
            if try run(ssh, ["root@127.0.0.1", "true"]).status == 0 { return }
            Thread.sleep(forTimeInterval: 0.1)
        }
        throw ModuleTrouble(
            "sshd does not answer: \(try run(ssh, ["root@127.0.0.1", "true"]).errors)")
    }

    deinit {
        let text = (try? folder.read("pid"))?.trimmingCharacters(in: .newlines)
        if let identifier = text.flatMap({ Int32($0) }) { kill(identifier, SIGKILL) }
        end(server)
    }

    /// The ssh program that connects to the machine.
    var ssh: String { folder.file("ssh") }
}

/// p11-kit's server for a module.
private final class Server: Sendable {
    let socket: String
    private let process: Process

    init(_ token: ThrowawayToken, provider: String, _ environment: [String: String]) throws {
        socket = token.folder.file("server-\(UUID().uuidString.prefix(8)).sock")
        process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "p11-kit", "server", "-f", "-n", socket, "--provider", provider,
            "pkcs11:token=\(token.label)",
        ]
        process.environment = token.environment.merging(environment) { $1 }
            .merging(["PATH": ProcessInfo.processInfo.environment["PATH"] ?? ""]) { $1 }
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        for _ in 0..<600 where !FileManager.default.fileExists(atPath: socket) {
            Thread.sleep(forTimeInterval: 0.05)
        }
    }

    deinit { end(process) }
}

extension RealParts {
    /// Tokens on other machines.
    @Suite(
        .serialized,
        .enabled(
            if: isWanted, "ssh and p11-kit's server are tested only by SoftHSM/test --modules"))
    struct RemotingTests {
        // p11-kit finds it in its own folder.
        private let client = "p11-kit-client.so"
        private let issue = ["issue", "--key-type", "rsa:2048"]

        private func settings(_ token: ThrowawayToken, _ ca: StandIn) -> [String: String] {
            var settings = token.tokencertEnvironment.merging(ca.tokencertEnvironment) { $1 }
            // The local side has neither the module nor its configuration.
            settings["SOFTHSM2_CONF"] = nil
            settings["TOKENCERT_MODULE"] = nil
            return settings
        }

        @Test(
            "The key and the order survive a broken connection",
            arguments: ["C_GenerateKeyPair#1:after", "C_Sign#1:before", "C_CreateObject#1:before"])
        func brokenSocket(place: String) throws {
            let token = try ThrowawayToken()
            let ca = try StandIn()
            let dying = try Server(
                token, provider: faultyModule,
                ["FAULTY_MODULE": softHSMModule, "FAULTY_RULES": "\(place):kill"])
            let near = settings(token, ca).merging(["TOKENCERT_MODULE": client]) { $1 }
            let broken = try run(
                product("tokencert"), issue,
                environment: near.merging(["P11_KIT_SERVER_ADDRESS": "unix:path=\(dying.socket)"]) {
                    $1
                })
            #expect(broken.status == 74, "\(broken.errors)")
            #expect(broken.errors.contains("tokencert resume 1"))
            let server = try Server(token, provider: softHSMModule, [:])
            let resumed = try run(
                product("tokencert"), ["resume", "1"],
                environment: near.merging(["P11_KIT_SERVER_ADDRESS": "unix:path=\(server.socket)"])
                {
                    $1
                })
            #expect(resumed.status == 0, "\(resumed.errors)")
            #expect(ca.orders.count == 1)
            #expect(token.contents.count == 3)
        }

        @Test("A token reached through ssh works, and an order survives a broken connection")
        func throughSSH() throws {
            let far = try FarMachine()
            let token = try ThrowawayToken()
            let ca = try StandIn()
            let near = settings(token, ca)
            func configure(_ module: String, _ variables: [String: String]) throws {
                let words = token.environment.merging(variables) { $1 }
                    .map { "\($0.key)=\($0.value)" }
                try FileManager.default.createDirectory(
                    atPath: token.folder.file("modules"), withIntermediateDirectories: true)
                try token.folder.write(
                    "remote: |\(far.ssh) root@127.0.0.1 env \(words.joined(separator: " ")) "
                        + "p11-kit remote \(module)\n", "modules/far.module")
            }
            // As root, p11-kit reads only the system's configuration, so it is replaced in a
            // namespace.
            func tokencert(_ arguments: [String]) throws -> Outcome {
                try run(
                    "unshare",
                    [
                        "-m", "bash", "-c",
                        "mount --make-rprivate / && mount --bind \"$1\" /usr/share/p11-kit/modules "
                            + "&& shift && exec \"$@\"", "_", token.folder.file("modules"),
                        product("tokencert"),
                    ] + arguments, environment: near)
            }
            try configure(softHSMModule, [:])
            let issued = try tokencert(issue + ["--json"])
            #expect(issued.status == 0, "\(issued.errors)")
            let listed = try tokencert(["list"])
            #expect(listed.output.contains("Anna Müller"), "\(listed.errors)")
            let renewed = try tokencert(["renew", "--all", "--new-key", "--retire"])
            #expect(renewed.status == 0, "\(renewed.errors)")
            try configure(
                faultyModule,
                ["FAULTY_MODULE": softHSMModule, "FAULTY_RULES": "C_CreateObject:before:kill"])
            let broken = try tokencert(issue)
            #expect(broken.status == 74, "\(broken.errors)")
            try configure(softHSMModule, [:])
            let resumed = try tokencert(["resume", "3"])
            #expect(resumed.status == 0, "\(resumed.errors)")
            #expect(ca.orders.count == 3)
        }

        @Test("A token works through a socket that ssh forwards")
        func forwardedSocket() throws {
            let far = try FarMachine()
            let token = try ThrowawayToken()
            let ca = try StandIn()
            let server = try Server(token, provider: softHSMModule, [:])
            let near = token.folder.file("near.sock")
            let forwarding = Process()
            forwarding.executableURL = URL(filePath: far.ssh)
            // It exits automatically.
            forwarding.arguments = [
                "-L", "\(near):\(server.socket)", "root@127.0.0.1", "sleep 20",
            ]
            try forwarding.run()
            defer { end(forwarding) }
            for _ in 0..<600 where !FileManager.default.fileExists(atPath: near) {
                Thread.sleep(forTimeInterval: 0.05)
            }
            let outcome = try run(
                product("tokencert"), issue,
                environment: settings(token, ca).merging([
                    "TOKENCERT_MODULE": client, "P11_KIT_SERVER_ADDRESS": "unix:path=\(near)",
                ]) { $1 })
            #expect(outcome.status == 0, "\(outcome.errors)")
        }
    }
}
