/// A table whose columns are as wide as what is in them, in terminal cells.
struct Table {
    private let header: [String]
    private var rows: [(cells: [String], below: [String])] = []

    init(_ header: [String]) {
        self.header = header
    }

    /// Adds a row.
    ///
    /// - Parameters:
    ///   - cells: One text for each column.
    ///   - below: Lines that stand indented below the row.
    mutating func add(_ cells: [String], below: [String] = []) {
        rows.append((cells.map(printable), below.map(printable)))
    }

    func print(_ style: Style) {
        var widths = header.map(displayWidth)
        for row in rows {
            for (column, cell) in row.cells.enumerated() {
                widths[column] = max(widths[column], displayWidth(cell))
            }
        }
        Swift.print(style.strong(line(header, widths)))
        for row in rows {
            Swift.print(line(row.cells, widths))
            for text in row.below { Swift.print("  " + style.faint(text)) }
        }
    }

    private func line(_ cells: [String], _ widths: [Int]) -> String {
        var line = ""
        for (column, cell) in cells.enumerated() {
            line += cell
            if column < cells.count - 1 {
                line += String(repeating: " ", count: widths[column] - displayWidth(cell) + 2)
            }
        }
        return line
    }
}

/// Text from a token or a CA without what would move a cursor.
func printable(_ text: String) -> String {
    String(
        text.map { character in
            character.unicodeScalars.contains { $0.properties.generalCategory == .control }
                ? "\u{FFFD}" : character
        })
}

/// How many cells of a terminal a text takes.
func displayWidth(_ text: String) -> Int {
    text.reduce(0) { $0 + width($1) }
}

private func width(_ character: Character) -> Int {
    guard let first = character.unicodeScalars.first else { return 0 }
    if first.properties.isEmojiPresentation { return 2 }
    // East Asian wide and fullwidth forms (UAX #11), in their blocks.
    let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF,
        0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x20000...0x3FFFD,
    ]
    return wide.contains { $0.contains(first.value) } ? 2 : 1
}
