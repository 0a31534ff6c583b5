internal import OpenSSLX509
internal import TokencertLedger
internal import TokencertTokens

/// Why a certificate is renewed only if the user names it: another CA issued it, or a new one would not have
/// all of its content.
struct RenewalObjections {
    /// The address of the CA that gets the orders, as in the ledger; nil if it is not known.
    let ca: String?
    /// The orders that concern the token of the certificate.
    let orders: [Order]
    /// The possible issuers.
    let authorities: [Certificate]

    func objection(to certificate: Certificate) -> String? {
        let own = orders.filter { $0.beginning.issue != nil && $0.hasBrought(certificate) }
        let addresses = own.compactMap { $0.beginning.issue?.ca }
        if let last = addresses.last {
            // A CA that issued it once decides the content again.
            guard let ca, addresses.allSatisfy({ isOtherCA($0, than: ca) }) else { return nil }
            return Self.otherCA(last)
        }
        if let ca, isFromOtherRoot(certificate, than: ca) {
            return Self.otherCA(certificate.issuer.text)
        }
        let missing = certificate.contentNotOrdered
        guard !missing.isEmpty else { return nil }
        return "a new one would not have \(missing.joined(separator: ", "))"
    }

    private static func otherCA(_ name: String) -> String {
        "it was issued by another CA: \(name)"
    }

    /// Whether the certificates that the CA issued for this token certainly come from another one.
    private func isFromOtherRoot(_ certificate: Certificate, than ca: String) -> Bool {
        let known = orders.filter { order in
            order.beginning.issue.map { !isOtherCA($0.ca, than: ca) } ?? false
        }.compactMap(\.checkedCertificate)
        return !known.isEmpty
            && known.allSatisfy { certificate.isFromOtherCA(than: $0, among: authorities) }
    }
}

extension Order {
    /// Whether the order has led to a certificate that passed every check.
    fileprivate func hasBrought(_ certificate: Certificate) -> Bool {
        certified?.certificate == certificate.pem
            || checkedCertificate.map(certificate.isSame(as:)) ?? false
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
        let uses = Set(extendedKeyUsages).subtracting(Self.orderedUses).map(\.description).sorted()
        return missing + (uses.isEmpty ? [] : ["the uses \(uses.joined(separator: ", "))"])
    }

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
        let program = address.dropFirst("command:".count).split(separator: " ").first ?? ""
        return "command:" + (program.split(separator: "/").last ?? "")
    }
    let host = address.drop { $0 != "/" }.drop { $0 == "/" }.prefix { $0 != "/" && $0 != ":" }
    return host.lowercased().split(separator: ".").suffix(2).joined(separator: ".")
}
