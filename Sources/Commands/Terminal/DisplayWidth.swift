/// Text from a token or a CA with everything escaped, as `\u{200B}`, that has no width, moves a
/// cursor or changes the direction of writing: two names must not look the same.
func printable(_ text: String) -> String {
    var shown = ""
    var previous: Unicode.Scalar?
    for scalar in text.unicodeScalars {
        if isUnprintable(scalar, after: previous) {
            shown += "\\u{" + String(scalar.value, radix: 16, uppercase: true) + "}"
        } else {
            shown.unicodeScalars.append(scalar)
        }
        previous = scalar
    }
    return shown
}

private func isUnprintable(_ scalar: Unicode.Scalar, after previous: Unicode.Scalar?) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: return true
    default: break
    }
    guard scalar.properties.isDefaultIgnorableCodePoint else { return false }
    // An emoji or an ideograph looks different with a variation selector.
    guard scalar.properties.isVariationSelector, let base = previous?.properties else {
        return true
    }
    return !(base.isIdeographic || base.isEmoji && !(previous?.isASCII ?? true))
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
