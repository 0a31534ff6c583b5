internal import TokencertPlatform
internal import TokencertSQLite

/// A ledger file that is read without changing its bytes, its mode or any file next to it. Without
/// a write-ahead log it is opened as `immutable`, since SQLite otherwise creates a log and its
/// index; a check afterwards detects changes. With a log, SQLite's own locks are used.
struct UnchangedFile {
    let path: String

    /// The resolved path: like SQLite, look for the log next to the target of a link.
    private var file: String { absolutePath(path) }

    private var hasLog: Bool { fileSize(file + "-wal") ?? 0 > 0 }

    /// Runs the body, which may run more than once: again if the file has changed meanwhile.
    func read<Result>(_ body: (Database) throws -> Result) throws -> Result {
        // Writers take milliseconds, so even one retry is rare.
        for _ in 0..<5 where !hasLog {
            let before = fileStamp(file)
            let result = Swift.Result {
                try Database(readingURI: uri("mode=ro&immutable=1")).read(body)
            }
            if !hasLog, fileStamp(file) == before { return try result.get() }
        }
        return try Database(readingURI: uri("mode=ro")).read(body)
    }

    /// The file as an SQLite URI, with `%`, `?` and `#` escaped.
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
