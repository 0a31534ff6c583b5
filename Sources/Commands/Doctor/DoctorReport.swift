/// The results of all checks.
struct DoctorReport: Encodable {
    /// The result of a check.
    enum Status: String, Encodable {
        case ok
        /// It works, but may not be intended.
        case warn
        /// It keeps tokencert from working.
        case fail
    }

    /// The JSON of a check.
    struct Check: Encodable {
        let area: String
        let status: Status
        let message: String
        /// Instructions, in the order in which to try them.
        let advice: [String]
    }

    private(set) var checks: [Check] = []

    var hasFailed: Bool { checks.contains { $0.status == .fail } }

    mutating func ok(_ area: String, _ message: String) {
        checks.append(Check(area: area, status: .ok, message: message, advice: []))
    }

    mutating func warn(_ area: String, _ message: String, _ advice: [String]) {
        checks.append(Check(area: area, status: .warn, message: message, advice: advice))
    }

    mutating func fail(_ area: String, _ message: String, _ advice: [String]) {
        checks.append(Check(area: area, status: .fail, message: message, advice: advice))
    }

    /// The result of the body, or nil after its failure was added.
    mutating func result<Value>(_ area: String, _ body: () throws -> Value) -> Value? {
        do {
            return try body()
        } catch {
            let failure = Failure(error)
            fail(area, failure.message, failure.hints)
            return nil
        }
    }

    func printLines(_ style: Style) {
        for check in checks {
            let head =
                switch check.status {
                case .ok: style.good("ok  ")
                case .warn: style.warning("warn")
                case .fail: style.bad("fail")
                }
            let plain = "      " + padded(check.area, 15) + printable(check.message)
            let lines = folded(plain, at: 21, width: Output.standardOutput.width)
            print(head + String(lines[0].dropFirst(4)))
            for line in lines.dropFirst() { print(line) }
            for line in check.advice {
                let head = String(repeating: " ", count: 21) + style.symbols.arrow + " "
                let parts = foldedMessage(
                    printable(line), at: displayWidth(head), width: Output.standardOutput.width)
                print(head + parts[0])
                for part in parts.dropFirst() { print(part) }
            }
        }
    }
}
