internal import Cryptoki
internal import OpenSSLX509
internal import TokencertPlatform
internal import TokencertTokens

/// Up to three candidates that resemble a mistyped word, the best match first.
func suggestions(for word: String, among candidates: [String]) -> [String] {
    let typed = Array(word.lowercased())
    return candidates.map { candidate in
        let known = Array(candidate.lowercased())
        // A word that was not typed to the end is more likely than a typing error.
        let isBeginning = typed.count >= 2 && known.starts(with: typed)
        return (candidate, isBeginning ? 0 : distance(typed, known))
    }
    // One typing error in three characters is accepted.
    .filter { $0.1 <= max(1, typed.count / 3) }
    .sorted { $0.1 < $1.1 }
    .prefix(3).map(\.0)
}

/// The commands, or the option of tokencert, that a user may mean by a word of other programs or by
/// a typing mistake.
func commandSuggestions(for word: String, among commands: [String]) -> [String] {
    let meant = (wordsOfOtherPrograms[word.lowercased()] ?? []).filter {
        commands.contains($0) || $0.hasPrefix("-")
    }
    return meant.isEmpty ? suggestions(for: word, among: commands) : meant
}

private let wordsOfOtherPrograms = [
    "certs": ["list"], "certificates": ["list"], "keys": ["list"], "ls": ["list"],
    "rm": ["delete", "remove"], "remove": ["delete"], "version": ["--version"], "log": ["history"],
    "info": ["show"],
]

/// A key or a certificate that a hint may offer.
struct NamedObject {
    let title: String
    let label: [UInt8]
    let id: [UInt8]
}

/// The hints if no object fits a name: the objects with a similar label or id, then the others if
/// there are few.
func objectHints(_ target: ObjectTarget, among objects: [NamedObject]) -> [String] {
    var similar: [Int] = []
    func add(_ wanted: String, _ name: (NamedObject) -> String) {
        let names = Dictionary(grouping: objects.indices) { name(objects[$0]) }
        for found in suggestions(for: wanted, among: names.keys.sorted()) where !found.isEmpty {
            similar += (names[found] ?? []).filter { !similar.contains($0) }
        }
    }
    let wanted = target.uri.objectAttributes
    if let label = wanted[.labelBytes] {
        add(likeness(of: label)) { likeness(of: $0.label) }
        add(likeness(of: label)) { hexadecimal($0.id) }
    }
    if let id = wanted[.id] { add(hexadecimal(id)) { hexadecimal($0.id) } }
    let others = objects.indices.filter { !similar.contains($0) }
    return similar.prefix(3).map { "did you mean \(objects[$0].title)?" }
        + others.prefix(similar.isEmpty ? 3 : 0).map { "on the token: \(objects[$0].title)" }
        + (similar.isEmpty && others.count > 3 ? ["and \(others.count - 3) more"] : [])
}

/// The hints if no object fits a URI, from the URIs of all objects.
func objectHints(_ wanted: PKCS11URI, among uris: [String]) -> [String] {
    objectHints(ObjectTarget(wanted), among: objects(ofURIs: uris))
}

/// The names of objects as words for the shell: a printable label or an id that only one of them has,
/// else the URI.
func shortNames(ofURIs uris: [String]) -> [String] { objects(ofURIs: uris).map(\.title) }

private func objects(ofURIs uris: [String]) -> [NamedObject] {
    var count: [String: Int] = [:]
    let objects = uris.compactMap { uri -> (uri: String, label: [UInt8], id: [UInt8])? in
        guard let attributes = try? PKCS11URI(parsing: uri).objectAttributes else { return nil }
        return (uri, attributes[.labelBytes] ?? [], attributes[.id] ?? [])
    }
    func names(_ label: [UInt8], _ id: [UInt8]) -> [String] {
        let label = String(validating: label, as: UTF8.self) ?? ""
        // A name that is shown in another form cannot be typed.
        return [label, hexadecimal(id)].filter {
            !$0.isEmpty && !$0.hasPrefix("-") && printable($0) == $0
        }
    }
    for object in objects {
        for name in Set(names(object.label, object.id)) { count[name, default: 0] += 1 }
    }
    return objects.map { object in
        let name = names(object.label, object.id).first { count[$0] == 1 } ?? object.uri
        return NamedObject(title: shellWord(name), label: object.label, id: object.id)
    }
}

/// A label as text for comparison. Labels that are not UTF-8 are usually Latin-1.
private func likeness(of label: [UInt8]) -> String {
    String(validating: label, as: UTF8.self)
        ?? String(String.UnicodeScalarView(label.map { Unicode.Scalar($0) }))
}

/// The number of insertions, deletions, substitutions and swaps of adjacent characters between two
/// words (restricted Damerau-Levenshtein distance).
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
