import Testing
import TokencertTestSupport

/// The variables with which a program sees a clock that is a number of days ahead.
///
/// The program faketime itself would stay between a test and its child, which outlives it if it is
/// killed.
func movedClock(days: Int) throws -> [String: String] {
    let shown = try run("faketime", ["-f", "+\(days)d", "env"])
    try #require(shown.status == 0, "\(shown)")
    // Timers must not see the moved clock: some would never fire.
    var clock = ["DONT_FAKE_MONOTONIC": "1"]
    for line in shown.output.split(separator: "\n") {
        let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
        if parts.count == 2, ["LD_PRELOAD", "FAKETIME"].contains(parts[0]) {
            clock[parts[0]] = parts[1]
        }
    }
    return clock
}
