import Foundation
import Testing
import TokencertTestSupport

/// What `tokencert use` does with the keys of a module.
struct ExpectedUse: Sendable, CustomTestStringConvertible {
    /// Why a consumer cannot use a key: its message, and whether even `--write` is refused.
    struct Refusal: Sendable {
        let consumers: [String]
        let message: String
        var isBeforeWriting = false
    }

    let name: String
    /// The module that is started.
    var started: String?
    let kinds: [String]
    /// By the kinds of keys.
    var refusals: [String: Refusal] = [:]

    var testDescription: String { name }

    /// The second key on the card is in slot 9c, which requires the PIN for each signature. A login counts
    /// for the first one, which is enough for ssh. OpenSSL's engine asks again, at a terminal only.
    private static let card = [
        "ec:p256": Refusal(
            consumers: ["tls", "mail"], message: "the token requires the PIN for each use")
    ]

    static let all = [
        ExpectedUse(name: "softhsm2", kinds: ["rsa:2048", "ec:p256"]),
        ExpectedUse(name: "tpm2", kinds: ["rsa:2048", "ec:p256"]),
        // The software token generates no elliptic-curve keys.
        ExpectedUse(name: "opencryptoki", kinds: ["rsa:2048"]),
        ExpectedUse(name: "p11-kit-server", kinds: ["rsa:2048", "ec:p256"]),
        ExpectedUse(name: "ykcs11", kinds: ["rsa:2048", "ec:p256"], refusals: card),
        // OpenSC's module generates no keys, so YKCS11 issues the certificates on its card.
        ExpectedUse(
            name: "opensc-piv", started: "ykcs11", kinds: ["rsa:2048", "ec:p256"], refusals: card),
        // NSS softoken needs the path of its database as an argument, which only NSS passes to it.
        ExpectedUse(
            name: "nss", kinds: ["rsa:2048"],
            refusals: [
                "rsa:2048": Refusal(
                    consumers: ["ssh", "tls", "mail"], message: "the module requires arguments",
                    isBeforeWriting: true)
            ]),
    ]
}

/// The programs of the consumers that are missing.
private let missingPrograms: [String] = {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    let folders = path.split(separator: ":").map(String.init) + ["/usr/sbin"]
    let missing = ["ssh", "sshd", "curl", "openssl"].filter { name in
        !folders.contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(name)") }
    }
    let libraries = (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib")) ?? []
    let hasEngine = (libraries.map { "/usr/lib/\($0)" } + ["/usr/lib64"]).contains {
        FileManager.default.fileExists(atPath: "\($0)/engines-3/pkcs11.so")
    }
    return missing + (hasEngine ? [] : ["libengine-pkcs11-openssl"])
}()

extension RealParts {
    /// ssh, TLS clients and mail with each module. Otherwise a set-up is written that a module rejects.
    @Suite(
        .serialized,
        .enabled(
            if: !wantedModules.isEmpty,
            "modules other than SoftHSM2 are tested only by SoftHSM/test --modules"),
        .enabled(
            if: missingPrograms.isEmpty,
            "ssh, sshd, curl, openssl or its PKCS#11 engine is not installed"))
    struct ConsumerModulesTests {
        @Test(
            "ssh, TLS clients and mail use the keys of each module, or are refused with the reason",
            arguments: ExpectedUse.all.filter { wantedModules.contains($0.name) })
        func consumers(expected: ExpectedUse) throws {
            let module = try RunningModule(expected.started ?? expected.name)
            let ca = try StandIn(["--accept-elliptic-curves"])
            let home = try TemporaryFolder()
            var variables = ca.tokencertEnvironment
            variables["TOKENCERT_CA_ACCEPTS"] = "rsa,ec"
            variables["HOME"] = home.path
            variables["XDG_DATA_HOME"] = home.file("data")
            for kind in expected.kinds {
                let issued = try tokencert(
                    module, ["issue", "--key-type", kind, "--json"], variables)
                try #require(issued.status == 0, "\(issued.errors)")
                let made = try JSONSerialization.jsonObject(with: Data(issued.output.utf8))
                let id = try #require((made as? [String: Any])?["id"] as? String)
                var changed = variables
                if expected.started != nil {
                    let libraries = URL(filePath: module.modulePath).deletingLastPathComponent()
                    changed["TOKENCERT_MODULE"] =
                        libraries.appending(path: "pkcs11/opensc-pkcs11.so").path()
                }
                for consumer in ["ssh", "tls", "mail"] {
                    let name = "pkcs11:id=" + Self.encoded(id)
                    let result = try use(consumer, name, module, expected.refusals[kind], changed)
                    results.add(expected.name, "use \(consumer) \(kind)", result)
                }
            }
        }

        /// Writes, checks and takes back a set-up. Returns the result for the table.
        private func use(
            _ consumer: String, _ name: String, _ module: RunningModule,
            _ refusal: ExpectedUse.Refusal?, _ variables: [String: String]
        ) throws -> String {
            let refusal = refusal?.consumers.contains(consumer) == true ? refusal : nil
            let options = consumer == "ssh" ? ["--host", "example.org"] : []
            let written = try tokencert(
                module, ["use", consumer, name, "--write"] + options, variables)
            if let refusal, refusal.isBeforeWriting {
                let isRight = written.status == 65 && written.errors.contains(refusal.message)
                #expect(isRight, "\(module.name) \(consumer): \(written.errors)")
                return isRight ? "no" : "NO"
            }
            let checked = try tokencert(module, ["use", consumer, "--check"], variables)
            let undone = try tokencert(module, ["use", consumer, "--undo"], variables)
            var isRight = written.status == 0 && undone.status == 0
            if let refusal {
                isRight = isRight && checked.status == 65
                isRight = isRight && checked.errors.contains(refusal.message)
            } else {
                isRight = isRight && checked.status == 0 && checked.output.contains("Proved: ")
            }
            let errors = [written, checked, undone].map(\.errors)
            #expect(isRight, "\(module.name) \(consumer): \(errors)")
            return isRight ? (refusal == nil ? "yes" : "no") : "NO"
        }

        /// Runs tokencert in a session without a terminal.
        private func tokencert(
            _ module: RunningModule, _ arguments: [String], _ variables: [String: String]
        ) throws -> Outcome {
            try module.use(
                "setsid", ["-w", "timeout", "-k", "5", "110", product("tokencert")] + arguments,
                variables)
        }

        /// Hexadecimal digits as in a URI.
        private static func encoded(_ id: String) -> String {
            let digits = Array(id)
            return stride(from: 0, to: digits.count, by: 2).map {
                "%" + String(digits[$0...$0 + 1])
            }
            .joined()
        }
    }
}
