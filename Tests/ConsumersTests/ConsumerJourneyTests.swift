import Foundation
import Testing
import TokencertTestSupport

/// How a consumer is tested with its real programs.
struct Journey: Sendable, CustomTestStringConvertible {
    let consumer: String
    /// Options that say where it is set up.
    var options: [String] = []
    /// Options for the certificate.
    var certificate: [String] = []
    /// Files of the user, by their paths in the home folder.
    var files: [String: String] = [:]
    /// The folder with the profiles of a program that uses NSS.
    var profiles: String?
    /// Whether its programs are tested only on a machine that already has them.
    var mayBeMissing = false

    var testDescription: String { consumer }

    static let all = [
        Journey(
            consumer: "ssh", options: ["--host", "example.org"],
            files: [".ssh/config": "Host other\n    Port 2222\n", ".ssh/known_hosts": "# none\n"]),
        Journey(consumer: "tls", files: [".curlrc": "silent\n", ".wgetrc": "timeout = 20\n"]),
        Journey(consumer: "openssl", files: ["openssl.cnf": "# the user's\n"]),
        Journey(consumer: "git", files: [".gitconfig": "[user]\n\tname = Anna\n"]),
        Journey(consumer: "mail", files: [".muttrc": "set realname=\"Anna\"\n"]),
        Journey(consumer: "code", certificate: ["--codesign"]),
        Journey(
            consumer: "nginx", options: ["--file", "~/nginx/tokencert.conf"],
            files: ["nginx/nginx.conf": "# the user's\n"]),
        Journey(consumer: "firefox", profiles: ".mozilla/firefox", mayBeMissing: true),
        Journey(
            consumer: "thunderbird",
            files: [
                ".thunderbird/anna.default/prefs.js":
                    "user_pref(\"mail.identity.id1.useremail\", \"anna@example.org\");\n"
            ], profiles: ".thunderbird", mayBeMissing: true),
    ]
}

extension UseBench {
    /// Creates a profile of a program that uses NSS, as its first start does.
    func makeProfile(in folder: String) throws {
        try write(
            """
            [Profile0]
            Name=default
            IsRelative=1
            Path=anna.default
            Default=1

            [General]
            StartWithLastProfile=1
            Version=2

            """, folder + "/profiles.ini")
        let profile = folder + "/anna.default"
        try write("[Compatibility]\nLastVersion=140.0_1/1\n", profile + "/compatibility.ini")
        let made = try run(
            "certutil", ["-N", "-d", "sql:" + home.file(profile), "--empty-password"])
        try #require(made.status == 0, "\(made.errors)")
    }

    /// Creates the files of the user that a journey requires.
    func prepare(_ journey: Journey) throws {
        for (name, text) in journey.files { try write(text, name) }
        if let profiles = journey.profiles { try makeProfile(in: profiles) }
    }

    /// A consumer in the list of `tokencert use`.
    func listed(_ consumer: String) throws -> [String: Any] {
        let list = try json(["use"])["consumers"] as? [[String: Any]]
        return try #require(
            list?.first { $0["name"] as? String == consumer },
            "\(consumer) is not in the list of tokencert use")
    }
}

extension RealParts {
    /// Every consumer with its real programs. Otherwise a set-up may not work, or may leave files of the
    /// user changed.
    @Suite(
        .serialized,
        .enabled(
            if: consumersAreTested,
            "ssh, git and other programs are tested only by SoftHSM/test --consumers"))
    struct ConsumerJourneyTests {
        @Test("Every consumer is tested with its real programs")
        func all() throws {
            let list = try #require(
                try UseBench().json(["use"])["consumers"] as? [[String: Any]])
            let names = list.compactMap { $0["name"] as? String }
            #expect(Set(names) == Set(Journey.all.map(\.consumer)))
        }

        @Test(
            "A set-up works, follows a renewal, and is taken back byte for byte",
            arguments: Journey.all, ["rsa:2048", "ec:p256"])
        func journey(journey: Journey, keyType: String) throws {
            let bench = try UseBench(keyType: keyType, issuing: journey.certificate)
            try bench.prepare(journey)
            let consumer = journey.consumer
            let listed = try bench.listed(consumer)
            if journey.mayBeMissing, listed["isInstalled"] as? Bool == false {
                print("\(consumer) is not tested, since it is not installed on this machine")
                return
            }
            let before = bench.files

            // Without --write, nothing changes.
            let shown = try bench.json(["use", consumer, "mail"] + journey.options)
            #expect((shown["files"] as? [Any])?.isEmpty == false)
            #expect(shown["isWritten"] as? Bool == false)
            try bench.require(["use", consumer, "mail"] + journey.options)
            #expect(bench.files.changes(since: before) == [])

            let written = try bench.json(["use", consumer, "mail", "--write"] + journey.options)
            #expect(written["isWritten"] as? Bool == true)
            #expect(bench.files.changes(since: before) != [])
            #expect(try bench.listed(consumer)["isSetUp"] as? Bool == true)
            let first = bench.files

            // The certificate and the options are those that are set up.
            try bench.require(["use", consumer, "--write"])
            #expect(bench.files.changes(since: first) == [])

            try check(consumer, bench)
            #expect(bench.files.changes(since: first) == [])

            try bench.require(["renew", "mail", "--retire"])
            #expect(try state(consumer, bench) == "written")
            #expect(try state(consumer, bench) == "unchanged")
            let renewed = bench.files
            try check(consumer, bench)
            #expect(bench.files.changes(since: renewed) == [])
            #expect(bench.filesWithPIN == [])

            let undone = try bench.json(["use", consumer, "--undo"])
            let results = (undone["files"] as? [[String: Any]] ?? [])
                .compactMap { $0["result"] as? String }
            #expect(Set(results).isSubset(of: ["asBefore", "removed"]), "\(undone)")
            #expect(bench.files.changes(since: before) == [])
            #expect(!FileManager.default.fileExists(atPath: bench.records))
            #expect(try bench.listed(consumer)["isSetUp"] as? Bool == false)
        }

