internal import Cryptoki
internal import OpenSSLX509
internal import TokencertTokens

/// What a person may have meant by a word that is not known: the most alike first.
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
func objectHints(_ wanted: PKCS11URI, among uris: [String]) -> [String] {
    let objects = uris.compactMap { uri in
        (try? PKCS11URI(parsing: uri)).map { (uri: uri, attributes: $0.objectAttributes) }
    }
    var meant: [String] = []
    var isMeant: Set<String> = []
    func add(
        like wanted: String, _ name: (Template) -> String?
    ) {
        var named: [String: [String]] = [:]
        for object in objects {
            if let name = name(object.attributes) { named[name, default: []].append(object.uri) }
        }
        for like in suggestions(for: wanted, among: named.keys.sorted()) {
            for uri in named[like] ?? [] where isMeant.insert(uri).inserted { meant.append(uri) }
        }
    }
    if let label = wanted.objectAttributes[.labelBytes] {
        add(like: likeness(of: label)) { $0[.labelBytes].map(likeness(of:)) }
    }
    if let id = wanted.objectAttributes[.id] {
        add(like: hexadecimal(id)) { $0[.id].map { hexadecimal($0) } }
    }
    let others = uris.filter { !isMeant.contains($0) }
    return meant.prefix(20).map { "did you mean \(quoted($0))?" }
        + (others.count <= 20 ? others.map { "there is: \(quoted($0))" } : [])
}

/// A label as a user may type it without seeing its bytes: those that are not UTF-8 are usually
/// Latin-1.
private func likeness(of label: [UInt8]) -> String {
    String(validating: label, as: UTF8.self)
        ?? String(String.UnicodeScalarView(label.map { Unicode.Scalar($0) }))
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
