internal import FoundationEssentials

/// The version of the JSON output. It increases if a property is removed or renamed, or if its type or its
/// meaning changes, but not if a property or a value is added.
let jsonSchemaVersion = 1

/// Prints one JSON object to standard output.
func printJSON(_ value: some Encodable) throws {
    let text = try jsonOutput(value)
    tellJSONPrinted()
    print(text)
}

/// A value that is an object, as the complete JSON output: with the version.
func jsonOutput(_ value: some Encodable) throws -> String {
    try jsonText(VersionedOutput(value: value))
}

private struct VersionedOutput<Value: Encodable>: Encodable {
    let value: Value

    private enum CodingKeys: String, CodingKey { case schemaVersion }

    func encode(to encoder: any Encoder) throws {
        try value.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(jsonSchemaVersion, forKey: .schemaVersion)
    }
}

/// A value as formatted JSON, without a line end after it.
func jsonText(_ value: some Encodable) throws -> String {
    try json(value, .prettyPrinted)
}

/// A value as JSON on one line.
func jsonLine(_ value: some Encodable) throws -> String { try json(value, []) }

private func json(
    _ value: some Encodable, _ formatting: JSONEncoder.OutputFormatting
) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = formatting.union([.sortedKeys, .withoutEscapingSlashes])
    return withoutControls(String(decoding: try encoder.encode(value), as: UTF8.self))
}

/// Escapes DEL and the C1 control characters, which JSON allows but a terminal may obey. Names that
/// CAcert's signer wrote byte by byte may contain them.
func withoutControls(_ json: String) -> String {
    // In UTF-8, DEL is one byte, and the C1 control characters begin with C2.
    guard json.utf8.contains(where: { $0 == 0x7F || $0 == 0xC2 }) else { return json }
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

struct FailureReport: Encodable {
    /// A stable name of the failure.
    let code: String
    let status: Int32
    let message: String
    let hints: [String]
    /// Lines that are not stored anywhere else.
    let attachment: [String]?

    init(_ failure: Failure) {
        code = failure.code
        status = failure.status.rawValue
        message = failure.message
        hints = failure.hints
        attachment = failure.attachment.isEmpty ? nil : failure.attachment
    }
}

/// A time in ISO 8601, such as `2026-11-23T18:48:04Z`.
func timestamp(_ seconds: Int64) -> String {
    Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
}

/// The current time in seconds since 1970-01-01 00:00 UTC.
func now() -> Int64 {
    Int64(Date().timeIntervalSince1970)
}
