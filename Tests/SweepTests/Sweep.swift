import Foundation
import TokencertTestSupport

/// The fault of a case.
struct Fault: Sendable {
    /// The name in the table.
    let name: String
    /// The difference from other faults of the same name, for the report.
    let detail: String
    /// The environment of the run with the fault.
    var environment: [String: String] = [:]
    /// The words before the command line of that run; `FOLDER` is the folder of the copy.
    var prefix: [String] = []
    /// Additional arguments of that run.
    var arguments: [String] = []
    /// The time in seconds after which the process is killed, or nil.
    var killedAfter: Double?
    /// Changes the copy before the run.
    var prepare: (@Sendable (Copy) throws -> Void)?
    /// The permitted exit statuses.
    var allowed: Set<Int32> = [0, 73, 74, 78]
    /// Whether the CA's response may be lost. Only the user can then find out the outcome.
    var mayLoseAnswer = false
    /// Whether late certificates are fetched from the web account, by the run and by `resume`.
    var fetches = false
    /// Reverts the changes of ``prepare`` before the inspection.
    var repair: (@Sendable (Copy) throws -> Void)?
    /// The time in seconds that the CA may need to issue after the run.
    var pause = 0.0
    /// The user's decision if `resume` requires one.
    var decision = Decision.takeOrOrderAgain
    /// The permitted number of decisions.
    var decisions = 0...1
    /// The number of the call that fails, from 1; 0 for none.
    var firstCall = 0
}

extension Fault {
    /// The arguments of commands that order or resume.
    var fetchArguments: [String] { fetches ? ["--fetch", "--fetch-for", "8s"] : [] }
}

/// A decision that `resume` leaves to the user.
enum Decision: Sendable {
    /// Downloads the certificate from the CA's web site, or orders again if there is none: the
    /// outcome is unknown, or the CA refused.
    case takeOrOrderAgain
    /// Abandons the order and orders again for its key: the response is unusable.
    case giveUp
    /// Accepts a certificate that differs from the order.
    case acceptChanges

    /// The states of an order that permit the decision.
    var states: Set<String> {
        self == .takeOrOrderAgain ? ["sending", "unclear", "refused"] : ["answered", "certified"]
    }
}

/// The results of the cases of one fault.
struct Row: Sendable {
    let operation: Operation
    let fault: String
    var cases = 0
    var lost = 0
    var doubleOrders = 0
    var unknownKeys = 0
    var unfinished = 0
    /// How often `resume` required a decision.
    var decisions = 0
    /// How often the module left half of an object, which tokencert cannot prevent.
    var damage = 0
    /// How many runs did not exit with 0.
    var fired = 0
    /// Every deviation, including what is lost, ordered twice, unknown or unfinished.
    var findings: [String] = []
}

/// A copy of a template that one case may change.
struct Copy: Sendable {
    let operation: Operation
    let folder: TemporaryFolder
    let environment: [String: String]

    init(_ template: Template, _ ca: StandIn) throws {
        operation = template.operation
        folder = try TemporaryFolder()
        let files = FileManager.default
        for name in ["tokens", "state", "pin", "certificate.pem"]
        where files.fileExists(atPath: template.folder.file(name)) {
            try files.copyItem(atPath: template.folder.file(name), toPath: folder.file(name))
        }
        try folder.write(
            "directories.tokendir = \(folder.file("tokens"))\nlog.level = ERROR\n",
            "softhsm2.conf")
        environment = ca.tokencertEnvironment.merging([
            "SOFTHSM2_CONF": folder.file("softhsm2.conf"), "TOKENCERT_MODULE": softHSMModule,
            "TOKENCERT_PIN_SOURCE": "file:\(folder.file("pin"))", "TOKENCERT_CA_ACCEPTS": "ec",
            "XDG_STATE_HOME": folder.file("state"), "XDG_DATA_HOME": folder.file("data"),
        ]) { $1 }
    }

    var ledger: String { folder.file("state/tokencert/ledger.sqlite") }

    func tokencert(_ arguments: [String]) throws -> Outcome {
        try TokencertTestSupport.run(product("tokencert"), arguments, environment: environment)
    }

    /// Runs the operation with a fault.
    func run(with fault: Fault) throws -> Outcome {
        try fault.prepare?(self)
        var all = environment.merging(fault.environment) { $1 }
        all["TOKENCERT_MODULE"] = faultyModule
        all["FAULTY_MODULE"] = softHSMModule
        all["FAULTY_LOG"] = folder.file("calls")
        let prefix = fault.prefix.map {
            $0.replacingOccurrences(of: "FOLDER", with: folder.path)
        }
        let line =
            prefix + [product("tokencert")] + operation.arguments(folder) + fault.arguments
            + fault.fetchArguments
        return try TokencertTestSupport.run(
            line[0], Array(line.dropFirst()), environment: all, seconds: fault.killedAfter ?? 120)
    }

