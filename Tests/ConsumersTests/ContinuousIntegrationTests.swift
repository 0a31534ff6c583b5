import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// The action for jobs of other projects, and the examples in the guide. They are run as they are
    /// written; otherwise users would copy commands that do not work.
    @Suite struct ContinuousIntegrationTests {
        @Test("The workflow for GitHub in the guide issues a certificate and ends what it started")
        func workflow() throws {
            let job = try Job()
            let steps = try Guide().example("yaml", 0).components(separatedBy: "\n      - ")
            #expect(steps.count == 7, "\(steps)")
            for step in steps.dropFirst() {
                if step.contains("/.github/actions/test-token@") {
                    let inputs = Guide.block(below: "        with:", in: step)
                    try job.useAction(inputs: Guide.pairs(inputs))
                    #expect(try job.isCARunning)
                } else if let command = Guide.value(of: "run", in: step) {
                    let outcome = try job.shell(command)
                    #expect(outcome.status == 0, "\(command): \(outcome)")
                } else {
                    #expect(step.hasPrefix("uses: actions/checkout@"), "\(step)")
                }
            }
            try job.requireEnd(certificate: "mail.pem")
        }

        @Test("The settings of a job contain no PIN")
        func settings() throws {
            let job = try Job()
            try job.useAction(inputs: [:])
            let text = try job.folder.read("environment")
            for name in ["pin", "so-pin"] {
                let pin = try job.folder.read("test-token/token/\(name)")
                    .trimmingCharacters(in: .whitespacesAndNewlines)
                #expect(pin.count >= 6 && !text.contains(pin))
            }
            for line in text.split(separator: "\n") {
                #expect(line.contains(/^[A-Z0-9_]+=./), "\(line)")
            }
        }

        @Test("With its inputs, the action sets the label, the kinds of keys and the CA's options")
        func inputs() throws {
            let job = try Job()
            try job.useAction(inputs: [
                "label": "two words", "elliptic-curves": "true", "ca-options": "--signer class3",
            ])
            let issued = try job.shell("tokencert issue --key-type ec:p256 --json")
            #expect(issued.status == 0, "\(issued)")
            #expect(issued.output.contains("token=two%20words"), "\(issued)")
            #expect(issued.output.contains("Class 3"), "\(issued)")
            let stopped = try job.shell("\"$TEST_TOKEN_STOP\"")
            #expect(stopped.status == 0, "\(stopped)")
            #expect(try !job.isCARunning)
        }

        @Test("The job for GitLab in the guide issues a certificate and ends what it started")
        func gitLab() throws {
            let job = try Job()
            let text = try Guide().example("yaml", 1)
            func commands(_ name: String) -> String {
                Guide.block(below: "  \(name):", in: text)
                    .map { $0.dropFirst(2) }.joined(separator: "\n")
            }
            // The test does not install packages.
            try job.addProgram("apt-get", "#!/bin/sh\necho \"$@\" >>installed\n")
            let project = ["CI_PROJECT_DIR": job.folder.path]
            let work = try job.shell(
                commands("before_script") + "\n" + commands("script"), project)
            #expect(work.status == 0, "\(work)")
            #expect(try job.folder.read("installed").contains("opensc openssl"))
            #expect(try job.isCARunning)
            let after = try job.shell(commands("after_script"), project)
            #expect(after.status == 0, "\(after)")
            try job.requireEnd(certificate: "mail.pem")
        }

        @Test("The example for a shell in the guide issues a certificate and ends what it started")
        func shell() throws {
            let job = try Job()
            let outcome = try job.shell(try Guide().example("sh", 0))
            #expect(outcome.status == 0, "\(outcome)")
            try job.requireEnd(certificate: "mail.pem")
        }

        @Test("A folder that exists is refused and stays as it is")
        func existingFolder() throws {
            let job = try Job()
            try FileManager.default.createDirectory(
                atPath: job.folder.file("test-token"), withIntermediateDirectories: true)
            try job.folder.write("mine", "test-token/file")
            let started = try job.shell("tokencert/.github/actions/test-token/start test-token")
            #expect(started.status == 73 && started.output.isEmpty, "\(started)")
            let stopped = try job.shell("tokencert/.github/actions/test-token/stop test-token")
            #expect(stopped.status == 66, "\(stopped)")
            #expect(try job.folder.read("test-token/file") == "mine")
        }

        @Test("If the CA does not start, nothing is left, and the reason is printed")
        func failedStart() throws {
            let job = try Job()
            let started = try job.shell(
                "tokencert/.github/actions/test-token/start test-token work --no-such-option")
            #expect(started.status == 69 && started.output.isEmpty, "\(started)")
            #expect(started.errors.contains("--no-such-option"), "\(started)")
            #expect(!FileManager.default.fileExists(atPath: job.folder.file("test-token")))
        }
    }
}

private let repository = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

/// A job of a CI system in its own folder, with tokencert in a folder below. The programs are those that
/// were built with the tests.
private final class Job {
    let folder: TemporaryFolder
    private let action: String

    init() throws {
        folder = try TemporaryFolder()
        action = try String(
            contentsOf: repository.appending(path: ".github/actions/test-token/action.yml"),
            encoding: .utf8)
        for name in ["home", "programs"] {
            try FileManager.default.createDirectory(
                atPath: folder.file(name), withIntermediateDirectories: true)
        }
        try FileManager.default.createSymbolicLink(
            atPath: folder.file("tokencert"), withDestinationPath: repository.path())
        for name in ["environment", "path"] { try folder.write("", name) }
    }

