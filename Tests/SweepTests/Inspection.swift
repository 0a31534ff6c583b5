import Foundation
import TokencertTestSupport

/// One case: a run with a fault, the state that it leaves, and the resumption without the fault.
struct Inspection {
    private let copy: Copy
    private let ca: StandIn
    private let fault: Fault

    private(set) var lost = 0
    private(set) var doubleOrders = 0
    private(set) var unknownKeys = 0
    private(set) var unfinished = 0
    private(set) var decisions = 0
    /// Damage that the token's module causes: objects without an id and a value, and tokens that it
    /// no longer recognises. tokencert cannot prevent it.
    private(set) var damage = 0
    /// Whether the run failed.
    private(set) var hasFired = false
    private(set) var findings: [String] = []

    private let knownKeys: Set<String>
    private let serialNumbersBefore: Set<String>
    private let ordersBefore: Int
    private let issuedBefore: Set<String>

    init(_ copy: Copy, _ ca: StandIn, _ fault: Fault, _ template: Template) {
        self.copy = copy
        self.ca = ca
        self.fault = fault
        self.knownKeys = template.keys
        serialNumbersBefore = template.serialNumbers
        ordersBefore = ca.orders.count
        issuedBefore = Set(ca.issued)
    }

    mutating func inspect() throws {
        let outcome = try copy.run(with: fault)
        if fault.pause > 0 { usleep(UInt32(fault.pause * 1_000_000)) }
        try fault.repair?(copy)
        inspect(outcome)
        // The run ended after a PIN was sent and before the token returned: only the user knows
        // whether the PIN is correct.
        let memory = (try? copy.folder.read("state/tokencert/refused-pins.json")) ?? ""
        if memory.contains("isPending") { _ = try copy.tokencert(["list", "--retry-pin"]) }
        let issued = Set(ca.issued).subtracting(issuedBefore)
        if ca.orders.count - ordersBefore > 1 {
            doubleOrders += 1
            findings.append("ordered twice")
        }
        if try isTokenBroken() {
            damage += 1
            return
        }
        let orders = try history()
        // If the ledger could not record everything, a warning said so.
        if outcome.status == 0, !Self.unfinished(orders).isEmpty,
            !outcome.errors.contains("the ledger is incomplete")
        {
            findings.append("the status is 0, but the order is not finished")
        }
        try lookForUnknownKeys(orders)
        try lookForLost(issued, orders, outcome)
        try goOn(issued, orders)
        if !fault.decisions.contains(decisions) {
            findings.append("the user had to decide \(decisions) times")
        }
        try inspectEnd(outcome)
        let verified = try copy.tokencert(["history", "verify"])
        let isLedgerThere = !verified.errors.contains("there is no ledger")
        if verified.status != 0, isLedgerThere {
            findings.append("the ledger is broken: \(verified.errors)")
        }
    }

    /// Whether the module lost its token: SoftHSM2 overwrites the token's own file in place, so the file is
    /// empty after a kill during a login.
    private func isTokenBroken() throws -> Bool {
        guard fault.name.hasSuffix("token") || fault.killedAfter != nil else { return false }
        return try copy.tokencert(["list"]).errors.contains("the token is not set up")
    }

