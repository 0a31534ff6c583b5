import Foundation
import TokencertTestSupport

/// An operation that the tests interrupt.
enum Operation: String, CaseIterable, Sendable {
    case issue
    case renew = "renew --new-key --retire"
    case importing = "import"

    /// The arguments of the command.
    func arguments(_ folder: TemporaryFolder) -> [String] {
        switch self {
        case .issue: Self.issuing
        case .renew: ["renew", "--all", "--new-key", "--retire", "--ca-accepts", "ec"]
        case .importing: ["import", "--cert", folder.file("certificate.pem")]
        }
    }

    /// The arguments that generate a key and order a certificate.
    static let issuing = ["issue", "--key-type", "ec:p256", "--ca-accepts", "ec", "--codesign"]

    /// Whether a new key is generated.
    var makesKey: Bool { self != .importing }
    /// Whether a certificate is ordered.
    var orders: Bool { self != .importing }
}

/// A token with its ledger before an operation, copied for each case.
struct Template: Sendable {
    let operation: Operation
    let folder: TemporaryFolder
    /// The ids of the keys on the token.
    private(set) var keys: Set<String> = []
    /// The serial numbers of the certificates on the token.
    private(set) var serialNumbers: Set<String> = []

    init(_ operation: Operation, _ ca: StandIn) throws {
        self.operation = operation
        let token = try ThrowawayToken()
        folder = token.folder
        let environment = token.tokencertEnvironment.merging(ca.tokencertEnvironment) { $1 }
        switch operation {
        case .issue:
            break
        case .renew:
            try Self.tokencert(Operation.issuing, environment)
        case .importing:
            // The CA issued the certificate, which exists only in a file.
            var environment = environment
            environment["TOKENCERT_MODULE"] = faultyModule
            environment["FAULTY_MODULE"] = softHSMModule
            environment["FAULTY_CERTIFICATE_LIMIT"] = "1"
            let before = Set(ca.issued)
            _ = try run(product("tokencert"), Operation.issuing, environment: environment)
            try Self.tokencert(["resume", "1", "--abandon"], environment)
            let issued = Set(ca.issued).subtracting(before)
            try folder.write(issued.first ?? "", "certificate.pem")
        }
        if operation != .issue {
            let copy = try Copy(self, ca)
            keys = try Inspection.keys(copy)
            serialNumbers = try Inspection.serialNumbers(copy)
        }
    }

    private static func tokencert(_ arguments: [String], _ environment: [String: String]) throws {
        let outcome = try run(product("tokencert"), arguments, environment: environment)
        guard outcome.status == 0 else { throw SweepError(description: outcome.errors) }
    }
}

/// Why a sweep cannot be set up.
struct SweepError: Error, CustomStringConvertible {
    let description: String
}
