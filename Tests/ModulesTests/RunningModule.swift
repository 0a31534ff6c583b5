import Foundation
import TokencertTestSupport

/// A PKCS#11 module with everything that it needs, started by `SoftHSM/modules/module`.
final class RunningModule: Sendable {
    let name: String
    let folder: TemporaryFolder
    /// The environment that programs need to use the module.
    let environment: [String: String]
    /// The words before the command line of every program that uses the module.
    let wrapper: [String]

    private static let script = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../SoftHSM/modules/module").standardizedFileURL.path()

    /// Short, since the length of a socket's path is limited.
    private let place: String

    init(_ name: String, behind: RunningModule? = nil) throws {
        self.name = name
        folder = try TemporaryFolder()
        place = folder.file("m")
        var variables: [String: String] = [:]
        if let behind { variables["BEHIND"] = behind.place }
        let outcome = try run(
            Self.script, ["start", name, place], environment: variables, seconds: 300)
        guard outcome.status == 0 else { throw ModuleTrouble("\(outcome.errors)") }
        var environment: [String: String] = [
            "XDG_STATE_HOME": folder.file("state"), "XDG_CONFIG_HOME": folder.file("config"),
        ]
        // The settings are shell commands.
        guard
            let read = try? run(
                "bash",
                [
                    "-c",
                    "eval \"$(\"$1\" env \"$2\")\"; env -0 | grep -zE "
                        + "'^(TOKENCERT|SOFTHSM2|TPM2|DBUS|PCSCLITE|P11_KIT|MODULE)'",
                    "_", Self.script, place,
                ])
        else {
            _ = try? run(Self.script, ["stop", place], seconds: 120)
            throw ModuleTrouble("the settings of \(name) cannot be read")
        }
        for line in read.output.split(separator: "\0") {
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            environment[String(parts[0])] = String(parts[1])
        }
        wrapper = (environment.removeValue(forKey: "MODULE_WRAP") ?? "").split(separator: " ")
            .map(String.init)
        self.environment = environment
    }

    deinit {
        _ = try? run(Self.script, ["stop", place], seconds: 120)
    }

    /// The folder in which the module was started.
    var modulePlace: String { place }
    var modulePath: String { environment["TOKENCERT_MODULE"] ?? "" }
    var pin: String { secret("TOKENCERT_PIN_SOURCE") }
    var soPIN: String { secret("TOKENCERT_SO_PIN_SOURCE") }

    private func secret(_ variable: String) -> String {
        let path = (environment[variable] ?? "").dropFirst("file:".count)
        let text = (try? String(contentsOfFile: String(path), encoding: .utf8)) ?? ""
        return text.trimmingCharacters(in: .newlines)
    }

    /// Runs a program that uses the module.
    func use(
        _ program: String, _ arguments: [String], _ more: [String: String] = [:],
        seconds: Double = 120
    ) throws -> Outcome {
        let words = wrapper + [program] + arguments
        return try run(
            words[0], Array(words.dropFirst()), environment: environment.merging(more) { $1 },
            seconds: seconds)
    }

    /// Every object that the user sees, with its URI and value, which tells a replaced key apart.
    func objects() throws -> Set<String> {
        let list = try use(
            product("tokencert"), ["list", "--json", "--retry-pin"])
        guard list.status == 0,
            let all = try JSONSerialization.jsonObject(with: Data(list.output.utf8))
                as? [String: Any]
        else { throw ModuleTrouble(list.errors) }
        var objects: Set<String> = []
        let certificates = all["certificates"] as? [[String: Any]] ?? []
        for key in all["keys"] as? [[String: Any]] ?? [] {
            for half in ["privateKey", "publicKey"].compactMap({ key[$0] as? String }) {
                objects.insert("\(half) \(key["sha256"] ?? "")")
            }
        }
        for entry in certificates {
            let parts = ["uri", "serialNumber", "subject", "notAfter"].map { entry[$0] ?? "" }
            objects.insert("\(parts)")
        }
        return objects
    }
}

/// Why a module cannot be started or read.
struct ModuleTrouble: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
