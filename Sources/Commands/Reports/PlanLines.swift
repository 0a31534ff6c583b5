internal import Cryptoki
internal import OpenSSLX509
internal import TokencertIssuance
internal import TokencertPlatform
internal import TokencertTokens

/// The JSON of a dry run.
struct PlanLines: Encodable {
    let token: String
    let keyKind: String?
    let id: String?
    let label: String?
    let key: String?
    let name: String?
    let emailAddresses: [String]?
    let codeSigning: Bool?
    let ca: String?
    let pins: [String]
    /// What only a real run can check.
    let notChecked: [String]
    /// The existing key, if it is visible without a login.
    var seenKey: KeyEntry?

    private enum CodingKeys: String, CodingKey {
        case token, keyKind, id, label, key, name, emailAddresses, codeSigning, ca, pins
        case notChecked
    }

    init(
        token: String, key: KeyPlan, grant: CertificateGrant? = nil, pins: PINPlan,
        ca: String? = nil, notChecked: [String]
    ) {
        self.notChecked = notChecked
        self.pins = pins.needsPINs ? pins.roles.map(pins.name) : []
        self.token = token
        switch key {
        case .generate(let new):
            keyKind = new.kind.description
            id = hexadecimal(new.id)
            label = text(ofLabel: new.label)
            self.key = nil
        case .existing(let uri, _):
            (keyKind, id, label) = (nil, nil, nil)
            self.key = uri.description
        }
        name = grant?.name
        emailAddresses = grant?.emailAddresses
        codeSigning = grant?.codeSigning
        self.ca = ca
    }

    func show(_ output: CommonOptions) throws {
        if output.isJSON { return try printJSON(self) }
        printFolded(lines(showingURIs: output.isVerbose), at: 16)
    }

    private func lines(showingURIs showsURIs: Bool) -> [String] {
        var lines = ["This is a dry run: nothing was changed and no PIN was sent."]
        lines.append(
            "  token         "
                + printable(showsURIs ? quoted(token) : NamedToken(uri: token).title))
        if let keyKind, let id, let label {
            lines.append("  new key       \(keyKind), id \(id), label \"\(printable(label))\"")
        }
        if let key {
            let title =
                seenKey.map { keyTitle(label: $0.label, id: $0.id) } ?? objectTitle(ofURI: key)
            lines.append("  key           " + printable(showsURIs ? quoted(key) : title))
        }
        if !pins.isEmpty { lines.append("  PINs          \(pins.joined(separator: ", then "))") }
        if let ca { lines.append("  CA            \(printable(ca))") }
        if let name { lines.append("  name          \(printable(name))") }
        for address in emailAddresses ?? [] {
            lines.append("  address       \(printable(address))")
        }
        if let codeSigning {
            let yes = "yes, if the account has 100 points, which the CA does not report"
            lines.append("  code signing  \(codeSigning ? yes : "no")")
        }
        lines += notChecked.map { "Not checked: \($0)." }
        return lines
    }
}
