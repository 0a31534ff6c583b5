import Foundation
import TokencertTestSupport

/// The program at a terminal of its own, as a person has it before them.
struct AtTerminal {
    let bench: Bench
    var columns = 100

    /// Runs tokencert at a terminal.
    ///
    /// - Parameters:
    ///   - arguments: Of tokencert.
    ///   - dialogue: Lines of expect(1) that answer what is asked.
    ///   - variables: As for the bench.
    ///   - program: What is run in its place.
    /// - Returns: The exit status, and all that the terminal showed.
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
            if {[llength $result] > 4} { puts "ended by [lindex $result 5]"; exit 128 }
            exit [lindex $result 3]
            """
        let file = try bench.token.folder.write(script, "script")
        let all = bench.environment.merging(variables) { $1 }.merging(["TERM": "xterm"]) { $1 }
        return try TokencertTestSupport.run(
            "expect", ["-f", file], environment: all.filter { !$0.value.isEmpty })
    }
}
