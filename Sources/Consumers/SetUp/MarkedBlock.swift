/// The lines of a consumer in a file of the user, between two marks.
struct MarkedBlock {
    /// The name of the consumer.
    let consumer: String
    /// The beginning of a comment in the file.
    var comment = "#"

    private var begin: String {
        "\(comment) >>> tokencert use \(consumer): to remove it, run tokencert use \(consumer) --undo"
    }
    private var end: String { "\(comment) <<< tokencert use \(consumer)" }
    private var beginMark: [UInt8] { Array("\(comment) >>> tokencert use \(consumer):".utf8) }
    private var endMark: [UInt8] { Array(end.utf8) }

    /// A text with the block. A text without a line end at its end gets one before the block.
    func added(
        _ lines: [String], to original: [UInt8], at position: SetUpFile.Position
    ) -> [UInt8] {
        let block = Array(([begin] + lines + [end, ""]).joined(separator: "\n").utf8)
        switch position {
        case .beginning: return block + original
        case .end:
            let isComplete = original.isEmpty || original.last == 0x0A
            return original + (isComplete ? [] : [0x0A]) + block
        }
    }

    /// A text without the block; nil if it has none, or not exactly one whole block.
    func removed(from text: [UInt8]) -> [UInt8]? {
        let lines = text.split(separator: 0x0A, omittingEmptySubsequences: false)
        let begins = lines.indices.filter { lines[$0].starts(with: beginMark) }
        let ends = lines.indices.filter { isEnd(lines[$0]) }
        guard begins.count == 1, ends.count == 1, begins[0] < ends[0] else { return nil }
        var kept = lines
        kept.removeSubrange(begins[0]...ends[0])
        return Array(kept.joined(separator: [0x0A]))
    }

    /// Whether a text has a mark of the consumer, whole or not.
    func isMarked(_ text: [UInt8]) -> Bool {
        text.split(separator: 0x0A).contains {
            $0.starts(with: beginMark) || isEnd($0)
        }
    }

    /// An editor may have given all lines the line ends of Windows.
    private func isEnd(_ line: ArraySlice<UInt8>) -> Bool {
        (line.last == 0x0D ? line.dropLast() : line).elementsEqual(endMark)
    }
}
