import Foundation
import Testing
import TokencertTestSupport

/// A page of the documentation about a consumer.
struct ConsumerPage: Sendable, CustomTestStringConvertible {
    let name: String
    let text: String

    var testDescription: String { name }

    /// The name of the consumer.
    var consumer: String { String(name.dropFirst("Use-".count).dropLast(".md".count)).lowercased() }

    var lines: [String] {
        text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    /// The lines of its blocks with the language `sh`.
    var commands: [String] {
        var isInside = false
        return lines.filter { line in
            if line.hasPrefix("```") {
                isInside = line == "```sh"
                return false
            }
            return isInside
        }
    }

    static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Sources/Commands/Documentation.docc").standardizedFileURL

    static let all: [ConsumerPage] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path())) ?? []
        return names.filter { $0.hasPrefix("Use-") && $0.hasSuffix(".md") }.sorted().map { name in
            let text = try? String(
                contentsOfFile: folder.appending(path: name).path(), encoding: .utf8)
            return ConsumerPage(name: name, text: text ?? "")
        }
    }()
}

/// The pages about the consumers. Otherwise a reader copies commands that do not work.
@Suite struct ConsumerPagesTests {
    @Test("A page has a title, at most 40 lines, and commands", arguments: ConsumerPage.all)
    func form(page: ConsumerPage) {
        #expect(page.lines.first?.hasPrefix("# ") == true)
        // The text ends with a line end.
        #expect(page.lines.count - 1 <= 40)
        #expect(page.lines.allSatisfy { $0.count <= 125 })
        #expect(page.commands.contains { $0.hasPrefix("tokencert use \(page.consumer)") })
    }

    @Test("Consumers.md links every page, and has a row for each")
    func linked() throws {
        let table = try String(
            contentsOf: ConsumerPage.folder.appending(path: "Consumers.md"), encoding: .utf8)
        for page in ConsumerPage.all {
            #expect(table.contains("<doc:\(page.name.dropLast(".md".count))>"), "\(page.name)")
        }
    }
}

extension RealParts {
    @Suite(
        .serialized,
        .enabled(
            if: consumersAreTested,
            "ssh, git and other programs are tested only by SoftHSM/test --consumers"))
    struct ConsumerPageCommandTests {
        @Test("Every consumer has a page")
        func pages() {
            #expect(
                Set(ConsumerPage.all.map(\.consumer)) == Set(Journey.all.map(\.consumer)))
        }

        @Test("Every command of a page works without a terminal", arguments: ConsumerPage.all)
        func commands(page: ConsumerPage) throws {
            // A page makes everything that is missing, such as the profile of a browser.
            let bench = try UseBench()
            let journey = try #require(Journey.all.first { $0.consumer == page.consumer })
            if journey.mayBeMissing,
                try bench.listed(page.consumer)["isInstalled"] as? Bool == false
            {
                print("\(page.name) is not tested, since its program is not installed")
                return
            }
            let script = try bench.token.folder.write(
                "cd\n" + page.commands.joined(separator: "\n") + "\n", "commands")
            let programs = URL(filePath: product("tokencert")).deletingLastPathComponent().path()
            let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
            // With -v, the last line on standard error before the failure is the failed command.
            let outcome = try run(
                "setsid", ["-w", "timeout", "-k", "5", "150", "bash", "-ev", script],
                environment: bench.environment.merging(["PATH": "\(programs):\(path)"]) { $1 },
                seconds: 170)
            #expect(outcome.status == 0, "\(outcome.output)\n\(outcome.errors)")
        }
    }
}
