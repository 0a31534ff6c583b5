import Testing

@testable import TokencertCommands

/// Tables in narrow terminals, with any content.
@Suite struct TableWidthTests {
    private let plain = Style(.standardOutput, choice: .never, symbols: .unicode)
    private let head = ["KEY", "LABEL", "ID"]

    /// Narrow and wide characters, characters without width, and characters that are escaped.
    private let texts = [
        "", "a", "RSA 3072", "漢字かな漢字かな漢字", "e\u{301}e\u{301}e\u{301}e\u{301}",
        "🦊🦊🦊🦊🦊🦊🦊", "Mu\u{308}ller \u{202E}", "a\nb\u{1B}[2J",
        "\u{1F469}\u{200D}\u{1F4BB} Anna", "mail@a-very-long-name.example.org", "1\u{FE0F}\u{20E3}",
    ]

    private func lines(_ width: Int?) -> [String] {
        var table = Table(head)
        for (index, text) in texts.enumerated() {
            table.add([text, texts[(index + 3) % texts.count], texts[(index + 7) % texts.count]])
        }
        return table.lines(plain, width: width)
    }

    // Otherwise the terminal would break the line, and its end would appear in another column.
    @Test("No line is wider than the terminal, as long as it has six cells for each column")
    func widths() {
        // Six cells for each column, and two blanks between columns.
        let least = 6 * 3 + 2 * 2
        for width in least...140 {
            for line in lines(width) {
                #expect(displayWidth(line) <= width, "\(width): \(line)")
            }
        }
        for width in [-1, 0, 1, least - 1] {
            #expect(lines(width) == lines(least), "\(width)")
        }
    }

    @Test("A table that fits is not changed, and a narrower terminal cuts it")
    func fitting() throws {
        let whole = lines(nil)
        let widest = try #require(whole.map(displayWidth).max())
        #expect(!whole.contains { $0.contains("…") })
        #expect(lines(500) == whole)
        #expect(lines(widest - 20).contains { $0.contains("…") })
    }

    @Test("Columns begin in the same cell of each line, also after wide characters")
    func alignment() {
        for width in [nil, 80, 40, 22] as [Int?] {
            var table = Table(["A", "B"])
            for text in texts { table.add([text, "|"]) }
            let all = table.lines(plain, width: width).dropFirst()
            let starts = Set(all.map { displayWidth(String($0.prefix { $0 != "|" })) })
            #expect(starts.count == 1, "\(String(describing: width)): \(starts)")
        }
    }

    @Test("No line contains characters that move the cursor, whatever the column")
    func printed() {
        for line in lines(60) { #expect(printable(line) == line) }
    }
}
