/// The lines of a consumer in a file of the user, between two marks.
struct MarkedBlock {
    /// The name of the consumer.
    let consumer: String

    private typealias Line = ArraySlice<UInt8>

    private var begin: String {
        "# >>> tokencert use \(consumer): to remove it, run tokencert use \(consumer) --undo"
    }
    private var end: String { "# <<< tokencert use \(consumer)" }
    private var beginMark: [UInt8] { Array("# >>> tokencert use \(consumer):".utf8) }
    private var endMark: [UInt8] { Array(end.utf8) }

    /// A text with the block. A text without a line end at its end gets one before the block.
    ///
    /// Empty lines at the end of the block follow the end mark: NSS drops comments that no entry follows.
    func added(
        _ lines: [String], to original: [UInt8], at position: SetUpFile.Position
    ) -> [UInt8] {
        let body = Self.body(lines)
        let whole = [begin] + body + [end] + lines.dropFirst(body.count) + [""]
        let block = Array(whole.joined(separator: "\n").utf8)
        switch position {
        case .beginning: return block + original
        case .end:
            let isComplete = original.isEmpty || original.last == 0x0A
            return original + (isComplete ? [] : [0x0A]) + block
        }
    }

    /// Whether a text has exactly one whole block, with these lines, anywhere. Only comments and
    /// empty lines may precede a block for the beginning: a section of the user before it would
    /// include it.
    func isWhole(
        _ lines: [String], in text: [UInt8], at position: SetUpFile.Position
    ) -> Bool {
        let present = split(text)
        guard let range = range(in: present, []) else { return false }
        let body = Self.body(lines)
        let blanks = lines.count - body.count
        let after = present.dropLast().dropFirst(range.upperBound + 1).prefix(blanks)
        let isSame =
            present[range].dropFirst().dropLast().map(Array.init) == body.map { Array($0.utf8) }
        guard isSame, after.count == blanks, after.allSatisfy(isBlank) else { return false }
        switch position {
        case .end: return true
        case .beginning:
            return present[..<range.lowerBound].allSatisfy {
                isBlank($0) || $0.starts(with: "#".utf8)
            }
        }
    }

    /// A text without the block; nil if it has not exactly one whole block. If only the end mark is
    /// missing, the block ends with the lines of one of the known set-ups.
    func removed(from text: [UInt8], _ known: [[String]]) -> [UInt8]? {
        var lines = split(text)
        guard let range = range(in: lines, known) else { return nil }
        let blanks = known.map { $0.count - Self.body($0).count }.max() ?? 0
        var next = range.upperBound + 1
        // The last element is not a line, but what follows the last line end.
        let limit = min(next + blanks, lines.count - 1)
        while next < limit, isBlank(lines[next]) { next += 1 }
        lines.removeSubrange(range.lowerBound..<next)
        return Array(lines.joined(separator: [0x0A]))
    }

    /// The lines between the marks; nil if there is not exactly one whole block.
    func lines(in text: [UInt8], _ known: [[String]]) -> [String]? {
        let lines = split(text)
        return range(in: lines, known).map { range in
            lines[range].dropFirst().filter { !isEnd($0) }.map {
                Array(withoutReturn($0)).text
            }
        }
    }

    /// The lines between the marks that are not blank and not among the known ones.
    func foreignLines(in text: [UInt8], _ known: [[String]]) -> [String] {
        let own = Set(known.joined())
        return (lines(in: text, known) ?? []).filter { line in
            !isBlank(Array(line.utf8)[...]) && !own.contains(line)
        }
    }

    /// Whether a text has a mark of the consumer, whole or not.
    func isMarked(_ text: [UInt8]) -> Bool {
        text.split(separator: 0x0A).contains {
            $0.starts(with: beginMark) || isEnd($0)
        }
    }

    /// The error for a file with marks that are not those of one whole block.
    func brokenMarks(in path: String) -> ConsumerError {
        ConsumerError(
            .fileInTheWay, "\(path) has marks of tokencert that do not belong together",
            advice: [
                "remove the lines from \">>> tokencert use \(consumer)\" to "
                    + "\"<<< tokencert use \(consumer)\" by hand"
            ])
    }

    // MARK: Lines

    /// The lines without the empty ones at their end.
    private static func body(_ lines: [String]) -> ArraySlice<String> {
        lines.prefix((lines.lastIndex { !$0.isEmpty } ?? -1) + 1)
    }

    private func split(_ text: [UInt8]) -> [Line] {
        text.split(separator: 0x0A, omittingEmptySubsequences: false)
    }

    /// The only block, with its marks.
    private func range(in lines: [Line], _ known: [[String]]) -> ClosedRange<Int>? {
        let begins = lines.indices.filter { lines[$0].starts(with: beginMark) }
        let ends = lines.indices.filter { isEnd(lines[$0]) }
        guard begins.count == 1, ends.count < 2 else { return nil }
        guard let end = ends.first else {
            return known.compactMap { lastLine(of: $0, in: lines, after: begins[0]) }.first
                .map { begins[0]...$0 }
        }
        return begins[0] < end ? begins[0]...end : nil
    }

    /// The index of the last known line if exactly these follow the begin mark, apart from blank lines.
    private func lastLine(of known: [String], in lines: [Line], after begin: Int) -> Int? {
        let expected = known.map { Array($0.utf8) }.filter { !isBlank($0[...]) }
        let present = lines.indices.dropFirst(begin + 1).filter { !isBlank(lines[$0]) }
            .prefix(expected.count)
        guard present.map({ Array(withoutReturn(lines[$0])) }) == expected else { return nil }
        return present.last
    }

    private func isBlank(_ line: Line) -> Bool {
        line.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
    }

    private func isEnd(_ line: Line) -> Bool { withoutReturn(line).elementsEqual(endMark) }

    /// An editor may have given all lines the line ends of Windows.
    private func withoutReturn(_ line: Line) -> Line {
        line.last == 0x0D ? line.dropLast() : line
    }
}
