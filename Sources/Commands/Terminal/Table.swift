/// A table for the terminal. If it is too wide, the widest columns are shortened first, with
/// ``Symbols/cut`` at the end of shortened texts.
struct Table {
    struct Cell {
        let text: String
        let urgency: Urgency

        init(_ text: String, _ urgency: Urgency = .none) {
            self.text = printable(text)
            self.urgency = urgency
        }
    }

    private let header: [String]
    /// The heads of columns that are never shortened.
    private let whole: Set<String>
    private var rows: [(cells: [Cell], below: [String])] = []

    private static let leastWidth = 6

    init(_ header: [String], whole: Set<String> = []) {
        self.header = header
        self.whole = whole
    }

    /// Adds a row. The lines `below` it are indented, and never shortened since users copy them.
    mutating func add(_ cells: [String], below: [String] = []) {
        add(cells.map { Cell($0) }, below: below)
    }

    mutating func add(_ cells: [Cell], below: [String] = []) {
        rows.append((cells, below.map(printable)))
    }

    func print(_ style: Style) {
        for line in lines(style, width: Output.standardOutput.width) {
            TokencertCommands.print(line)
        }
    }

    /// The lines of the table, at most `width` cells wide if the column heads allow it.
    func lines(_ style: Style, width: Int?) -> [String] {
        let widths = fittedWidths(width)
        var lines = [style.strong(line(header.map { Cell($0) }, widths, Style.plain))]
        for row in rows {
            lines.append(line(row.cells, widths, style))
            for text in row.below { lines.append("  " + style.faint(text)) }
        }
        return lines
    }

    private func fittedWidths(_ width: Int?) -> [Int] {
        var widths = header.map(displayWidth)
        for row in rows {
            for (column, cell) in row.cells.enumerated() {
                widths[column] = max(widths[column], displayWidth(cell.text))
            }
        }
        guard let width else { return widths }
        var excess = widths.reduce(0, +) + 2 * (widths.count - 1) - width
        while excess > 0 {
            let heads = header.map(displayWidth)
            // A column never gets narrower than its head, which says what it contains.
            let candidates = widths.indices.filter {
                widths[$0] > max(Self.leastWidth, heads[$0]) && !whole.contains(header[$0])
            }
            guard let widest = candidates.max(by: { widths[$0] < widths[$1] }) else { break }
            widths[widest] -= 1
            excess -= 1
        }
        return widths
    }

    private func line(_ cells: [Cell], _ widths: [Int], _ style: Style) -> String {
        var line = ""
        for (column, cell) in cells.enumerated() {
            let text = fitted(cell.text, width: widths[column], style.symbols)
            line += style.urgency(cell.urgency, text)
            if column < cells.count - 1 {
                line += String(repeating: " ", count: widths[column] - displayWidth(text) + 2)
            }
        }
        while line.hasSuffix(" ") { line.removeLast() }
        return line
    }
}

extension Style {
    fileprivate static let plain = Style(.standardOutput, choice: .never)
}
