internal import FoundationEssentials

/// Prints one JSON object to standard output.
func printJSON(_ value: some Encodable) throws {
    print(try jsonText(value))
}

/// A value as formatted JSON, without the last line end.
func jsonText(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return withoutControls(String(decoding: try encoder.encode(value), as: UTF8.self))
}

/// Also escapes the control characters that JSON allows unescaped, so that the output cannot move
/// the cursor. A name that CAcert's signer wrote byte by byte may contain them.
func withoutControls(_ json: String) -> String {
    var text = ""
    for scalar in json.unicodeScalars {
        if (0x7F...0x9F).contains(scalar.value) {
            text += "\\u00" + String(scalar.value, radix: 16)
        } else {
            text.unicodeScalars.append(scalar)
        }
    }
    return text
}

/// An error, in the form of its JSON.
struct FailureReport: Encodable {
    /// Which failure it is: a name that stays the same.
    let code: String
    /// How the program ends.
    let status: Int32
    let message: String
    let hints: [String]
    /// What would be lost if it were not shown, line by line.
    let attachment: [String]?

    init(_ failure: Failure) {
        code = failure.code
        status = failure.status.rawValue
        message = failure.message
        hints = failure.hints
        attachment = failure.attachment.isEmpty ? nil : failure.attachment
    }
}

/// A value as JSON without line ends.
func jsonLine(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return withoutControls(String(decoding: try encoder.encode(value), as: UTF8.self))
}

/// A moment as people and programs read it: `2026-11-23T18:48:04Z`.
func timestamp(_ seconds: Int64) -> String {
    Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
}

/// Now, in seconds since 1970-01-01 00:00 UTC.
func now() -> Int64 {
    Int64(Date().timeIntervalSince1970)
}