    deinit {
        _ = try? shell("tokencert/.github/actions/test-token/stop test-token")
    }

    /// Adds a program that is found before those of the system.
    func addProgram(_ name: String, _ text: String) throws {
        let file = try folder.write(text, "programs/\(name)")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file)
    }

    /// Runs a step as a runner of GitHub does: with the variables that earlier steps have set.
    func shell(_ script: String, _ variables: [String: String] = [:]) throws -> Outcome {
        let built = URL(filePath: product("tokencert")).deletingLastPathComponent().path()
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        var environment = [
            "PATH": "\(folder.file("programs")):\(built):\(path)", "HOME": folder.file("home"),
        ]
        for line in try folder.read("environment").split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1)
            environment[String(parts[0])] = parts.count == 2 ? String(parts[1]) : ""
        }
        return try run(
            "bash",
            [
                "--noprofile", "--norc", "-eo", "pipefail", "-c", "cd \"$0\"\n" + script,
                folder.path,
            ], environment: environment.merging(variables) { $1 })
    }

    /// Runs the step of the action, whose other inputs have their defaults.
    func useAction(inputs: [String: String]) throws {
        var values: [String: String] = [:]
        var name = ""
        for line in Guide.block(below: "inputs:", in: action) {
            if !line.hasPrefix(" ") {
                name = line.replacing(":", with: "")
            } else if let value = Guide.value(of: "default", in: line) {
                values[name] = value
            }
        }
        #expect(Set(inputs.keys).isSubset(of: values.keys), "\(inputs)")
        values.merge(inputs) { $1 }
        var variables = [
            "GITHUB_ACTION_PATH": repository.path() + ".github/actions/test-token",
            "GITHUB_ENV": folder.file("environment"), "GITHUB_PATH": folder.file("path"),
            "RUNNER_TEMP": folder.path,
        ]
        for (variable, text) in Guide.pairs(Guide.block(below: "      env:", in: action)) {
            let input = text.replacing("${{ inputs.", with: "").replacing(" }}", with: "")
            let value: String = try #require(values[input], "\(text)")
            variables[variable] = value
        }
        let script = Guide.block(below: "      run: |", in: action).joined(separator: "\n")
        let outcome = try shell(script, variables)
        #expect(outcome.status == 0, "\(outcome)")
    }

    /// Whether the stand-in of the job is running.
    var isCARunning: Bool {
        get throws {
            let text = try? folder.read("test-token/ca.pid")
            guard let number = text?.trimmingCharacters(in: .whitespacesAndNewlines) else {
                return false
            }
            return isStandIn(number)
        }
    }

    /// Checks that a certificate was issued, and that no token and no process are left.
    func requireEnd(certificate: String) throws {
        let pem = try folder.read(certificate)
        #expect(pem.hasPrefix("-----BEGIN CERTIFICATE-----"), "\(pem)")
        #expect(!FileManager.default.fileExists(atPath: folder.file("test-token")))
        let processes = try FileManager.default.contentsOfDirectory(atPath: "/proc")
        let left = processes.filter { Int($0) != nil && isStandIn($0) }
        #expect(left.isEmpty, "\(left)")
    }

    /// Whether a process is a stand-in that was started in this job. The arguments of a process that has
    /// ended are empty.
    private func isStandIn(_ process: String) -> Bool {
        let file = URL(filePath: "/proc/\(process)/cmdline")
        let arguments = String(decoding: (try? Data(contentsOf: file)) ?? Data(), as: UTF8.self)
        return arguments.contains("cacert-standin") && arguments.contains(folder.path)
    }
}

/// The guide, and a reader for the little of YAML that it and the action use.
private struct Guide {
    private let text: String

    init() throws {
        text = try String(
            contentsOf: repository.appending(
                path: "Sources/Commands/Documentation.docc/ContinuousIntegration.md"),
            encoding: .utf8)
    }

    /// An example in a language, counted from 0.
    func example(_ language: String, _ index: Int) throws -> String {
        let parts = text.components(separatedBy: "```\(language)\n").dropFirst()
        let example = try #require(parts.dropFirst(index).first)
        return try #require(example.components(separatedBy: "\n```").first)
    }

    /// The lines below a line that are indented more, without the indentation of the first of them.
    static func block(below line: String, in text: String) -> [String] {
        let lines = text.components(separatedBy: "\n")
        guard let start = lines.firstIndex(of: line) else { return [] }
        func indentation(_ line: String) -> Int { line.prefix { $0 == " " }.count }
        let margin = indentation(line)
        let below = lines[(start + 1)...].prefix { indentation($0) > margin }
        return below.map { String($0.dropFirst(indentation(below.first ?? ""))) }
    }

    /// The values of lines such as `label: work`.
    static func pairs(_ lines: [String]) -> [String: String] {
        var pairs: [String: String] = [:]
        for line in lines {
            guard let name = line.split(separator: ":").first.map(String.init) else { continue }
            pairs[name] = value(of: name, in: line)
        }
        return pairs
    }

    /// The value of a line such as `run: make`, without quotation marks around it.
    static func value(of name: String, in text: String) -> String? {
        for line in text.split(separator: "\n") {
            let line = line.trimmingCharacters(in: .whitespaces)
            guard line.hasPrefix("\(name): ") else { continue }
            let value = line.dropFirst(name.count + 2)
            for mark in ["'", "\""] where value.hasPrefix(mark) && value.hasSuffix(mark) {
                return String(value.dropFirst().dropLast())
            }
            return String(value)
        }
        return nil
    }
}
