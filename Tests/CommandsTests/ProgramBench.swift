import Foundation
import Testing
import TokencertTestSupport

/// The program with its own token and CA.
struct Bench {
    let token: ThrowawayToken
    let ca: StandIn

    init(_ standIn: [String] = [], accounts: [String] = [StandIn.anna]) throws {
        token = try ThrowawayToken()
        ca = try StandIn(standIn, accounts: accounts)
    }

    /// Creates a token store without a token.
    init(withoutToken: Void) throws {
        token = try ThrowawayToken(label: nil)
        ca = try StandIn()
    }

    var environment: [String: String] {
        token.tokencertEnvironment.merging(ca.tokencertEnvironment) { $1 }
    }

    /// Runs tokencert. `changes` override the environment of the bench; an empty value removes one.
    func tokencert(
        _ arguments: [String], _ changes: [String: String] = [:], input: String = ""
    ) throws -> Outcome {
        let all = environment.merging(changes) { $1 }.filter { !$0.value.isEmpty }
        return try run(product("tokencert"), arguments, environment: all, input: input)
    }

    /// The settings that load the faulty module in front of SoftHSM2.
    func faulty(_ settings: [String: String]) -> [String: String] {
        settings.merging([
            "TOKENCERT_MODULE": faultyModule, "FAULTY_MODULE": softHSMModule,
            "FAULTY_LOG": token.folder.file("calls"),
        ]) { $1 }
    }

    /// The logins through the faulty module, in order.
    var logins: [String] {
        let log = (try? token.folder.read("calls")) ?? ""
        return log.split(separator: "\n").compactMap {
            let words = $0.split(separator: " ")
            return words.count > 2 && words[1] == "C_Login" ? String(words[2]) : nil
        }
    }

    /// The number of calls of a function through the faulty module.
    func calls(_ function: String) -> Int {
        let log = (try? token.folder.read("calls")) ?? ""
        return log.split(separator: "\n").filter {
            $0.split(separator: " ").dropFirst().first.map(String.init) == function
        }.count
    }
}

extension Outcome {
    /// The program's output, parsed as a JSON object.
    func json() throws -> [String: Any] {
        let object = try JSONSerialization.jsonObject(with: Data(output.utf8))
        return try #require(object as? [String: Any])
    }

    /// The single line that begins with "error: ".
    var errorLine: String {
        let lines = errors.split(separator: "\n").filter { $0.hasPrefix("error: ") }
        return lines.count == 1 ? String(lines[0]) : "\(lines.count) error lines: \(errors)"
    }

    var hasHint: Bool { errors.contains("\nhint: ") }
}

/// Checks the exit status, the error message, and that there is a hint.
func expect(
    _ outcome: Outcome, _ status: Int32, _ message: String,
    _ location: SourceLocation = #_sourceLocation
) {
    #expect(outcome.status == status, "\(outcome.errors)", sourceLocation: location)
    #expect(
        outcome.errorLine.contains(message), "\(outcome.errors)", sourceLocation: location)
    #expect(outcome.hasHint, "\(outcome.errors)", sourceLocation: location)
}
