/// A text in single quotation marks, for a shell.
package func quoted(_ text: String) -> String {
    "'"
        + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
        + "'"
}

/// A text as a word for a shell: in quotation marks if it has a special character, is empty or looks like
/// an option.
package func shellWord(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20)
            || "-._@%+:,/".utf8.contains($0)
    }
    return isPlain && !text.isEmpty && !text.hasPrefix("-") ? text : quoted(text)
}