    var calls: [String] {
        ((try? folder.read("calls")) ?? "").split(separator: "\n").map(String.init)
    }

    func json(_ arguments: [String]) throws -> [String: Any] {
        let outcome = try tokencert(arguments + ["--json"])
        let object = try? JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
        guard outcome.status == 0, let object = object as? [String: Any] else {
            throw SweepError(description: "\(arguments): \(outcome.errors)")
        }
        return object
    }
}

/// A CA with a token for each operation, used by one thread.
struct Worker: Sendable {
    let ca: StandIn
    let templates: [Operation: Template]

    init(_ ca: StandIn, _ templates: [Operation: Template]) {
        self.ca = ca
        self.templates = templates
    }

    init(_ ca: StandIn, _ operations: [Operation]) throws {
        self.ca = ca
        var templates: [Operation: Template] = [:]
        for operation in operations { templates[operation] = try Template(operation, ca) }
        self.templates = templates
    }

    /// Runs an operation with a fault and inspects the result.
    func check(_ operation: Operation, _ fault: Fault, into row: inout Row) {
        do {
            guard let template = templates[operation] else {
                throw SweepError(description: "there is no token for \(operation.rawValue)")
            }
            row.cases += 1
            var inspection = Inspection(try Copy(template, ca), ca, fault, template)
            try inspection.inspect()
            row.lost += inspection.lost
            row.doubleOrders += inspection.doubleOrders
            row.unknownKeys += inspection.unknownKeys
            row.unfinished += inspection.unfinished
            row.decisions += inspection.decisions
            row.damage += inspection.damage
            row.fired += inspection.hasFired ? 1 : 0
            row.findings += inspection.findings.map {
                "\(operation.rawValue), \(fault.name), \(fault.detail): \($0)"
            }
        } catch {
            row.findings.append("\(operation.rawValue), \(fault.name), \(fault.detail): \(error)")
        }
    }
}

/// Runs cases in at most two threads, each with its own CA. The CA has a fault if `arguments` name one.
func sweep(
    _ cases: [(Operation, Fault)], _ arguments: [String] = []
) throws -> [Row] {
    let threads = min(2, max(1, cases.count))
    let operations = Operation.allCases.filter { operation in cases.contains { $0.0 == operation } }
    let rows = Rows()
    // Sequentially, since the workers share the CA's keys.
    let workers = try (0..<threads).map { _ in
        let good = ["--accept-elliptic-curves"]
        let ca = try StandIn(good)
        let worker = try Worker(ca, operations)
        if !arguments.isEmpty { try ca.restart(good + arguments) }
        return worker
    }
    DispatchQueue.concurrentPerform(iterations: threads) { thread in
        for (index, (operation, fault)) in cases.enumerated() where index % threads == thread {
            var row = Row(operation: operation, fault: fault.name)
            workers[thread].check(operation, fault, into: &row)
            rows.add(row)
        }
    }
    return rows.all
}

/// Rows that several threads add to.
private final class Rows: @unchecked Sendable {
    private let lock = NSLock()
    private var rows: [Row] = []

    func add(_ row: Row) {
        lock.withLock {
            let index = rows.firstIndex { $0.operation == row.operation && $0.fault == row.fault }
            guard let index else {
                rows.append(row)
                return
            }
            rows[index].cases += row.cases
            rows[index].lost += row.lost
            rows[index].doubleOrders += row.doubleOrders
            rows[index].unknownKeys += row.unknownKeys
            rows[index].unfinished += row.unfinished
            rows[index].decisions += row.decisions
            rows[index].damage += row.damage
            rows[index].fired += row.fired
            rows[index].findings += row.findings
        }
    }

    var all: [Row] { lock.withLock { rows } }
}

/// The rows as a table.
func table(_ rows: [Row]) -> String {
    let header = [
        "operation", "fault", "cases", "failed", "lost", "double orders", "unknown keys",
        "unfinished", "user decisions", "damaged by the module",
    ]
    let lines =
        [header]
        + rows.sorted {
            ($0.fault, $0.operation.rawValue) < ($1.fault, $1.operation.rawValue)
        }.map { row in
            [
                row.operation.rawValue, row.fault, "\(row.cases)", "\(row.fired)",
                "\(row.lost)", "\(row.doubleOrders)", "\(row.unknownKeys)",
                "\(row.unfinished)", "\(row.decisions)", "\(row.damage)",
            ]
        }
    let widths = header.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
    return lines.map { line in
        line.enumerated().map { column, cell in
            let space = String(repeating: " ", count: widths[column] - cell.count)
            return column < 2 ? cell + space : space + cell
        }.joined(separator: "  ")
    }.joined(separator: "\n")
}
