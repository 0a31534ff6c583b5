/// What a person may have meant by a word that is not known: the most alike first.
///
/// - Parameters:
///   - word: What was typed.
///   - candidates: What is known.
func suggestions(for word: String, among candidates: [String]) -> [String] {
    let typed = Array(word.lowercased())
    return candidates.map { candidate in
        let known = Array(candidate.lowercased())
        // A beginning is meant more often than a slip.
        let isBeginning = typed.count >= 2 && known.starts(with: typed)
        return (candidate, isBeginning ? 0 : distance(typed, known))
    }
    // A slip in three characters is a slip, more is another word.
    .filter { $0.1 <= max(1, typed.count / 3) }
    .sorted { $0.1 < $1.1 }
    .prefix(3).map(\.0)
}

/// How many slips of the fingers lie between two words: a character left out, added, changed, or
/// swapped with the next one (the distance of Damerau and Levenshtein, with adjacent swaps only).
private func distance(_ one: [Character], _ other: [Character]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...other.count)
    for row in 1..<(one.count + 1) {
        var current = [row]
        for column in 1..<(other.count + 1) {
            let isSame = one[row - 1] == other[column - 1]
            var least = min(
                last[column] + 1, current[column - 1] + 1, last[column - 1] + (isSame ? 0 : 1))
            if row > 1, column > 1, one[row - 1] == other[column - 2],
                one[row - 2] == other[column - 1]
            {
                least = min(least, beforeLast[column - 2] + 1)
            }
            current.append(least)
        }
        (beforeLast, last) = (last, current)
    }
    return last[other.count]
}
