internal import Cryptoki
internal import OpenSSLX509
internal import TokencertTokens

/// The certificates between a certificate and its trust anchor.
struct CertificateChain {
    /// The end-entity certificate.
    let certificate: Certificate
    /// Candidates for issuers, in addition to the anchors.
    let others: [Certificate]
    let anchors: TrustAnchors
    /// The time in seconds since 1970-01-01 00:00 UTC.
    let time: Int64

    init(
        of certificate: Certificate, from others: [Certificate], anchors: TrustAnchors, time: Int64
    ) {
        self.certificate = certificate
        self.others = others
        self.anchors = anchors
        self.time = time
    }

    /// The valid issuers, except the root: everyone who trusts it has it.
    var issuers: [Certificate] {
        var chain: [Certificate] = []
        var current = certificate
        while current.subject != current.issuer, chain.count < 8 {
            let next = (others + anchors.certificates).first { candidate in
                candidate.subject == current.issuer && candidate.isAuthority
                    && (try? current.verifySignature(candidate.publicKey)) != nil
                    && (try? anchors.verify(candidate, intermediates: others, at: time)) != nil
            }
            guard let next, next.subject != next.issuer else { break }
            chain.append(next)
            current = next
        }
        return chain
    }
}

extension Connection {
    private mutating func writeOnce(
        _ chain: CertificateChain, _ seen: inout [Certificate], _ written: (Certificate) -> Void
    ) throws(IssuanceError) {
        let present = try self.present()
        for issuer in chain.issuers {
            // A CA with a renewed certificate has the same subject and key.
            let isOnToken = present.contains {
                $0.subject == issuer.subject && $0.publicKey == issuer.publicKey
                    && $0.notAfter >= chain.time
            }
            if isOnToken { continue }
            do throws(IssuanceError) {
                try write(issuer)
            } catch {
                // Some modules report an error although they wrote the certificate.
                if (try? self.present())?.contains(issuer) ?? false {
                    seen.append(issuer)
                }
                throw error
            }
            written(issuer)
        }
    }

    private mutating func present() throws(IssuanceError) -> [Certificate] {
        var template = Template()
        template[.class] = .certificate
        var present: [Certificate] = []
        do throws(CryptokiError) {
            for object in try session.findObjects(template) {
                // Unreadable certificates are ignored.
                let attributes = try? session.attributes(of: object, [AttributeKey.value.type])
                if let certificate = attributes?[.value].flatMap({ try? Certificate(firstIn: $0) })
                {
                    present.append(certificate)
                }
            }
        } catch {
            throw IssuanceError(error, at: .write, while: "searching the token")
        }
        return present
    }

    private mutating func write(
        _ issuer: Certificate
    ) throws(IssuanceError) {
        // Some modules assign a certificate with a key's id to that key.
        var id = issuer.publicKey.keyIdentifier
        while try !objects(withID: id, &session, at: .write).isEmpty {
            id = (0..<8).map { _ in UInt8.random(in: 0...255) }
        }
        let everything = LeftoverObjects.everything(&session) ?? []
        let templates = CertificateTemplates(
            issuer, id: id,
            label: Array((issuer.subject.commonNames.last ?? issuer.subject.text).utf8),
            capabilities)
        try create(issuer, templates.alternatives, everything)
        let isOnToken = try present().contains(issuer)
        guard isOnToken else {
            throw IssuanceError(
                .notProved, at: .write,
                "a chain certificate was written but is not found on the token")
        }
    }

    private mutating func create(
        _ issuer: Certificate, _ alternatives: [Template], _ everything: Set<ObjectHandle>
    ) throws(IssuanceError) {
        var refusal: CryptokiError?
        for template in alternatives {
            do throws(CryptokiError) {
                _ = try session.createObject(template)
                return
            } catch {
                let failure = IssuanceError(
                    refusal ?? error, at: .write,
                    while: "a chain certificate cannot be written")
                guard error.concernsTemplate else { throw failure }
                refusal = refusal ?? error
                try removeRefused(issuer)
                if !everything.isEmpty {
                    LeftoverObjects(&session).removeWhatCame(after: everything, &session)
                }
                if template == alternatives.last { throw failure }
            }
        }
    }

    /// Removes a certificate that the token wrote although it refused the template.
    private mutating func removeRefused(
        _ issuer: Certificate
    ) throws(IssuanceError) {
        let retire = CertificateRemoval(token: token)
        var values: Set<[UInt8]> = []
        if try present().contains(issuer) {
            try retire.remove(issuer, &session, &values)
        }
    }
}

extension Connection {
    mutating func write(
        _ chain: CertificateChain, seen: inout [Certificate], written: (Certificate) -> Void
    ) throws(IssuanceError) {
        try perform(.write, at: .write) { connection, _ in
            try connection.writeOnce(chain, &seen, written)
        }
    }
}
