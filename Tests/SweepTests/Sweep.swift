import Foundation
import TokencertTestSupport

/// How a case goes wrong.
struct Fault: Sendable {
    /// What it is called in the table.
    let name: String
    /// What sets it apart from others of the name, for the report.
    let detail: String
    /// Variables for the run that goes wrong.
    var environment: [String: String] = [:]
    /// What stands before the command line of that run; `FOLDER` is the folder of the copy.
    var prefix: [String] = []
    /// More arguments of that run.
    var arguments: [String] = []
    /// The process is ended so many seconds after its start, or nil.
    var killedAfter: Double?
    /// What is done to the copy before the run.
    var prepare: (@Sendable (Copy) throws -> Void)?
    /// How the run may end.
    var allowed: Set<Int32> = [0, 73, 74, 78]
    /// Whether an answer may be lost on its way, so that only a person can know of it.
    var mayLoseAnswer = false
    /// What puts right what ``prepare`` has spoiled, before anything is looked at.
    var repair: (@Sendable (Copy) throws -> Void)?
    /// How long the CA may need after the run until it has issued, in seconds.
    var pause = 0.0
    /// What a person does where `resume` leaves the order to a person.
    var decision = Decision.takeOrOrderAgain
    /// How often a person may have to.
    var decisions = 0...1
    /// The number of the call that fails, from 1; 0 where none does.
    var firstCall = 0
}

/// What only a person can decide.
enum Decision: Sendable {
    /// Takes the certificate from the CA's web site, or orders again where there is none. Nobody knows
    /// what the CA does, or it said no.
    case takeOrOrderAgain
    /// Gives the order up, and orders for its key anew: what came is of no use.
    case giveUp
    /// Takes what came although it is not what was asked for.
    case acceptChanges

    /// Where the order may stand for that.
    var states: Set<String> {
        self == .takeOrOrderAgain ? ["sending", "unclear", "refused"] : ["answered", "certified"]
    }
}

/// What became of the cases of one fault.
struct Row: Sendable {
    let operation: Operation
    let fault: String
    var cases = 0
    var lost = 0
    var doubleOrders = 0
    var unknownKeys = 0
    var unfinished = 0
    /// How often `resume` left it to a person what is done.
    var decisions = 0
    /// How often the token itself was left with half of an object, which is not in our hands.
    var damage = 0
    /// How many runs did not simply succeed.
    var fired = 0
    /// Everything that was not as it should be, what is lost, double, unknown or unfinished included.
    var findings: [String] = []
}

/// A copy of a template that one case may spoil.
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

    /// Runs the operation as a fault has it.
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

/// A CA with a token for every operation: the work of one thread.
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

    /// Lets an operation go wrong in one way, and looks at what is left.
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

/// Runs cases on all processors, each with a CA of its own.
func sweep(
    _ cases: [(Operation, Fault)]
) throws -> [Row] {
    let threads = min(2, max(1, cases.count))
    let operations = Operation.allCases.filter { operation in cases.contains { $0.0 == operation } }
    let rows = Rows()
    // One after the other: they share the keys of the CA.
    let workers = try (0..<threads).map { _ in
        try Worker(StandIn(["--accept-elliptic-curves"]), operations)
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

/// The rows that several threads fill.
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
        "unfinished", "a person decides", "token damaged itself",
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
