/// Escapes characters that move the cursor, change the text direction or are invisible, such as
/// U+200B, so that names from a token or a CA cannot hide anything.
func printable(_ text: String) -> String {
    if isPrintableASCII(text) { return text }
    let scalars = Array(text.unicodeScalars)
    var shown = ""
    for (index, scalar) in scalars.enumerated() {
        let previous = index > 0 ? scalars[index - 1] : nil
        let next = index + 1 < scalars.count ? scalars[index + 1] : nil
        if isUnprintable(scalar, between: previous, next) {
            shown += "\\u{" + String(scalar.value, radix: 16, uppercase: true) + "}"
        } else {
            shown.unicodeScalars.append(scalar)
        }
    }
    return shown
}

/// Most texts are. The properties of characters are slow to look up.
private func isPrintableASCII(_ text: String) -> Bool {
    text.utf8.allSatisfy { (0x20...0x7E).contains($0) }
}

private func isUnprintable(
    _ scalar: Unicode.Scalar, between previous: Unicode.Scalar?, _ next: Unicode.Scalar?
) -> Bool {
    let properties = scalar.properties
    switch properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: return true
    default: break
    }
    if properties.isBidiControl { return true }
    guard properties.isDefaultIgnorableCodePoint else { return false }
    // Persian and Indic names and emoji contain joiners and non-joiners; variation selectors change
    // the look of emoji and ideographs.
    switch scalar {
    case "\u{200C}", "\u{200D}":
        return !isJoined(previous) || !isJoined(next)
    case _ where properties.isVariationSelector:
        guard let base = previous else { return true }
        let isKeycap = next == "\u{20E3}"
        return
            !(base.properties.isIdeographic
            || base.properties.isEmoji && (isKeycap || !base.isASCII))
    default: return true
    }
}

/// Whether a joiner may occur next to a character: it must be visible and not ASCII.
private func isJoined(_ scalar: Unicode.Scalar?) -> Bool {
    guard let scalar, !scalar.isASCII, !scalar.properties.isWhitespace else { return false }
    return !scalar.properties.isDefaultIgnorableCodePoint
        || scalar.properties.isVariationSelector
}

/// The number of terminal cells that a text occupies.
func displayWidth(_ text: String) -> Int {
    if isPrintableASCII(text) { return text.utf8.count }
    return text.reduce(0) { $0 + width($1) }
}

/// Shortens a text to a number of terminal cells; a shortened text ends in ``Symbols/cut``.
func fitted(_ text: String, width limit: Int, _ symbols: Symbols) -> String {
    guard displayWidth(text) > limit, limit > 0 else { return text }
    let mark = symbols.cut.prefix(limit)
    var cut = ""
    var used = mark.count
    for character in text {
        used += width(character)
        guard used <= limit else { break }
        cut.append(character)
    }
    return cut + mark
}

/// Breaks a text into lines of a number of terminal cells; only a longer word makes a longer line.
func wrapped(_ text: String, width limit: Int) -> [String] {
    var lines: [String] = []
    for word in text.split(separator: " ") {
        if let last = lines.last, displayWidth(last) + 1 + displayWidth(String(word)) <= limit {
            lines[lines.count - 1] += " " + word
        } else {
            lines.append(String(word))
        }
    }
    return lines
}

/// Breaks a line of a report: what is too wide continues below the value, which begins at the column or,
/// if one of its words does not fit there, in the next line.
func folded(_ line: String, at column: Int, width limit: Int?) -> [String] {
    guard let limit, displayWidth(line) > limit else { return [line] }
    let value = String(line.dropFirst(column))
    let words = value.split(separator: " ").map { displayWidth(String($0)) }
    let head = String(line.prefix(column))
    guard column > 4, column + (words.max() ?? 0) > limit else {
        let margin = String(repeating: " ", count: column)
        let parts = wrapped(value, width: max(1, limit - column))
        return [head + (parts.first ?? "")] + parts.dropFirst().map { margin + $0 }
    }
    var name = head
    while name.hasSuffix(" ") { name.removeLast() }
    return [name] + wrapped(value, width: limit - 4).map { "    " + $0 }
}

/// Breaks a message that begins at a column, so that the command after a mark stays in one line and can
/// be copied. The first line has no margin.
func foldedMessage(
    _ text: String, at column: Int, width limit: Int?, before mark: String? = ": tokencert "
) -> [String] {
    guard let limit, column + displayWidth(text) > limit else { return [text] }
    let margin = String(repeating: " ", count: column)
    var prose = text
    var command: [String] = []
    if let range = mark.flatMap({ text.firstRange(of: $0) }) {
        prose = text[..<range.lowerBound] + ":"
        command = [String(text[text.index(range.lowerBound, offsetBy: 2)...])]
    }
    let parts = wrapped(prose, width: max(1, limit - column)) + command
    return [parts.first ?? ""] + parts.dropFirst().map { margin + $0 }
}

private func width(_ character: Character) -> Int {
    guard let first = character.unicodeScalars.first else { return 0 }
    switch first.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return 0
    default: break
    }
    // VARIATION SELECTOR-16 selects the emoji form of a character.
    if first.properties.isEmojiPresentation || character.unicodeScalars.contains("\u{FE0F}") {
        return 2
    }
    // Blocks of East Asian wide and fullwidth characters (UAX #11).
    let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF,
        0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x20000...0x3FFFD,
    ]
    return wide.contains { $0.contains(first.value) } ? 2 : 1
}
