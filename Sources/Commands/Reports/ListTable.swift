internal import Cryptoki
internal import OpenSSLX509
internal import TokencertPlatform
internal import TokencertTokens

/// The table of `list`: a line for each key, each older certificate of a key, and each certificate
/// without a key.
struct ListTable: Sendable {
    /// The first line, which names the token.
    let title: String
    /// The URI of the token.
    let uri: String
    let inventory: TokenInventory
    let health: TokenHealth
    let sawPrivateObjects: Bool
    /// The numbers of unfinished orders, by the SHA-256 hash of the public key, in hexadecimal.
    let unfinishedOrders: [String: Int64]
    /// Whether URIs are listed below the lines.
    let showsURIs: Bool

    /// The longest id that has a column, in digits. Longer ones are listed below the lines.
    private static let longestID = 20
    /// The narrowest terminal for which the issuer has a column, in cells.
    private static let widthForIssuer = 100
    /// The number of days before a certificate expires for which they are counted.
    private static let countedDays = 90

    private struct Line {
        var label = ""
        var id = ""
        var kind = ""
        var certificate = ""
        var serialNumber = ""
        var issuer = ""
        var expiry = ""
        var state = ""
        var urgency = Urgency.none
        var below: [String] = []
    }

    /// The lines, at most `width` cells wide if the column heads and the ids allow it.
    func lines(_ style: Style, width: Int?) -> [String] {
        var text = [title]
        if showsURIs { text[0] += "  " + style.faint(quoted(uri)) }
        text.append("")
        let withoutKeys: [Line] = inventory.certificates.map { entry in
            // A certificate of a CA has its key elsewhere.
            let lacksKey = sawPrivateObjects && entry.content?.isAuthority != true
            return line(entry, of: nil, state: lacksKey ? "no key" : "")
        }
        let lines = mapSideBySide(inventory.keys, lines(of:)).flatMap { $0 } + withoutKeys
        text +=
            lines.isEmpty
            ? [
                sawPrivateObjects
                    ? "no keys or certificates found"
                    : "no keys or certificates are visible without the PIN"
            ] : table(lines, width).lines(style, width: width)
        let others = inventory.otherObjects
        if others > 0 { text += ["", "and \(others) other object\(others == 1 ? "" : "s")"] }
        return text
    }

    private func table(_ lines: [Line], _ width: Int?) -> Table {
        let idsHaveColumn =
            lines.allSatisfy { $0.id.count <= Self.longestID }
            && width.map { $0 >= Self.narrowest(lines) } ?? true
        let isShown = [
            true, idsHaveColumn, true, true, width.map { $0 >= Self.widthForIssuer } ?? true,
            true, true, lines.contains { !$0.state.isEmpty },
        ]
        func shown<Value>(_ columns: [Value]) -> [Value] {
            zip(columns, isShown).filter(\.1).map(\.0)
        }
        var table = Table(
            shown([
                "LABEL", "ID", "KEY", "CERTIFICATE", "ISSUER", "SERIAL", "EXPIRES", "STATE",
            ]), whole: ["ID", "SERIAL", "EXPIRES", "STATE"])
        for line in lines {
            let cells = [
                Table.Cell(line.label), Table.Cell(line.id), Table.Cell(line.kind),
                Table.Cell(line.certificate), Table.Cell(line.issuer),
                Table.Cell(line.serialNumber), Table.Cell(line.expiry, line.urgency),
                Table.Cell(line.state),
            ]
            let id = idsHaveColumn || line.id.isEmpty ? [] : ["id \(line.id)"]
            table.add(shown(cells), below: id + line.below)
        }
        return table
    }

    /// The width of the narrowest table with a column of ids and without issuers, in cells.
    private static func narrowest(_ lines: [Line]) -> Int {
        let columns = [\Line.id, \.serialNumber, \.expiry, \.state].map { column in
            lines.map { displayWidth($0[keyPath: column]) }.max() ?? 0
        }
        // LABEL, KEY and CERTIFICATE can be shortened to their heads; six spaces of two cells.
        return columns.reduce(0, +) + 6 + 6 + "CERTIFICATE".count + 12
    }

    @Sendable private func lines(of key: KeyEntry) -> [Line] {
        let certificates = key.certificates.sorted {
            ($0.content?.notAfter ?? 0, $0.content?.notBefore ?? 0)
                > ($1.content?.notAfter ?? 0, $1.content?.notBefore ?? 0)
        }
        let order = key.value.flatMap { unfinishedOrders[hexadecimal($0.sha256Fingerprint)] }
        var state =
            order.map { "order \($0) unfinished" }
            ?? (certificates.isEmpty
                ? "no certificate"
                : key.privateKey == nil && sawPrivateObjects ? "public key only" : "")
        // One for another key may have replaced it.
        if state.isEmpty, let newest = certificates.first, health.isReplaced(newest) {
            state = "replaced"
        }
        var first = certificates.first.map { line($0, of: key, state: state) } ?? Line(state: state)
        first.label = key.label
        first.id = hexadecimal(key.id)
        first.kind = ListReport.name(key.kind)
        let findings = health.findings(key).filter { $0.kind != .mismatch }
        first.below =
            uris([key.privateKey, key.publicKey].compactMap { $0?.uri }) + marks(findings)
            + first.below
        var lines = [first]
        func isRevoked(_ entry: CertificateEntry) -> Bool {
            entry.content.map { health.health.revocationDay(of: $0) != nil } ?? false
        }
        for entry in certificates.dropFirst() {
            let isReplaced = health.isReplaced(entry)
            let state = isRevoked(entry) ? "revoked" : isReplaced ? "replaced" : ""
            lines.append(line(entry, of: key, state: state))
        }
        for entry in key.mismatchedCertificates {
            var other = line(entry, of: key, state: "different key")
            other.below.insert("! its CKA_ID belongs to a different key", at: uris([""]).count)
            lines.append(other)
        }
        return lines
    }

    private func line(_ entry: CertificateEntry, of key: KeyEntry?, state: String) -> Line {
        var line = Line(state: state)
        if key == nil {
            line.label = entry.record.label
            line.id = hexadecimal(entry.record.id)
        }
        line.certificate = entry.name
        line.below = uris([entry.record.uri]) + marks(health.findings(entry, of: key))
        guard let content = entry.content else { return line }
        if let address = content.emailAddresses.first { line.certificate += " <\(address)>" }
        line.serialNumber = Self.shortened(content.serialNumber)
        line.issuer = content.issuerName
        let days = content.daysLeft(at: health.health.now)
        line.urgency = Urgency(daysLeft: days)
        line.expiry = String(timestamp(content.notAfter).prefix(10))
        if days < 0 {
            line.expiry += ", expired"
        } else if days < Self.countedDays {
            line.expiry += days == 1 ? " in 1 day" : " in \(days) days"
        }
        return line
    }

    /// The first digits of a serial number, which name the certificate, too.
    static func shortened(_ serialNumber: String) -> String {
        serialNumber.count <= 10 ? serialNumber : serialNumber.prefix(8) + ".."
    }

    private func uris(_ uris: [String]) -> [String] { showsURIs ? uris.map(quoted) : [] }

    /// The findings of `health` that are more than notices.
    private func marks(_ findings: [Finding]) -> [String] {
        findings.filter { $0.severity > .notice }.map { "! \($0.text)" }
    }
}
