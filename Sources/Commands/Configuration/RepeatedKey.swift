internal import FoundationEssentials

/// The first key that occurs twice in the same JSON object, or nil. A decoder would silently use one
/// of the two. Malformed JSON is not reported.
func repeatedKey(inJSON bytes: [UInt8]) -> String? {
    struct Level {
        let isObject: Bool
        var keys: Set<String> = []
    }
    var levels: [Level] = []
    var expectsKey = false
    var index = 0
    while index < bytes.count {
        switch bytes[index] {
        case UInt8(ascii: "{"):
            levels.append(Level(isObject: true))
            expectsKey = true
        case UInt8(ascii: "["):
            levels.append(Level(isObject: false))
            expectsKey = false
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            _ = levels.popLast()
            expectsKey = false
        case UInt8(ascii: ","):
            expectsKey = levels.last?.isObject ?? false
        case UInt8(ascii: "\""):
            let end = endOfText(in: bytes, from: index)
            if expectsKey, !levels.isEmpty,
                let key = try? JSONDecoder().decode(String.self, from: Data(bytes[index..<end]))
            {
                guard levels[levels.count - 1].keys.insert(key).inserted else { return key }
            }
            expectsKey = false
            index = end - 1
        default: break
        }
        index += 1
    }
    return nil
}

/// The index after the closing quotation mark of a string.
private func endOfText(in bytes: [UInt8], from start: Int) -> Int {
    var index = start + 1
    while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
        index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
    }
    return min(index + 1, bytes.count)
}
