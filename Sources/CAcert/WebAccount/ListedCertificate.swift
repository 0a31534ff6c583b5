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
}

extension ListedCertificate {
    /// The rows that are read at most.
    private static let maximum = 20_000
    /// The columns of the list: choice, state, address, serial number, revocation, expiry, login, and
    /// two for a comment. The heading of the last two is one cell.
    private static let headings = 8

    /// Reads the list of certificates; nil if it is absent, not complete or not understood. The
    /// site translates its texts, so a row is recognised by the number in its fields, and cells by
    /// their form: the date of expiry follows that of revocation, which follows the serial number.
    static func list(inPage page: [UInt8]) -> [ListedCertificate]? {
        let rows = split(page[...], atTag: rowTag).dropFirst()
        guard rows.count <= maximum else { return nil }
        var list: [ListedCertificate] = []
        var hasHeadings = false
        var lastRow = page.startIndex
        for row in rows {
            let cells = split(row, atTag: cellTag).dropFirst()
            let numbers = numbers(inRow: row)
            if numbers.isEmpty {
                if cells.count == headings {
                    hasHeadings = true
                    lastRow = row.startIndex
                }
                continue
            }
            guard numbers.count == 1, let number = numbers.first,
                let listed = ListedCertificate(number, cells.map { text($0) })
            else { return nil }
            list.append(listed)
            lastRow = row.startIndex
        }
        guard !list.isEmpty || hasHeadings, isComplete(page[lastRow...]) else { return nil }
        return list
    }

    /// Whether the table and then the page end after the last row. A script that fails while it writes
    /// the rows leaves out the end, although the length of its answer is right.
    private static func isComplete(_ rest: ArraySlice<UInt8>) -> Bool {
        guard let table = places(of: tableEnd, in: rest).first else { return false }
        return !places(of: pageEnd, in: rest[table...]).isEmpty
    }

    private init?(_ number: String, _ cells: [String]) {
        guard let first = cells.indices.first(where: { $0 > 1 && Self.isDate(cells[$0]) }) else {
            return nil
        }
        let isRevoked = first + 1 < cells.count && Self.isDate(cells[first + 1])
        let expiry = isRevoked ? cells[first + 1] : cells[first]
        let place = isRevoked ? first - 1 : first - 2
        guard place > 0 else { return nil }
        let serial = cells[place].uppercased()
        guard serial.unicodeScalars.allSatisfy(\.properties.isASCIIHexDigit) else { return nil }
        let isSigned = !serial.isEmpty && !expiry.hasPrefix("0000")
        let address = cells[place - 1]
        self.init(
            number: number, emailAddress: address.isEmpty ? nil : address,
            serialNumber: isSigned ? serial : nil, expiry: isSigned ? expiry : nil,
            isRevoked: isRevoked)
    }

    // MARK: Markup

    private static let rowTag = Array("<tr".utf8)
    private static let cellTag = Array("<td".utf8)
    private static let tableEnd = Array("</table>".utf8)
    private static let pageEnd = Array("</html>".utf8)
    /// What precedes a number in the fields and links of a row.
    private static let numberMarks = ["name=\"cert_", "name='cert_", "&amp;cert=", "&cert="].map {
        Array($0.utf8)
    }
    /// The fields whose value is a number.
    private static let numberFields = ["revokeid[]", "delid[]"].map { Array($0.utf8) }
    private static let valueMark = Array("value=".utf8)

    /// The text of a cell, without its tags and without blanks around it.
    private static func text(_ cell: ArraySlice<UInt8>) -> String {
        var text: [UInt8] = []
        var isTag = false
        for byte in cell {
            if byte == UInt8(ascii: "<") { isTag = true }
            if !isTag { text.append(byte) }
            if byte == UInt8(ascii: ">") { isTag = false }
        }
        return HTMLText.decode(text[...]).split(whereSeparator: \.isWhitespace)
            .joined(separator: " ")
    }

    /// The numbers in the fields and links of a row.
    private static func numbers(inRow row: ArraySlice<UInt8>) -> Set<String> {
        var numbers: Set<String> = []
        for mark in numberMarks {
            for place in places(of: mark, in: row) { numbers.insert(digits(row[place...])) }
        }
        for field in numberFields {
            for place in places(of: field, in: row) {
                let tag = row[place...].prefix(100).prefix { $0 != UInt8(ascii: ">") }
                guard let value = places(of: valueMark, in: tag).first else { continue }
                let quotes: [UInt8] = [UInt8(ascii: "\""), UInt8(ascii: "'")]
                numbers.insert(digits(tag[value...].drop { quotes.contains($0) }))
            }
        }
        return numbers
    }

    /// The digits at the start of a text; a number of more than 19 digits is cut and matches nothing.
    private static func digits(_ text: ArraySlice<UInt8>) -> String {
        let digits = text.prefix(20).prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        return String(decoding: digits, as: UTF8.self)
    }

    /// The places after each occurrence of a text.
    private static func places(of text: [UInt8], in bytes: ArraySlice<UInt8>) -> [Int] {
        var places: [Int] = []
        var index = bytes.startIndex
        while index + text.count <= bytes.endIndex {
            if matches(text, in: bytes, at: index) { places.append(index + text.count) }
            index += 1
        }
        return places
    }

    /// Whether a text is at a position, ignoring case.
    private static func matches(_ text: [UInt8], in bytes: ArraySlice<UInt8>, at place: Int) -> Bool
    {
        guard place + text.count <= bytes.endIndex else { return false }
        for offset in text.indices where bytes[place + offset] | 0x20 != text[offset] | 0x20 {
            return false
        }
        return true
    }

    /// Splits markup before each tag, such as `<td class="x">`. The first part precedes the first tag.
    private static func split(
        _ bytes: ArraySlice<UInt8>, atTag tag: [UInt8]
    ) -> [ArraySlice<UInt8>] {
        var parts: [ArraySlice<UInt8>] = []
        var start = bytes.startIndex
        for place in places(of: tag, in: bytes)
        where place < bytes.endIndex && " >\t\r\n".utf8.contains(bytes[place]) {
            let begin = place - tag.count
            parts.append(bytes[start..<begin])
            start = begin
        }
        return parts + [bytes[start...]]
    }

    // MARK: Values

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
}
