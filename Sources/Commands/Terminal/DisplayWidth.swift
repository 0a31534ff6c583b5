/// Text from a token or a CA without what would move a cursor or turn the direction of writing.
func printable(_ text: String) -> String {
    String(
        text.map { character in
            character.unicodeScalars.contains(where: isUnprintable) ? "\u{FFFD}" : character
        })
}

private func isUnprintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: true
    // A name must not look like another one.
    default: scalar.properties.isBidiControl
    }
}

/// How many cells of a terminal a text takes.
func displayWidth(_ text: String) -> Int {
    text.reduce(0) { $0 + width($1) }
}

/// A text that takes no more cells than there are; where it was cut it ends in `…`.
func fitted(_ text: String, width limit: Int) -> String {
    guard displayWidth(text) > limit, limit > 0 else { return text }
    var cut = ""
    var used = 1
    for character in text {
        used += width(character)
        guard used <= limit else { break }
        cut.append(character)
    }
    return cut + "…"
}

private func width(_ character: Character) -> Int {
    guard let first = character.unicodeScalars.first else { return 0 }
    switch first.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return 0
    default: break
    }
    // VARIATION SELECTOR-16 asks for the emoji's form of a character that has two.
    if first.properties.isEmojiPresentation || character.unicodeScalars.contains("\u{FE0F}") {
        return 2
    }
    // East Asian wide and fullwidth forms (UAX #11), in their blocks.
    let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF,
        0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x20000...0x3FFFD,
    ]
    return wide.contains { $0.contains(first.value) } ? 2 : 1
}
