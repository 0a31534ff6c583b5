internal import Files
internal import GRDB

/// A ledger's file that is read and not changed: not its bytes, not its mode, and nothing beside it.
///
/// SQLite makes two files beside a database with a write-ahead log even for a connection that only
/// reads. Without a log to read, the file is opened as one that nobody changes (`immutable`), which
/// also works on read-only media; whether that was true is checked afterwards. With a log, SQLite's
/// own locks are used, and its index (`-shm`) is present already unless somebody removed it.
struct UnchangedFile {
    let path: String

    /// A name that SQLite resolved: the log lies beside the file that a link leads to.
    private var file: String { absolutePath(path) }

    private var hasLog: Bool { fileSize(file + "-wal") ?? 0 > 0 }

    /// Opens the file, reads, and closes it again.
    func read<Result>(
        _ configuration: Configuration, _ body: (Database) throws -> Result
    ) throws -> Result {
        var configuration = configuration
        configuration.readonly = true
        // Writers take milliseconds, so one retry is already rare.
        for _ in 0..<5 where !hasLog {
            let before = fileStamp(file)
            let result = Swift.Result {
                try DatabaseQueue(path: uri("mode=ro&immutable=1"), configuration: configuration)
                    .read(body)
            }
            if !hasLog, fileStamp(file) == before { return try result.get() }
        }
        return try DatabaseQueue(path: uri("mode=ro"), configuration: configuration).read(body)
    }

    /// The file as SQLite's URI, in which `%`, `?` and `#` have a meaning.
    private func uri(_ query: String) -> String {
        var escaped = ""
        for byte in file.utf8 {
            let isPlain =
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                || (UInt8(ascii: "-")...UInt8(ascii: "9")).contains(byte)
                || byte == UInt8(ascii: "_")
            escaped +=
                isPlain
                ? String(UnicodeScalar(byte))
                : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        return "file:\(escaped)?\(query)"
    }
}
