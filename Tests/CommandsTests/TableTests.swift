import Foundation
import Testing

@testable import TokencertCommands

extension Symbols {
    static let unicode = Symbols(isUnicode: true)
    static let ascii = Symbols(isUnicode: false)
}

/// Snapshots of tables at several terminal widths.
@Suite struct TableTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Snapshots/tables")

    private var table: Table {
        var table = Table(["KEY", "LABEL", "ID", "CERTIFICATE", "ISSUER", "DAYS LEFT"])
        let uri = "pkcs11:token=work;id=%01;object=mail;type=private"
        table.add(
            [
                "RSA 3072", "anna@example.org", "7aeeaaa77a3183c3", "Anna Müller", "Class 1 Root",
                "730",
            ],
            below: [uri])
        table.add([
            "EC P-256", "a label that is much longer than a column", "01", "漢字かな 🦊", "Class 3 Root",
            "expired",
        ])
        table.add(["Ed25519 public", "", "", "none", "", ""], below: ["! it expires in 3 days"])
        return table
    }

    @Test("A table matches its snapshot", arguments: [60, 80, 140, nil])
    func snapshots(width: Int?) throws {
        let style = Style(.standardOutput, choice: .never, symbols: .unicode)
        let text = table.lines(style, width: width).joined(separator: "\n") + "\n"
        let file = Self.folder.appending(path: "\(width.map { "\($0)" } ?? "unlimited").txt")
        if ProcessInfo.processInfo.environment["TOKENCERT_RECORD"] != nil {
            try text.write(to: file, atomically: true, encoding: .utf8)
        }
        #expect(text == (try? String(contentsOf: file, encoding: .utf8)), "\(text)")
    }
}