    /// Checks the run with the fault.
    private mutating func inspect(_ outcome: Outcome) {
        if !fault.allowed.contains(outcome.status) {
            findings.append("exit status \(outcome.status): \(outcome.errors)")
        }
        if outcome.status != 0, outcome.status < 128 {
            let errors = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("error: ") }
            if errors.count != 1 { findings.append("\(errors.count) error lines") }
            if !outcome.errors.contains("\nhint: ") { findings.append("no hint") }
        }
        hasFired = outcome.status != 0
        if copy.calls.count < fault.firstCall {
            findings.append("the fault never occurred: \(copy.calls.count) calls")
        }
        let logins = copy.calls.filter { $0.hasSuffix("C_Login user") }.count
        // If a token loses the login, it gets the accepted PIN a second time.
        let allowed = fault.detail.contains("CKR_USER_NOT_LOGGED_IN") ? 2 : 1
        if logins > allowed { findings.append("the PIN was sent \(logins) times") }
    }

    /// The orders in the ledger that this case started.
    private func history() throws -> [[String: Any]] {
        let all = try copy.json(["history"])["orders"] as? [[String: Any]] ?? []
        return all.filter {
            let summary = $0["summary"] as? [String: Any]
            return summary?["job"] as? String
                == (copy.operation == .importing
                    ? "import" : copy.operation == .renew ? "renew" : "issue")
        }
    }

    /// The serial numbers of the certificates on the token.
    static func serialNumbers(_ copy: Copy) throws -> Set<String> {
        let keys = try copy.json(["list"])["keys"] as? [[String: Any]] ?? []
        let certificates = keys.flatMap { $0["certificates"] as? [[String: Any]] ?? [] }
        return Set(certificates.compactMap { $0["serialNumber"] as? String })
    }

    /// The ids of the keys on the token.
    static func keys(_ copy: Copy) throws -> Set<String> {
        let keys = try copy.json(["list"])["keys"] as? [[String: Any]] ?? []
        return Set(keys.filter { !isFragment($0) }.compactMap { $0["id"] as? String })
    }

    /// Whether an entry is half of a key pair without id, label and value.
    private static func isFragment(_ key: [String: Any]) -> Bool {
        let isHalf = key["privateKey"] == nil || key["publicKey"] == nil
        let isEmpty = ["unknown", "RSA"].contains(key["kind"] as? String)
        return isHalf && isEmpty && key["id"] as? String == "" && key["label"] as? String == ""
    }

    private mutating func lookForUnknownKeys(_ orders: [[String: Any]]) throws {
        let known = Set(
            orders.compactMap { ($0["summary"] as? [String: Any])?["keyID"] as? String })
        let unknown = try Self.keys(copy).subtracting(known).subtracting(knownKeys)
        guard !unknown.isEmpty else { return }
        unknownKeys += unknown.count
        findings.append("the key \(unknown.sorted().joined()) is not in the ledger")
    }

    /// Checks that each received certificate is in the ledger, on the token or in the output.
    private mutating func lookForLost(
        _ issued: Set<String>, _ orders: [[String: Any]], _ outcome: Outcome
    ) throws {
        let texts = orders.flatMap { order in
            (order["events"] as? [[String: Any]] ?? []).compactMap { event -> String? in
                let content = event["content"] as? [String: Any]
                let body = (content?["body"] as? String).flatMap { Data(base64Encoded: $0) }
                // A certificate that was fetched is in the ledger without an answer.
                return body.map { String(decoding: $0, as: UTF8.self) }
                    ?? content?["certificate"] as? String
            }
        }
        let state = (orders.last?["summary"] as? [String: Any])?["state"] as? String
        for certificate in issued
        where !texts.contains(where: { $0.contains(trimmed(certificate)) }) {
            if fault.mayLoseAnswer, state == "sending" || state == "unclear" { continue }
            if outcome.errors.contains(Self.body(certificate)) { continue }
            if try isOnToken(certificate) { continue }
            lost += 1
            findings.append("a certificate is lost; the order is \(state ?? "not there")")
        }
    }

    /// Without the line end after it.
    private func trimmed(_ pem: String) -> String {
        pem.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private static func body(_ pem: String) -> String {
        pem.split(separator: "\n").dropFirst().first.map(String.init) ?? pem
    }

    private func certificates() throws -> [[String: Any]] {
        let list = try copy.json(["list"])
        let keys = list["keys"] as? [[String: Any]] ?? []
        return keys.flatMap { $0["certificates"] as? [[String: Any]] ?? [] }
    }

    private func isOnToken(_ pem: String) throws -> Bool {
        let file = try copy.folder.write(pem, "looked-for.pem")
        let serial = try run("openssl", ["x509", "-in", file, "-noout", "-serial"]).output
        let digits = serial.split(separator: "=").last.map { $0.lowercased() } ?? ""
        return try certificates().contains {
            digits.hasPrefix(($0["serialNumber"] as? String)?.lowercased() ?? "-")
        }
    }

    /// Resumes the unfinished orders without the fault.
    private mutating func goOn(_ issued: Set<String>, _ orders: [[String: Any]]) throws {
        for number in Self.unfinished(orders) {
            let resumed = try copy.tokencert(["resume", "\(number)"] + fault.fetchArguments)
            // A refused order was not issued, so a second one is not a duplicate.
            let refused = Self.state(of: number, orders) == "refused" ? 1 : 0
            if ca.orders.count - ordersBefore > 1 + refused {
                doubleOrders += 1
                findings.append("resume ordered again")
            }
            if resumed.status == 0 { continue }
            let isDecision = [75, 76].contains(resumed.status) && resumed.errors.contains("hint: ")
            guard isDecision else {
                unfinished += 1
                findings.append("resume ended with \(resumed.status): \(resumed.errors)")
                continue
            }
            decisions += 1
            if fault.fetches, ca.orders.count > ordersBefore {
                findings.append("the user must decide although the CA has the order")
            }
            let state = Self.state(of: number, orders)
            if !fault.decision.states.contains(state) {
                findings.append("the user must decide about an order that is \(state)")
            }
            try decide(number, issued)
        }
    }

    private static func state(of number: Int, _ orders: [[String: Any]]) -> String {
        let summaries = orders.compactMap { $0["summary"] as? [String: Any] }
        return summaries.first { $0["order"] as? Int == number }?["state"] as? String ?? "not there"
    }

    private static func unfinished(_ orders: [[String: Any]]) -> [Int] {
        orders.compactMap { $0["summary"] as? [String: Any] }
            .filter { $0["isFinished"] as? Bool != true }.compactMap { $0["order"] as? Int }
    }

    /// Makes the decision that is left to the user.
    private mutating func decide(_ number: Int, _ issued: Set<String>) throws {
        let ordered = ca.orders.count
        var isOrdered = false
        defer {
            if ca.orders.count - ordered != (isOrdered ? 1 : 0) {
                doubleOrders += 1
                findings.append("\(ca.orders.count - ordered) orders after the decision")
            }
        }
        switch fault.decision {
        case .takeOrOrderAgain:
            if let certificate = issued.first {
                let file = try copy.folder.write(certificate, "from-the-web.pem")
                try insist(["resume", "\(number)", "--from", file])
            } else {
                isOrdered = true
                // The CA may be late again.
                try insist(["resume", "\(number)", "--order-again"] + fault.fetchArguments)
            }
        case .acceptChanges:
            try insist(["resume", "\(number)", "--accept-changes"])
        case .giveUp:
            try insist(["resume", "\(number)", "--abandon"])
            let keys = try copy.json(["list"])["keys"] as? [[String: Any]] ?? []
            let bare = keys.filter { ($0["certificates"] as? [Any])?.isEmpty == true }
            let uris = bare.compactMap { $0["privateKey"] as? String }
            if uris.count != 1 { findings.append("\(uris.count) keys are left after --abandon") }
            isOrdered = uris.count == 1
            for uri in uris {
                try insist(["issue", "--key", uri, "--ca-accepts", "ec", "--codesign"])
            }
        }
    }

    private mutating func insist(_ arguments: [String]) throws {
        let outcome = try copy.tokencert(arguments)
        if outcome.status != 0 {
            findings.append("after the decision \(outcome.status): \(outcome.errors)")
        }
    }

    /// Checks the final state of the token.
    private mutating func inspectEnd(_ outcome: Outcome) throws {
        let orders = try history()
        let left = Self.unfinished(orders)
        unfinished += left.count
        if !left.isEmpty { findings.append("unfinished after resume: \(left)") }
        let state = (orders.last?["summary"] as? [String: Any])?["state"] as? String
        let list = try copy.json(["list"])
        let all = list["keys"] as? [[String: Any]] ?? []
        let keys = all.filter { !Self.isFragment($0) }
        damage += all.count - keys.count
        try lookForUnknownKeys(orders)
        let found = keys.flatMap { $0["certificates"] as? [[String: Any]] ?? [] }
        if keys.contains(where: { $0["privateKey"] == nil || $0["publicKey"] == nil }) {
            findings.append("half of a key is on the token")
        }
        let gone = knownKeys.subtracting(keys.compactMap { $0["id"] as? String })
        if !gone.isEmpty {
            lost += gone.count
            findings.append("keys that existed before are gone: \(gone.sorted())")
        }
        if keys.contains(where: { ($0["mismatchedCertificates"] as? [Any])?.isEmpty == false }) {
            findings.append("a certificate for another key is on the token")
        }
        if (list["certificates"] as? [Any] ?? []).count > found.count {
            findings.append("a certificate without a key is on the token")
        }
        switch state {
        case "proved", "done":
            if found.count != 1 { findings.append("\(found.count) certificates at the end") }
            // The earlier certificate must have been replaced.
            let old = found.contains { old in
                serialNumbersBefore.contains(old["serialNumber"] as? String ?? "")
            }
            if old { findings.append("the certificate at the end is the old one") }
            let issued = Set(ca.issued).subtracting(issuedBefore)
            if copy.operation.orders, try !issued.contains(where: isOnToken) {
                findings.append("the certificate at the end was not issued by the CA in this case")
            }
        case nil, "closed":
            if outcome.status == 0 { findings.append("nothing was done, but the status is 0") }
            for certificate in Set(ca.issued).subtracting(issuedBefore)
            where fault.decision != .giveUp && !outcome.errors.contains(Self.body(certificate)) {
                lost += 1
                findings.append("the CA issued, but the order is \(state ?? "not there")")
            }
            let expected =
                (copy.operation == .renew ? 1 : 0) + (fault.decision == .giveUp ? decisions : 0)
            if found.count != expected {
                findings.append("\(found.count) certificates although nothing was done")
            }
        default:
            findings.append("the order ends as \(state ?? "")")
        }
        if outcome.status == 0, state != "proved", state != "done" {
            findings.append("the status is 0, but the order is \(state ?? "not there")")
        }
    }
}
