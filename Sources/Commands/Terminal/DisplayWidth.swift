/// Text from a token or a CA with everything escaped, as `\u{200B}`, that moves a cursor, changes the
/// direction of writing, or is not seen: two names should not look the same.
func printable(_ text: String) -> String {
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
    // Persian and Indic names are written with joiners and non-joiners, emoji are joined, and an
    // emoji or an ideograph looks different with a variation selector.
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

/// Whether a character may stand beside one that joins: not in ASCII text, and seen itself.
private func isJoined(_ scalar: Unicode.Scalar?) -> Bool {
    guard let scalar, !scalar.isASCII, !scalar.properties.isWhitespace else { return false }
    return !scalar.properties.isDefaultIgnorableCodePoint
        || scalar.properties.isVariationSelector
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
