internal import Cryptoki
internal import OpenSSLX509

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

/// What to say of the objects on a token where a URI names none of them: those that may have been
/// meant, by their labels or ids, then all others where they are few.
///
/// - Parameters:
///   - wanted: What was typed.
///   - uris: The objects.
func objectHints(_ wanted: PKCS11URI, among uris: [String]) -> [String] {
    let objects = uris.compactMap { uri in
        (try? PKCS11URI(parsing: uri)).map { (uri: uri, attributes: $0.objectAttributes) }
    }
    var meant: [String] = []
    if let label = wanted.objectAttributes[.label] {
        let labels = Set(objects.compactMap { $0.attributes[.label] })
        for like in suggestions(for: label, among: labels.sorted()) {
            meant += objects.filter { $0.attributes[.label] == like }.map(\.uri)
        }
    }
    if let id = wanted.objectAttributes[.id].map({ hexadecimal($0) }) {
        let ids = Set(objects.compactMap { $0.attributes[.id].map { hexadecimal($0) } })
        for like in suggestions(for: id, among: ids.sorted()) {
            meant += objects.filter { $0.attributes[.id].map { hexadecimal($0) } == like }
                .map(\.uri).filter { !meant.contains($0) }
        }
    }
    let others = uris.filter { !meant.contains($0) }
    return meant.map { "did you mean '\($0)'?" }
        + (others.count <= 20 ? others.map { "there is: '\($0)'" } : [])
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