        /// Runs `--check`, which must prove something.
        private func check(_ consumer: String, _ bench: UseBench) throws {
            let report = try bench.json(["use", consumer, "--check"])
            #expect((report["proofs"] as? [String])?.isEmpty == false, "\(report)")
        }

        /// What `--all-present` reports.
        private func state(_ consumer: String, _ bench: UseBench) throws -> String? {
            let report = try bench.json(["use", consumer, "--all-present"])
            let setUps = report["setUps"] as? [[String: Any]] ?? []
            #expect(setUps.count == 1)
            return setUps.first?["state"] as? String
        }

        // Otherwise a profile that the programs of NSS accept may still not work in Firefox.
        @Test("Firefox loads the module of its profile, and reads the token without a PIN")
        func startedFirefox() throws {
            let bench = try UseBench()
            let journey = try #require(Journey.all.first { $0.consumer == "firefox" })
            let folder = try #require(journey.profiles) + "/anna.default"
            try bench.prepare(journey)
            guard try bench.listed("firefox")["isInstalled"] as? Bool == true else {
                print("firefox is not tested, since it is not installed on this machine")
                return
            }
            let log = bench.token.folder.file("calls")
            let logged = ["TOKENCERT_MODULE": faultyModule, "FAULTY_MODULE": softHSMModule]
            try bench.require(["use", "firefox", "mail", "--write"], logged)
            let page = bench.home.file("page.png")
            let started = try run(
                "firefox",
                [
                    "--headless", "--no-remote", "--profile", bench.home.file(folder),
                    "--screenshot", page, "about:blank",
                ],
                environment: bench.environment.merging(logged) { $1 }.merging(["FAULTY_LOG": log]) {
                    $1
                }, seconds: 60)
            #expect(FileManager.default.fileExists(atPath: page), "\(started)")
            let calls = try String(contentsOfFile: log, encoding: .utf8)
                .split(separator: "\n").compactMap { $0.split(separator: " ").dropFirst().first }
            #expect(calls.first { $0.hasPrefix("C_Init") } == "C_Initialize")
            #expect(calls.contains("C_GetTokenInfo") && calls.contains("C_FindObjects"))
            #expect(!calls.contains("C_Login"))
        }

        @Test(
            "A file without a line end at its end is taken back byte for byte",
            arguments: [("ssh", ".ssh/config"), ("git", ".gitconfig"), ("mail", ".muttrc")])
        func withoutLineEnd(consumer: String, file: String) throws {
            let bench = try UseBench()
            let journey = try #require(Journey.all.first { $0.consumer == consumer })
            try bench.prepare(journey)
            try bench.write(String((journey.files[file] ?? "").dropLast()), file)
            let before = bench.files
            try bench.require(["use", consumer, "mail", "--write", "--check"] + journey.options)
            #expect(bench.files.changes(since: before) != [])
            try bench.require(["use", consumer, "--undo"])
            #expect(bench.files.changes(since: before) == [])
        }

        @Test("All set-ups can be written beside each other and taken back in any order")
        func together() throws {
            let bench = try UseBench(issuing: ["--codesign"])
            var journeys: [Journey] = []
            for journey in Journey.all {
                try bench.prepare(journey)
                guard try bench.listed(journey.consumer)["isInstalled"] as? Bool == true else {
                    continue
                }
                journeys.append(journey)
            }
            let before = bench.files
            for journey in journeys {
                try bench.require(
                    ["use", journey.consumer, "mail", "--write"] + journey.options)
            }
            try bench.require(["renew", "mail", "--retire"])
            let report = try bench.json(["use", "--all-present"])
            let states = (report["setUps"] as? [[String: Any]] ?? [])
                .compactMap { $0["state"] as? String }
            #expect(states == journeys.map { _ in "written" })
            for journey in journeys { try check(journey.consumer, bench) }
            for journey in journeys { try bench.require(["use", journey.consumer, "--undo"]) }
            #expect(bench.files.changes(since: before) == [])
        }

        @Test("The hook after-renew updates the set-ups")
        func hook() throws {
            let bench = try UseBench()
            let command = "\(product("tokencert")) use --all-present"
            try bench.write(
                #"{"hooks": {"after-renew": "\#(command)"}}"#, ".config/tokencert/config.json")
            try bench.require(["use", "openssl", "mail", "--write"])
            let renewed = try bench.require(["renew", "mail", "--retire"])
            #expect(!renewed.errors.contains("warning: "), "\(renewed.errors)")
            let report = try bench.json(["use", "openssl", "--all-present"])
            let setUps = report["setUps"] as? [[String: Any]]
            #expect(setUps?.first?["state"] as? String == "unchanged")
            try check("openssl", bench)
        }
    }
}

/// Whether the programs of the consumers are installed for the tests.
let consumersAreTested =
    !(ProcessInfo.processInfo.environment["TOKENCERT_CONSUMERS"] ?? "").isEmpty
