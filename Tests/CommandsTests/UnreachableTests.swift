import Foundation
import Testing
import TokencertTestSupport

/// Runs tokencert as a user other than root, to whom file permissions apply.
func tokencertWithoutPrivileges(
    _ bench: Bench, _ arguments: [String], _ changes: [String: String]
) throws -> Outcome {
    let all = bench.environment.merging(changes) { $1 }.filter { !$0.value.isEmpty }
    let line = [product("tokencert")] + arguments
    guard getuid() == 0 else {
        return try run(line[0], arguments, environment: all)
    }
    return try run(
        "setpriv", ["--reuid", "65534", "--regid", "65534", "--clear-groups"] + line,
        environment: all)
}

extension RealParts {
    /// Files that exist but cannot be accessed do not count as missing.
    @Suite struct UnreachableTests {
        private var files: FileManager { .default }

        /// Otherwise the default CA could get the password of another CA.
        @Test(
            "A configuration file that cannot be accessed is an error in each command",
            arguments: ["dangling", "circle", "parent", "file", "closed"])
        func configuration(kind: String) throws {
            let bench = try Bench()
            let folder = bench.token.folder
            let place = folder.file("config/tokencert")
            try files.createDirectory(
                atPath: folder.file("config"), withIntermediateDirectories: true)
            switch kind {
            case "dangling":
                try files.createDirectory(atPath: place, withIntermediateDirectories: true)
                try files.createSymbolicLink(
                    atPath: place + "/config.json", withDestinationPath: "/nonexistent/dotfiles")
            case "circle":
                try files.createSymbolicLink(atPath: place, withDestinationPath: place)
            case "parent":
                try files.createSymbolicLink(
                    atPath: place, withDestinationPath: "/nonexistent/dotfiles")
            case "file":
                try folder.write("x", "config/tokencert")
            default:
                try files.createDirectory(atPath: place, withIntermediateDirectories: true)
                try folder.write("{}", "config/tokencert/config.json")
                try files.setAttributes([.posixPermissions: 0], ofItemAtPath: place)
            }
            defer { try? files.setAttributes([.posixPermissions: 0o700], ofItemAtPath: place) }
            for command in ["config", "account", "history"] {
                let outcome =
                    try kind == "closed"
                    ? tokencertWithoutPrivileges(bench, [command], [:])
                    : bench.tokencert([command])
                expect(outcome, 78, "config.json")
            }
            guard kind != "closed" else { return }
            let doctor = try bench.tokencert(["doctor", "--offline"])
            #expect(doctor.status == 79 && doctor.output.contains("fail  configuration"))
        }

        /// Otherwise existing trust anchors and profiles would be ignored.
        @Test(
            "Inaccessible folders of trust anchors and token profiles do not count as empty")
        func folders() throws {
            let bench = try Bench()
            let folder = bench.token.folder
            for name in ["data/tokencert", "config/tokencert"] {
                try files.createDirectory(
                    atPath: folder.file(name), withIntermediateDirectories: true)
            }
            try files.createSymbolicLink(
                atPath: folder.file("data/tokencert/anchors"), withDestinationPath: "/nonexistent/a"
            )
            let own = ["TOKENCERT_CA_FILE": ""]
            for arguments in [["trust"], ["issue"], ["health"], ["trust", "remove", "x"]] {
                expect(try bench.tokencert(arguments, own), 78, "anchors")
            }
            try files.createSymbolicLink(
                atPath: folder.file("config/tokencert/token-profiles"),
                withDestinationPath: "token-profiles")
            expect(try bench.tokencert(["list"]), 78, "token profiles")
            #expect(bench.ca.orders.isEmpty)
        }

        /// Otherwise "No such file or directory" would mislead the user.
        @Test(
            "A folder without write permission is refused in advance with the reason")
        func closedFolder() throws {
            let bench = try Bench()
            let folder = bench.token.folder
            try files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path)
            try files.createDirectory(
                atPath: folder.file("closed"), withIntermediateDirectories: true)
            // The file is writable, but its folder is not, so it cannot be replaced.
            try folder.write("kept", "closed/file")
            for (name, mode) in [("closed/file", 0o666), ("closed", 0o555)] {
                try files.setAttributes(
                    [.posixPermissions: mode], ofItemAtPath: folder.file(name))
            }
            defer {
                try? files.setAttributes(
                    [.posixPermissions: 0o700], ofItemAtPath: folder.file("closed"))
            }
            let root = try folder.write(
                try String(contentsOfFile: bench.ca.rootFile, encoding: .utf8), "root.pem")
            for arguments in [
                ["issue", "--out", folder.file("closed/file")],
                ["request", "--out", folder.file("closed/new")],
                ["trust", "add", root],
            ] {
                let outcome = try tokencertWithoutPrivileges(
                    bench, arguments,
                    bench.faulty(["XDG_DATA_HOME": folder.file("closed/data")]))
                expect(outcome, 78, "Permission denied")
                #expect(!outcome.errors.contains("No such file"), "\(outcome.errors)")
            }
            #expect(try folder.read("closed/file") == "kept")
            #expect(bench.calls("C_Initialize") == 0 && bench.ca.orders.isEmpty)
        }

        /// Otherwise SQLite leaves an index that is read-only, and the ledger can never be written again.
        @Test("A ledger that was read-only is usable as soon as it is writable again")
        func readOnlyLedger() throws {
            let bench = try Bench()
            let folder = bench.token.folder
            let ledger = folder.file("state/tokencert/ledger.sqlite")
            #expect(try bench.tokencert(["request", "--label", "first"]).status == 0)
            if getuid() == 0 { try run("chown", ["-R", "65534", folder.path]) }
            func request() throws -> Outcome {
                try tokencertWithoutPrivileges(bench, ["request", "--label", "second"], [:])
            }
            try files.setAttributes([.posixPermissions: 0o400], ofItemAtPath: ledger)
            let refused = try request()
            expect(refused, 78, "cannot write \(ledger): Permission denied")
            #expect(refused.errors.contains("chmod u+w"), "\(refused.errors)")
            let doctor = try tokencertWithoutPrivileges(bench, ["doctor", "--offline"], [:])
            #expect(doctor.status == 79 && doctor.output.contains("cannot write"), "\(doctor)")
            for end in ["-wal", "-shm"] {
                #expect(!files.fileExists(atPath: ledger + end), "\(end)")
            }
            try files.setAttributes([.posixPermissions: 0o600], ofItemAtPath: ledger)
            // An earlier version has left this index.
            try folder.write("", "state/tokencert/ledger.sqlite-shm")
            if getuid() == 0 { try run("chown", ["65534", ledger + "-shm"]) }
            try files.setAttributes([.posixPermissions: 0o400], ofItemAtPath: ledger + "-shm")
            expect(try request(), 78, "cannot write \(ledger)-shm: Permission denied")
            try files.setAttributes([.posixPermissions: 0o600], ofItemAtPath: ledger + "-shm")
            let done = try request()
            #expect(done.status == 0, "\(done.errors)")
        }
    }
}
