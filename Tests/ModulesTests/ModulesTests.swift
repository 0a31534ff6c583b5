import Foundation
import Testing
import TokencertTestSupport

/// The modules to test, by their names in `SoftHSM/modules/module`.
let wantedModules = (ProcessInfo.processInfo.environment["TOKENCERT_MODULES"] ?? "")
    .split(separator: ",").map(String.init)

/// The expected behaviour of a module.
struct Expected: Sendable, CustomTestStringConvertible {
    let name: String
    /// The kinds of keys that the module supports.
    let kinds: [String]
    /// The kinds that are refused before an order is sent.
    let refused: [String]
    /// Whether a key has at most one certificate.
    var hasOneCertificate = false
    /// Whether only the security officer generates keys and writes objects.
    var hasRoles = false

    var testDescription: String { name }

    static let all = [
        Expected(
            name: "softhsm2",
            kinds: [
                "rsa:2048", "rsa:3072", "rsa:4096", "ec:p256", "ec:p384", "ec:p521", "ed25519",
            ],
            refused: []
        ),
        Expected(
            name: "nss",
            kinds: ["rsa:2048", "rsa:3072", "rsa:4096", "ec:p256", "ec:p384", "ec:p521"],
            refused: ["ed25519"]),
        Expected(
            name: "tpm2", kinds: ["rsa:2048", "rsa:3072", "ec:p256", "ec:p384"],
            refused: ["rsa:4096", "ec:p521", "ed25519"]),
        Expected(
            name: "opencryptoki", kinds: ["rsa:2048", "rsa:3072", "rsa:4096"],
            refused: ["ec:p256", "ed25519"]),
        Expected(
            name: "ykcs11", kinds: ["rsa:2048", "ec:p256", "ec:p384"],
            refused: ["rsa:3072", "ec:p521", "ed25519"], hasOneCertificate: true, hasRoles: true),
        Expected(
            name: "p11-kit-server",
            kinds: ["rsa:2048", "rsa:3072", "rsa:4096", "ec:p256", "ec:p384", "ec:p521"],
            refused: ["ed25519"]),
    ]
}

/// Lines for the table in the documentation: module, operation, result.
let results = Results()

final class Results: @unchecked Sendable {
    private let lock = NSLock()

    func add(_ module: String, _ operation: String, _ result: String) {
        lock.withLock {
            let line = "\(module)\t\(operation)\t\(result)\n"
            print(line, terminator: "")
            guard let file = ProcessInfo.processInfo.environment["TOKENCERT_MODULES_TABLE"] else {
                return
            }
            let old = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
            try? (old + line).write(toFile: file, atomically: true, encoding: .utf8)
        }
    }
}

extension RealParts {
    /// The same jobs with every module that this machine can run.
    @Suite(
        .serialized,
        .enabled(
            if: !wantedModules.isEmpty,
            "modules other than SoftHSM2 are tested only by SoftHSM/test --modules"))
    struct ModulesTests {
        private func tokencert(
            _ module: RunningModule, _ ca: StandIn, _ arguments: [String],
            _ more: [String: String] = [:]
        ) throws -> Outcome {
            try module.use(
                product("tokencert"), arguments,
                ca.tokencertEnvironment.merging(["TOKENCERT_CA_ACCEPTS": "rsa,ec,ed25519"]) { $1 }
                    .merging(more) { $1 })
        }

        /// Records the result of a job.
        private func note(_ module: Expected, _ operation: String, _ isRight: Bool, _ text: String)
        {
            #expect(isRight, "\(module.name) \(operation): \(text)")
            results.add(module.name, operation, isRight ? "yes" : "NO")
        }

        private func json(_ outcome: Outcome) throws -> [String: Any] {
            let object = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
            return try #require(object as? [String: Any])
        }

