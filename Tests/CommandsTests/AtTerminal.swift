import Foundation
import TokencertTestSupport

/// Runs a program at a terminal of its own, as a user would.
struct AtTerminal {
    let bench: Bench
    var columns = 100

    /// Runs a program at a terminal. `dialogue` consists of lines of expect(1) that answer its
    /// questions; the output contains everything that the terminal showed.
    func run(
        _ arguments: [String], _ dialogue: String = "", _ variables: [String: String] = [:],
        program: String = product("tokencert")
    ) throws -> Outcome {
        let words = arguments.map { "{\($0)}" }.joined(separator: " ")
        let script = """
            log_user 1
            set timeout 60
            set stty_init "cols \(columns)"
            spawn -noecho {\(program)} \(words)
            \(dialogue)
            expect eof
            catch wait result
            if {[llength $result] > 4} { puts "terminated by [lindex $result 5]"; exit 128 }
            exit [lindex $result 3]
            """
        let file = try bench.token.folder.write(script, "script")
        let all = ["TERM": "xterm"].merging(bench.environment) { $1 }.merging(variables) { $1 }
        return try TokencertTestSupport.run(
            "expect", ["-f", file], environment: all.filter { !$0.value.isEmpty })
    }
}
