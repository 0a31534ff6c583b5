/// A certificate or a pending request in the list of the web account.
package struct ListedCertificate: Sendable, Hashable {
    /// The CA's number of the certificate, which is also that of its order.
    package let number: String
    /// The first address of the certificate, or nil.
    package let emailAddress: String?
    /// The serial number in upper-case hexadecimal; nil until the CA has signed.
    package let serialNumber: String?
    /// The date of expiry, as `2028-11-27 09:00:00` in UTC; nil until the CA has signed.
    package let expiry: String?
    package let isRevoked: Bool

    package init(
        number: String, emailAddress: String?, serialNumber: String?, expiry: String?,
        isRevoked: Bool
    ) {
        self.number = number
        self.emailAddress = emailAddress
        self.serialNumber = serialNumber
        self.expiry = expiry
        self.isRevoked = isRevoked
    }
}

extension ListedCertificate {
    /// The rows that are read at most.
    private static let maximum = 10_000

    /// Reads the list of certificates; nil if the page has no such list.
    ///
    /// The site translates its texts into the member's language, so a row is recognised by its
    /// fields, and a cell by its form: a row has a field with the number in its name or its value,
    /// and the date of expiry follows the date of revocation, which follows the serial number.
    static func list(inPage page: [UInt8]) -> [ListedCertificate]? {
        let rows = split(page, atTag: "tr").dropFirst().prefix(maximum)
        let list = rows.compactMap { ListedCertificate(row: $0) }
        guard list.isEmpty else { return list }
        // An empty list still has its headings, in the same number of cells.
        let hasHeadings = rows.contains { split($0, atTag: "td").count - 1 >= columns - 1 }
        return hasHeadings ? [] : nil
    }

    /// The columns of the list: choice, state, address, serial number, revocation, expiry, login, and
    /// two for a comment. The heading of the last two is one cell.
    private static let columns = 9

    private init?(row: ArraySlice<UInt8>) {
        let cells = Self.split(row, atTag: "td").dropFirst().map { Self.text($0) }
        guard let number = Self.number(inRow: row),
            let first = cells.indices.first(where: { $0 > 1 && Self.isDate(cells[$0]) })
        else { return nil }
        let isRevoked = first + 1 < cells.count && Self.isDate(cells[first + 1])
        let expiry = isRevoked ? cells[first + 1] : cells[first]
        let place = isRevoked ? first - 1 : first - 2
        guard place > 0 else { return nil }
        let serial = cells[place].uppercased()
        guard serial.utf8.allSatisfy({ Self.isHexadecimal($0) }) else { return nil }
        let isSigned = !serial.isEmpty && !expiry.hasPrefix("0000")
        let address = cells[place - 1]
        self.init(
            number: number, emailAddress: address.isEmpty ? nil : address,
            serialNumber: isSigned ? serial : nil, expiry: isSigned ? expiry : nil,
            isRevoked: isRevoked)
    }

    /// The text of a cell, without its tags and without blanks around it.
    private static func text(_ cell: ArraySlice<UInt8>) -> String {
        var text: [UInt8] = []
        var isTag = false
        for byte in cell {
            if byte == UInt8(ascii: "<") { isTag = true }
            if !isTag { text.append(byte) }
            if byte == UInt8(ascii: ">") { isTag = false }
        }
        return HTMLText.decode(text[...]).split(whereSeparator: \.isWhitespace).joined(
            separator: " ")
    }

    /// The number in the fields of a row; nil if it has none, or several.
    private static func number(inRow row: ArraySlice<UInt8>) -> String? {
        let text = String(decoding: row, as: UTF8.self)
        var numbers: Set<Substring> = []
        for start in ["name=\"cert_", "name='cert_", "name=cert_", "&amp;cert=", "&cert="] {
            for part in text.split(separator: start, omittingEmptySubsequences: false).dropFirst() {
                numbers.insert(part.prefix { ("0"..."9").contains($0) })
            }
        }
        for field in ["revokeid[]", "delid[]"] {
            for part in text.split(separator: field, omittingEmptySubsequences: false).dropFirst() {
                let tag = part.prefix { $0 != ">" }
                guard let value = tag.firstRange(of: "value=") else { continue }
                let digits = tag[value.upperBound...].drop { $0 == "\"" || $0 == "'" }
                numbers.insert(digits.prefix { ("0"..."9").contains($0) })
            }
        }
        guard numbers.count == 1, let number = numbers.first, !number.isEmpty, number.count < 20
        else { return nil }
        return String(number)
    }

    /// Whether a text begins like `2028-11-27 09:00:00`.
    private static func isDate(_ text: String) -> Bool {
        let form = Array("dddd-dd-dd".utf8)
        let bytes = Array(text.utf8.prefix(form.count))
        guard bytes.count == form.count else { return false }
        return zip(bytes, form).allSatisfy { byte, expected in
            expected == UInt8(ascii: "d")
                ? (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) : byte == expected
        }
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || (UInt8(ascii: "A")...UInt8(ascii: "F")).contains(byte)
    }

    /// Splits markup before each tag with a name, such as `<td class="x">`. The first part precedes
    /// the first tag.
    private static func split(
        _ markup: some Collection<UInt8>, atTag name: String
    ) -> [ArraySlice<UInt8>] {
        let bytes = Array(markup)
        let name = Array("<\(name)".utf8)
        var parts: [ArraySlice<UInt8>] = []
        var start = 0
        var index = 0
        while index + name.count < bytes.count {
            let isTag =
                bytes[index] == name[0]
                && zip(bytes[index...], name).allSatisfy { $0 | 0x20 == $1 | 0x20 }
                && " >\t\r\n".utf8.contains(bytes[index + name.count])
            if isTag {
                parts.append(bytes[start..<index])
                start = index
            }
            index += 1
        }
        return parts + [bytes[start...]]
    }
}
