import Foundation
import Testing
import TokencertTestSupport

/// The program with a token and a CA of its own.
struct Bench {
    let token: ThrowawayToken
    let ca: StandIn

    init(_ standIn: [String] = [], accounts: [String] = [StandIn.anna]) throws {
        token = try ThrowawayToken()
        ca = try StandIn(standIn, accounts: accounts)
    }

    /// The program with a store without a token.
    init(withoutToken: Void) throws {
        token = try ThrowawayToken(label: nil)
        ca = try StandIn()
    }

    var environment: [String: String] {
        token.tokencertEnvironment.merging(ca.tokencertEnvironment) { $1 }
    }

    /// Runs tokencert; variables given here replace those of the bench, an empty one removes.
    func tokencert(
        _ arguments: [String], _ changes: [String: String] = [:], input: String = ""
    ) throws -> Outcome {
        let all = environment.merging(changes) { $1 }.filter { !$0.value.isEmpty }
        return try run(product("tokencert"), arguments, environment: all, input: input)
    }

    /// The settings that put the faulty module before SoftHSM2.
    func faulty(_ settings: [String: String]) -> [String: String] {
        settings.merging([
            "TOKENCERT_MODULE": faultyModule, "FAULTY_MODULE": softHSMModule,
            "FAULTY_LOG": token.folder.file("calls"),
        ]) { $1 }
    }

    /// Who has logged in through the faulty module, in order.
    var logins: [String] {
        let log = (try? token.folder.read("calls")) ?? ""
        return log.split(separator: "\n").compactMap {
            let words = $0.split(separator: " ")
            return words.count > 2 && words[1] == "C_Login" ? String(words[2]) : nil
        }
    }

    /// How often the faulty module saw a call.
    func calls(_ function: String) -> Int {
        let log = (try? token.folder.read("calls")) ?? ""
        return log.split(separator: "\n").filter {
            $0.split(separator: " ").dropFirst().first.map(String.init) == function
        }.count
    }
}

extension Outcome {
    /// The objects in the program's JSON.
    func json() throws -> [String: Any] {
        let object = try JSONSerialization.jsonObject(with: Data(output.utf8))
        return try #require(object as? [String: Any])
    }

    /// The one line that says what is wrong.
    var errorLine: String {
        let lines = errors.split(separator: "\n").filter { $0.hasPrefix("error: ") }
        return lines.count == 1 ? String(lines[0]) : "\(lines.count) error lines: \(errors)"
    }

    var hasHint: Bool { errors.contains("\nhint: ") }
}

/// Insists on status, message and at least one hint.
func expect(
    _ outcome: Outcome, _ status: Int32, _ message: String,
    _ location: SourceLocation = #_sourceLocation
) {
    #expect(outcome.status == status, "\(outcome.errors)", sourceLocation: location)
    #expect(
        outcome.errorLine.contains(message), "\(outcome.errors)", sourceLocation: location)
    #expect(outcome.hasHint, "\(outcome.errors)", sourceLocation: location)
}
