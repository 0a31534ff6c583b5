#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Like ``runProgram(_:input:environment:limits:)``, for a program that gets a secret on its standard
/// input, at most 512 bytes with the line end that it requires. It has no terminal, where it could
/// ask for another one: it runs in a session of its own.
package func runProgram(
    _ words: [String], secret: borrowing Secret, environment: EnvironmentChanges,
    limits: ProgramLimits
) throws(ProgramStartError) -> ProgramResult {
    guard let incoming = makePipe() else { throw FilterProgram.noPipe() }
    defer { close(incoming.read) }
    // A write of so few bytes to an empty pipe does not block (POSIX, PIPE_BUF).
    let isWritten = unsafe secret.withUnsafeBytes { buffer in
        unsafe buffer.isEmpty
            || buffer.count <= 512
                && write(incoming.write, buffer.baseAddress, buffer.count) == buffer.count
    }
    close(incoming.write)
    guard isWritten else { throw FilterProgram.tooLong(words) }
    var program = try FilterProgram.start(
        words, environment, input: incoming.read, hasTerminal: false)
    return program.collect(limits)
}
