package import OpenSSLX509
package import TokencertLedger

/// A certificate that has the same content as others on other tokens.
package struct CopiedCertificate: Sendable {
    package let certificate: Certificate
    /// The URI of its token.
    package let token: String
    /// The last order with which its token proved it; nil if another program has put it there.
    package let order: Order?
}

/// Certificates with the same content on several tokens, each with a key of its own, according to the
/// ledger. They are renewed together.
package struct CopiedCertificates {
    /// The certificates that were neither replaced nor revoked, by the certificate that their content is
    /// from. Those of older orders come first.
    private var groups: [String: [CopiedCertificate]] = [:]
    /// The certificate from which each certificate's content was copied. Both are SHA-256 in
    /// hexadecimal.
    private var sources: [String: String] = [:]
    private let orders: [Order]

    /// Collects the certificates of orders, given oldest first.
    package init(_ orders: [Order]) {
        self.orders = orders
        var known: [Certificate: CopiedCertificate] = [:]
        for order in orders where order.isProved {
            guard let certificate = order.checkedCertificate, !certificate.isAuthority else {
                continue
            }
            let pem = order.beginning.original?.certificate ?? order.beginning.replaced?.certificate
            if let source = pem.flatMap({ Certificate.first(inPEM: $0) }) {
                sources[fingerprint(certificate)] = fingerprint(source)
                if let token = order.beginning.original?.token, known[source] == nil {
                    known[source] = CopiedCertificate(certificate: source, token: token, order: nil)
                }
            }
            known[certificate] = CopiedCertificate(
                certificate: certificate, token: order.beginning.token, order: order)
        }
        let replacements = Replacements(orders)
        let revocations = Revocations(orders)
        for each in known.values
        where replacements.outcomes(for: each.certificate).isEmpty
            && revocations.time(of: each.certificate) == nil
        {
            groups[source(of: each.certificate), default: []].append(each)
        }
        for (source, group) in groups { groups[source] = newestOfEachToken(group) }
    }

    /// The current certificates with the same content as a certificate of a token, which may have
    /// been replaced, for other keys on other tokens, except those that were renewed since then.
    package func copies(of certificate: Certificate, on token: String) -> [CopiedCertificate] {
        (groups[source(of: certificate)] ?? []).filter {
            $0.certificate.publicKey != certificate.publicKey && !mayBeSameToken($0.token, token)
                && !wasRenewed($0, since: certificate)
        }
    }

    /// Whether a copy was renewed but this certificate was not, because its token was absent or had
    /// another PIN. Another renewal would be an order for a certificate that the token already has.
    private func wasRenewed(_ copy: CopiedCertificate, since certificate: Certificate) -> Bool {
        // What is renewed together is issued on one day, even if the CA is late.
        copy.order?.beginning.replaced != nil
            && copy.certificate.notBefore > certificate.notBefore + 86_400
    }

    /// The order that has put a copy of a certificate on a token or may still do so; nil if there is
    /// none, or if the copy is revoked.
    package func orderOfCopy(of certificate: Certificate, to token: String) -> Order? {
        let group = groups[source(of: certificate)] ?? []
        let copy = group.first { mayBeSameToken($0.token, token) && $0.order != nil }
        return copy?.order
            ?? orders.last { order in
                !order.isFinished && order.mayBeFor(token)
                    && order.beginning.original?.certificate == certificate.pem
            }
    }

    /// The certificate that the content of a certificate is from, through all copies and renewals, as
    /// SHA-256 in hexadecimal.
    private func source(of certificate: Certificate) -> String {
        var source = fingerprint(certificate)
        // A ledger with a cycle must not stop the program.
        for _ in 0...sources.count {
            guard let next = sources[source] else { return source }
            source = next
        }
        return source
    }
}

/// One certificate for each token, those of older orders first. A second copy is made on a token only after
/// the first one was deleted.
private func newestOfEachToken(_ group: [CopiedCertificate]) -> [CopiedCertificate] {
    let sorted = group.sorted { ($0.order?.number ?? 0) < ($1.order?.number ?? 0) }
    return sorted.indices.compactMap { index in
        let isReplaced = sorted[(index + 1)...].contains {
            mayBeSameToken($0.token, sorted[index].token)
        }
        return isReplaced ? nil : sorted[index]
    }
}

private func fingerprint(_ certificate: Certificate) -> String {
    hexadecimal(certificate.sha256Fingerprint)
}
