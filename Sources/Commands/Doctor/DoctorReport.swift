/// What was looked at, a line each.
struct DoctorReport: Encodable {
    /// How something is.
    enum Status: String, Encodable {
        /// As it should be.
        case ok
        /// It works, and may not be what is wanted.
        case warn
        /// It keeps something from working.
        case fail
    }

    /// One thing that was looked at, in the form of its JSON.
    struct Check: Encodable {
        let area: String
        let status: Status
        let message: String
        /// What to do, in the order in which it is tried.
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

    func printLines(_ style: Style) {
        for check in checks {
            let head =
                switch check.status {
                case .ok: style.good("ok  ")
                case .warn: style.warning("warn")
                case .fail: style.bad("fail")
                }
            print("\(head)  \(padded(check.area, 15))\(printable(check.message))")
            for line in check.advice {
                print(String(repeating: " ", count: 21) + "→ " + printable(line))
            }
        }
    }
}
