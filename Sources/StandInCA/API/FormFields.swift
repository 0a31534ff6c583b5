/// The fields of a form or a query, decoded like PHP: `name[0]` and `name[]` are elements of lists,
/// in the order of arrival, and a later value of the same field or index replaces an earlier one.
struct FormFields: Sendable {
    private var single: [String: [UInt8]] = [:]
    private var lists: [String: [(index: String, value: [UInt8])]] = [:]
    private(set) var names: [String] = []

    init() {}

    /// Adds fields in `application/x-www-form-urlencoded`.
    mutating func add(_ encoded: some Sequence<UInt8>) {
        for pair in Array(encoded).split(separator: UInt8(ascii: "&")) {
            let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            let name = String(decoding: Self.decode(pair[..<equals]), as: UTF8.self)
            set(name, Self.decode(pair[equals...].dropFirst()))
        }
    }

    subscript(_ name: String) -> String? {
        single[name].map { String(decoding: $0, as: UTF8.self) }
    }

    func list(_ name: String) -> [String] {
        (lists[name] ?? []).map { String(decoding: $0.value, as: UTF8.self) }
    }

    private mutating func set(_ name: String, _ value: [UInt8]) {
        names.append(name)
        guard let open = name.firstIndex(of: "["), name.hasSuffix("]") else {
            single[name] = value
            return
        }
        let base = String(name[..<open])
        var index = String(name[name.index(after: open)...].dropLast())
        var list = lists[base] ?? []
        if index.isEmpty {
            index = String((list.compactMap { Int($0.index) }.max() ?? -1) + 1)
        }
        if let known = list.firstIndex(where: { $0.index == index }) {
            list[known].value = value
        } else {
            list.append((index, value))
        }
        lists[base] = list
    }

    private static func decode(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var decoded: [UInt8] = []
        var rest = bytes
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "+") {
                decoded.append(UInt8(ascii: " "))
            } else if byte == UInt8(ascii: "%"), rest.count >= 2, rest.first != UInt8(ascii: "+"),
                rest.first != UInt8(ascii: "-"),
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                decoded.append(value)
                rest = rest.dropFirst(2)
            } else {
                decoded.append(byte)
            }
        }
        return decoded
    }
}
