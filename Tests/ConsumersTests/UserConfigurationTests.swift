import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// What the user's settings of other programs change in a check. Otherwise the PIN is sent through a
    /// module that was not verified, or a check runs the user's commands.
    @Suite(
        .serialized,
        .enabled(
            if: consumersAreTested,
            "ssh, git and other programs are tested only by SoftHSM/test --consumers"))
    struct UserConfigurationTests {
        @Test(
            "A check works if the path of TMPDIR has special characters",
            arguments: ["ssh", "nginx", "code"])
        func temporaryFolder(consumer: String) throws {
            let journey = try #require(Journey.all.first { $0.consumer == consumer })
            let bench = try UseBench(issuing: journey.certificate)
            try bench.prepare(journey)
            let odd = bench.token.folder.file("a b;$c:é")
            try FileManager.default.createDirectory(
                atPath: odd, withIntermediateDirectories: false)
            try bench.require(
                ["use", consumer, "mail", "--write", "--check"] + journey.options,
                ["TMPDIR": odd])
        }

        @Test(
            "The PIN is sent only through the module of the set-up, and not a PIN of another one",
            arguments: ["tls", "openssl", "git", "mail", "nginx"])
        func openssl(consumer: String) throws {
            let bench = try UseBench()
            let journey = try #require(Journey.all.first { $0.consumer == consumer })
            try bench.prepare(journey)
            try bench.require(["use", consumer, "mail", "--write"] + journey.options)
            let log = bench.token.folder.file("other-calls")
            try bench.require(
                ["use", consumer, "--check"],
                [
                    "OPENSSL_CONF": try configurationOfOtherModule(bench),
                    "FAULTY_MODULE": softHSMModule,
                    "FAULTY_LOG": log,
                ])
            #expect(!FileManager.default.fileExists(atPath: log))
        }

        @Test("A printed command of openssl sends the PIN only through the module of the set-up")
        func printedCommand() throws {
            let bench = try UseBench()
            let setUp = try bench.json(["use", "openssl", "mail", "--write"])
            let commands = try #require(setUp["commands"] as? [String])
            let file = bench.token.folder.file("message")
            try Data("A message.\n".utf8).write(to: URL(filePath: file))
            let log = bench.token.folder.file("other-calls")
            let environment = bench.environment.merging([
                "OPENSSL_CONF": try configurationOfOtherModule(bench), "FAULTY_LOG": log,
                "FAULTY_MODULE": softHSMModule,
            ]) { $1 }
            for command in commands {
                let signing = try run(
                    "setsid", ["-w", "sh", "-c", command.replacing("FILE", with: file)],
                    environment: environment, input: "\(bench.token.pin)\n")
                #expect(signing.status == 0, "\(command): \(signing.errors)")
            }
            #expect(!FileManager.default.fileExists(atPath: log))
        }

        /// A configuration of OpenSSL in which the engine uses another module and another PIN.
        private func configurationOfOtherModule(_ bench: UseBench) throws -> String {
            let folder = try run("openssl", ["version", "-e"]).output.split(separator: "\"")
            return try bench.token.folder.write(
                """
                openssl_conf = start
                [start]
                engines = engines
                [engines]
                pkcs11 = pkcs11
                [pkcs11]
                engine_id = pkcs11
                dynamic_path = \(try #require(folder.dropFirst().first))/pkcs11.so
                MODULE_PATH = \(faultyModule)
                PIN = 99999999
                init = 0

                """, "other.cnf")
        }

        @Test("Java does not load another token with the options in the environment")
        func java() throws {
            let bench = try UseBench(issuing: ["--codesign"])
            try bench.require(["use", "code", "mail", "--write"])
            let log = bench.token.folder.file("other-calls")
            let provider = try bench.token.folder.write(
                "name = tokencert-check\nlibrary = \(faultyModule)\nslotListIndex = 0\n",
                "other.cfg")
            let security = try bench.token.folder.write(
                "security.provider.1=SunPKCS11 \(provider)\nsecurity.provider.2=SUN\n",
                "other.security")
            try bench.require(
                ["use", "code", "--check"],
                [
                    "JAVA_TOOL_OPTIONS": "-Djava.security.properties=\(security)",
                    "FAULTY_MODULE": softHSMModule, "FAULTY_LOG": log,
                ])
            #expect(!FileManager.default.fileExists(atPath: log))
        }

        @Test("A check of ssh works with settings of the user, and does not run their commands")
        func ssh() throws {
            let bench = try UseBench()
            let ran = bench.token.folder.file("ran")
            try bench.write(
                """
                Host *
                    KnownHostsCommand /usr/bin/touch \(ran)
                    PermitLocalCommand yes
                    LocalCommand /usr/bin/touch \(ran)
                    ForkAfterAuthentication yes
                    StdinNull yes
                    ProxyUseFdpass yes

                """, ".ssh/config")
            try bench.require(["use", "ssh", "mail", "--write", "--host", "example.org"])
            try bench.require(["use", "ssh", "--check"])
            #expect(!FileManager.default.fileExists(atPath: ran))
        }

        @Test("A PIN that begins with the name of the token is sent as it is by NSS")
        func nss() throws {
            let bench = try UseBench()
            let journey = try #require(Journey.all.first { $0.consumer == "firefox" })
            try bench.prepare(journey)
            if try bench.listed("firefox")["isInstalled"] as? Bool == false {
                print("firefox is not tested, since it is not installed on this machine")
                return
            }
            let pin = bench.token.label + ":12345678"
            let file = try bench.token.folder.write(pin + "\n", "new-pin")
            let changed = try run(
                "pkcs11-tool",
                [
                    "--module", softHSMModule, "--login", "--pin", "env:OLD_PIN",
                    "--change-pin", "--new-pin", "env:NEW_PIN",
                ],
                environment: bench.environment.merging(
                    ["OLD_PIN": bench.token.pin, "NEW_PIN": pin]) { $1 })
            try #require(changed.status == 0, "\(changed.errors)")
            try bench.require(["use", "firefox", "mail", "--write", "--pin-source", "file:\(file)"])
            try bench.require(["use", "firefox", "--check", "--pin-source", "file:\(file)"])
        }
    }
}