        @Test(
            "Every job works with each module and keeps the existing objects",
            arguments: Expected.all.filter { wantedModules.contains($0.name) })
        func jobs(expected: Expected) throws {
            let module = try RunningModule(expected.name)
            let ca = try StandIn(["--accept-elliptic-curves"])
            // Another program's objects, which must still exist at the end.
            let others = try occupy(module, expected)
            let before = try module.objects()
            #expect(before.count >= 2, "\(before)")

            for kind in expected.kinds {
                let made = try tokencert(module, ca, ["issue", "--key-type", kind, "--json"])
                note(expected, "issue \(kind)", made.status == 0, made.errors)
                guard made.status == 0 else { continue }
                try again(module, ca, expected, kind, try json(made))
            }
            let asked = ca.requests.count
            for kind in expected.refused {
                let refused = try tokencert(module, ca, ["issue", "--key-type", kind])
                #expect(refused.status == 73, "\(expected.name) \(kind): \(refused.errors)")
                results.add(
                    expected.name, "issue \(kind)", refused.status == 73 ? "refused" : "NO")
            }
            #expect(ca.requests.count == asked)

            try renewAndImport(module, ca, expected)
            for id in others { try takenIDs(module, ca, expected, id) }
            try delete(module, ca, expected)

            let request = try tokencert(
                module, ca, ["request", "--key-type", expected.kinds[0], "--name", "x"])
            #expect(request.status == 0, "\(request.errors)")
            let file = try module.folder.write(request.output, "request.pem")
            let verified = try run("openssl", ["req", "-in", file, "-verify", "-noout"])
            note(expected, "request", verified.status == 0, verified.errors)

            let after = try module.objects()
            note(
                expected, "keeps what was there", before.isSubset(of: after),
                "\(before.subtracting(after))")
        }

        /// Writes a key and a certificate that no job may change, and returns their ids.
        private func occupy(_ module: RunningModule, _ expected: Expected) throws -> [String] {
            if expected.name == "nss" { return try occupyDatabase(module) }
            let label = module.environment["TOKENCERT_TOKEN"].map { ["--token-label", $0] } ?? []
            let role =
                expected.hasRoles
                ? ["--login-type", "so", "--so-pin", "env:SO_PIN"] : ["--pin", "env:PIN"]
            let made = try module.use(
                "pkcs11-tool",
                ["--module", module.modulePath] + label + ["--login"] + role
                    + [
                        "--keypairgen", "--key-type", "rsa:2048", "--id", "01", "--label", "others",
                    ],
                ["PIN": module.pin, "SO_PIN": module.soPIN])
            #expect(made.status == 0, "\(made.errors)")
            let der = module.folder.file("others.der")
            try run(
                "openssl",
                [
                    "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "/dev/null",
                    "-outform", "DER", "-out", der, "-subj", "/CN=others",
                ])
            let written = try module.use(
                "pkcs11-tool",
                ["--module", module.modulePath] + label + ["--login"] + role
                    + [
                        "--write-object", der, "--type", "cert", "--id", "03", "--label", "others",
                    ],
                ["PIN": module.pin, "SO_PIN": module.soPIN])
            #expect(written.status == 0, "\(written.errors)")
            return ["01", "03"]
        }

        /// Does the same with NSS's tool, since pkcs11-tool cannot initialise NSS.
        private func occupyDatabase(_ module: RunningModule) throws -> [String] {
            let noise = try module.folder.write("no secret", "noise")
            let database = module.modulePlace + "/database"
            let made = try run(
                "certutil",
                [
                    "-S", "-d", "sql:\(database)", "-f", module.modulePlace + "/pin", "-n",
                    "others", "-s", "CN=others", "-x", "-t", ",,", "-k", "rsa", "-g", "2048",
                    "-z", noise,
                ])
            #expect(made.status == 0, "\(made.errors)")
            let list = try json(module.use(product("tokencert"), ["list", "--json"]))
            let keys = try #require(list["keys"] as? [[String: Any]])
            return keys.compactMap { $0["id"] as? String }
        }

