internal import OpenSSLX509
internal import TokencertLedger
internal import TokencertPlatform
internal import TokencertTokens

/// Why a certificate is renewed only if the user names it: another CA issued it, or a new one would not have
/// all of its content.
struct RenewalObjections {
    /// The address of the CA that gets the orders, as in the ledger; nil if it is not known.
    private let ca: String?
    /// The possible issuers.
    let authorities: [Certificate]
    /// The certificates that orders led to, and the addresses of their CAs, by serial number.
    private var origins: [String: [(certificate: Certificate, ca: String)]] = [:]
    /// The issuers of the certificates from exactly this CA, and their roots.
    private var issuers: Set<DistinguishedName> = []
    private var roots: Set<PublicKey> = []

    /// - Parameter orders: Those that concern the token.
    init(ca: String?, orders: [Order], authorities: [Certificate]) {
        self.ca = ca
        self.authorities = authorities
        for order in orders {
            guard let issue = order.beginning.issue, let certificate = order.checkedCertificate
            else { continue }
            origins[certificate.serialNumber, default: []].append((certificate, issue.ca))
            // Each issuer is followed once.
            guard issue.ca == ca, issuers.insert(certificate.issuer).inserted else { continue }
            roots.formUnion(certificate.roots(among: authorities))
        }
    }

    func objection(to certificate: Certificate) -> String? {
        let addresses = (origins[certificate.serialNumber] ?? []).filter {
            $0.certificate.isSame(as: certificate)
        }.map(\.ca)
        if let last = addresses.last {
            // A CA that issued it once decides the content again.
            guard let ca, !addresses.contains(ca) else { return nil }
            let isOther = addresses.allSatisfy { isOtherCA($0, than: ca) }
            return isOther || isFromOtherRoot(certificate) ? Self.otherCA(last) : nil
        }
        if isFromOtherRoot(certificate) { return Self.otherCA(certificate.issuer.text) }
        let missing = certificate.contentNotOrdered
        guard !missing.isEmpty else { return nil }
        return "a new one would not have \(missing.joined(separator: ", "))"
    }

    private static func otherCA(_ name: String) -> String {
        "it was issued by another CA: \(name)"
    }

    /// Whether the certificate has certainly another root than those that the CA has issued.
    private func isFromOtherRoot(_ certificate: Certificate) -> Bool {
        guard !roots.isEmpty, !issuers.contains(certificate.issuer) else { return false }
        let own = certificate.roots(among: authorities)
        return !own.isEmpty && own.isDisjoint(with: roots)
    }
}

extension Certificate {
    /// Names, parts of the subject and uses for which tokencert cannot ask a CA.
    fileprivate var contentNotOrdered: [String] {
        var missing = isAuthority ? ["the right to sign certificates"] : []
        if hasOtherAlternativeNames { missing.append("names in subjectAltName besides addresses") }
        if subject.hasOtherParts {
            missing.append("parts of the subject besides CN and emailAddress")
        }
        let keyUsages = (keyUsages ?? []).filter { !Self.orderedKeyUsages.contains($0) }
        if !keyUsages.isEmpty {
            missing.append(
                "the key usages \(keyUsages.map { "\($0)" }.joined(separator: ", "))")
        }
        let uses = Set(extendedKeyUsages).subtracting(Self.orderedUses).map(\.description).sorted()
        return missing + (uses.isEmpty ? [] : ["the uses \(uses.joined(separator: ", "))"])
    }

    /// The key usages of CAcert's client certificates.
    private static let orderedKeyUsages: [KeyUsage] = [
        .digitalSignature, .keyEncipherment, .keyAgreement,
    ]

    /// The uses of CAcert's client certificates.
    private static let orderedUses: Set<ExtendedKeyUsage> = [
        .clientAuth, .emailProtection, .codeSigning, .any, .microsoftSGC, .microsoftEFS,
        .microsoftIndividualCodeSigning, .microsoftCommercialCodeSigning, .netscapeSGC,
    ]
}

/// Whether two addresses in orders certainly belong to different CAs. The servers of one CA share the end
/// of their names, and a command may get other arguments.
func isOtherCA(_ one: String, than other: String) -> Bool { nameOfCA(one) != nameOfCA(other) }

private func nameOfCA(_ address: String) -> String {
    if address.hasPrefix("command:") {
        let command = String(address.dropFirst("command:".count))
        let program = words(ofCommand: command)?.first ?? command
        return "command:" + (program.split(separator: "/").last ?? "")
    }
    let authority = address.drop { $0 != "/" }.drop { $0 == "/" }.prefix { $0 != "/" }.lowercased()
    // An IPv6 address.
    if let end = authority.firstIndex(of: "]") { return String(authority[...end]) }
    let host = authority.prefix { $0 != ":" }
    let labels = host.split(separator: ".")
    guard let last = labels.last, !last.allSatisfy(\.isNumber) else { return String(host) }
    // Under some countries, such as in co.uk, the second part from the end is not the owner's.
    let shared: Set<Substring> = ["ac", "co", "com", "edu", "gov", "net", "or", "org"]
    let isShared = last.count == 2 && labels.dropLast().last.map { shared.contains($0) } ?? false
    return labels.suffix(isShared ? 3 : 2).joined(separator: ".")
}
