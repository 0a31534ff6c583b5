/// The first line of an answer: three digits, a comma and a text.
struct Verdict {
    let number: Int
    /// The server's message, as plain text.
    let text: String
    /// The lines after the first.
    let rest: ArraySlice<UInt8>

    /// Reads an answer; nil if it does not begin with a verdict.
    init?(_ body: ArraySlice<UInt8>) {
        let end = body.firstIndex(of: UInt8(ascii: "\n")) ?? body.endIndex
        let line = body[..<end]
        let digits = line.prefix(3)
        guard digits.count == 3, digits.allSatisfy({ (48...57).contains($0) }),
            line.dropFirst(3).first == UInt8(ascii: ",")
        else { return nil }
        number = digits.reduce(0) { $0 * 10 + Int($1 - 48) }
        text = HTMLText.plainText(line.dropFirst(4))
        rest = body[min(end + 1, body.endIndex)...]
    }
}