        /// Renews a key's certificate, deletes it, and imports it from a file.
        private func again(
            _ module: RunningModule, _ ca: StandIn, _ expected: Expected, _ kind: String,
            _ issued: [String: Any]
        ) throws {
            let key = try #require(issued["key"] as? String)
            let renewing = try tokencert(module, ca, ["renew", key, "--retire", "--json"])
            note(expected, "renew \(kind)", renewing.status == 0, renewing.errors)
            guard renewing.status == 0 else { return }
            let renewed = try #require((try json(renewing)["renewed"] as? [[String: Any]])?.first)
            let certificate = try #require(renewed.certificate("uri"))
            let removed = try tokencert(module, ca, ["delete", certificate, "--yes"])
            note(expected, "delete, certificate \(kind)", removed.status == 0, removed.errors)
            let file = try module.folder.write(
                try #require(renewed.certificate("pem")), "again.pem")
            let imported = try tokencert(module, ca, ["import", "--cert", file])
            note(expected, "import \(kind)", imported.status == 0, imported.errors)
            let serial = try #require(renewed.certificate("serialNumber"))
            let list = try tokencert(module, ca, ["list", "--json"]).output
            note(expected, "list \(kind)", list.contains("\"\(serial)\""), list)
        }

        private func renewAndImport(
            _ module: RunningModule, _ ca: StandIn, _ expected: Expected
        ) throws {
            let issued = try json(
                tokencert(
                    module, ca, ["issue", "--key-type", expected.kinds[0], "--codesign", "--json"]))
            let key = try #require(issued["key"] as? String)
            let id = try #require(issued["id"] as? String)

            let same = try tokencert(
                module, ca,
                ["renew", key, "--json"] + (expected.hasOneCertificate ? ["--retire"] : []))
            note(expected, "renew", same.status == 0, same.errors)
            if expected.hasOneCertificate {
                let refused = try tokencert(module, ca, ["renew", key])
                #expect(refused.status == 73, "\(refused.errors)")
            }

            let fresh = try tokencert(
                module, ca, ["renew", key, "--new-key", "--retire", "--json"])
            note(expected, "renew --new-key --retire", fresh.status == 0, fresh.errors)

            // The retired certificate can be imported again.
            let renewed = try #require((try json(same)["renewed"] as? [[String: Any]])?.first)
            let pem = try #require(renewed.certificate("pem"))
            let file = try module.folder.write(pem, "renewed.pem")
            let imported = try tokencert(module, ca, ["import", "--cert", file, "--json"])
            #expect(try json(imported)["id"] as? String == id)
            #expect(try json(imported)["wasThere"] as? Bool == false)
            note(expected, "import", imported.status == 0, imported.errors)
        }

        /// Checks that an id in use is refused and nothing changes.
        private func takenIDs(
            _ module: RunningModule, _ ca: StandIn, _ expected: Expected, _ id: String
        ) throws {
            let objects = try module.objects()
            let orders = ca.orders.count
            let taken = try tokencert(
                module, ca, ["issue", "--key-type", expected.kinds[0], "--id", id])
            #expect(taken.status == 73, "\(taken.errors)")
            let request = try tokencert(
                module, ca, ["request", "--key-type", expected.kinds[0], "--id", id])
            #expect(request.status == 73, "\(request.errors)")
            #expect(try module.objects() == objects)
            #expect(ca.orders.count == orders)
            note(
                expected, "refuses an id in use", taken.status == 73 && request.status == 73,
                taken.errors)
        }

        /// Deletes a certificate and then its key, and checks that nothing else changes.
        private func delete(
            _ module: RunningModule, _ ca: StandIn, _ expected: Expected
        ) throws {
            let before = try module.objects()
            let made = try json(
                tokencert(module, ca, ["issue", "--key-type", expected.kinds[0], "--json"]))
            let key = try #require(made["key"] as? String)
            let certificate = try #require(made.certificate("uri"))
            let needed = try tokencert(module, ca, ["delete", key, "--yes"])
            #expect(needed.status == 73, "\(needed.errors)")
            let first = try tokencert(module, ca, ["delete", certificate, "--yes"])
            note(expected, "delete a certificate", first.status == 0, first.errors)
            // The card's module cannot delete keys and reports this.
            let second = try tokencert(module, ca, ["delete", key, "--yes"])
            #expect(second.status == (expected.hasRoles ? 73 : 0), "\(second.errors)")
            let after = try module.objects()
            if expected.hasRoles {
                results.add(expected.name, "delete a key", second.status == 73 ? "refused" : "NO")
                #expect(before.isSubset(of: after), "\(before.subtracting(after))")
            } else {
                note(
                    expected, "delete a key", after == before,
                    "\(after.symmetricDifference(before))")
            }
        }

        @Test(
            "A wrong PIN is sent to a token only once",
            arguments: Expected.all.filter { wantedModules.contains($0.name) },
            [
                ["issue", "--key-type", "rsa:2048"], ["list"],
                ["request", "--key-type", "rsa:2048"],
                ["renew", "--all"], ["import", "--cert", "CERTIFICATE"],
                ["delete", "pkcs11:object=anna%40example.org;type=cert", "--yes"],
            ])
        func wrongPIN(expected: Expected, arguments: [String]) throws {
            let module = try RunningModule(expected.name)
            let ca = try StandIn()
            let issued = try tokencert(
                module, ca, ["issue", "--key-type", "rsa:2048", "--json"])
            #expect(issued.status == 0, "\(issued.errors)")
            let pem = try #require(try json(issued).certificate("pem"))
            let certificate = try module.folder.write(pem, "certificate.pem")
            let wrong = try module.folder.write("654321\n", "wrong")
            let watched = [
                "TOKENCERT_PIN_SOURCE": "file:\(wrong)", "FAULTY_MODULE": module.modulePath,
                "TOKENCERT_MODULE": faultyModule,
                "FAULTY_LOG": module.folder.file("calls"),
            ]
            let words = arguments.map { $0 == "CERTIFICATE" ? certificate : $0 }
            for status: Int32 in [77, 77] {
                let outcome = try tokencert(module, ca, words, watched)
                #expect(outcome.status == status, "\(expected.name): \(outcome.errors)")
            }
            let log = try module.folder.read("calls")
            #expect(log.components(separatedBy: "C_Login").count == 2, "\(expected.name)")
            // The correct PIN still works, so nothing is locked.
            #expect(try tokencert(module, ca, ["list"]).status == 0)
            note(
                expected, "wrong PIN sent once: \(arguments[0])",
                log.components(separatedBy: "C_Login").count == 2, log)
        }

        @Test(
            "An order with OpenSC's PIV driver is refused before the CA is contacted",
            .enabled(if: wantedModules.contains("opensc-piv"), "opensc-piv is not selected"))
        func signsOnly() throws {
            let module = try RunningModule("opensc-piv")
            let ca = try StandIn()
            for arguments in [["issue"], ["issue", "--key-type", "rsa:2048"]] {
                let outcome = try tokencert(module, ca, arguments)
                #expect(outcome.status == 73, "\(outcome.errors)")
                #expect(outcome.errors.contains("CKM_RSA_PKCS_KEY_PAIR_GEN and"))
                #expect(outcome.errors.contains("--module libykcs11.so"))
            }
            let existing = try tokencert(module, ca, ["issue", "--key", "pkcs11:id=%01"])
            #expect(existing.status == 73, "\(existing.errors)")
            #expect(ca.requests.isEmpty)
            #expect(try tokencert(module, ca, ["list"]).status == 0)
            results.add("opensc-piv", "issue", "refused before the CA is asked")
            results.add("opensc-piv", "list", "yes")
        }
    }
}
