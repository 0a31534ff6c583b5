internal import Cryptoki
internal import OpenSSLX509
internal import TokencertInventory
internal import TokencertLedger

/// Writes the certificates between a certificate and its anchor, each once.
struct ChainStep {
    let capabilities: TokenCapabilities
    let anchors: TrustAnchors
    /// Now, in seconds since 1970-01-01 00:00 UTC.
    let time: Int64

    /// - Parameters:
    ///   - certificate: The end of the chain.
    ///   - others: Where the certificates between are looked for, besides the anchors.
    ///   - written: Gets what was written, each by its subject, also where the next one fails.
    func callAsFunction(
        of certificate: Certificate, from others: [Certificate], _ journal: Journal,
        _ session: inout Session<ReadWrite>, _ written: inout [String]
    ) throws(IssuanceError) {
        let present = try self.present(&session)
        for issuer in chain(of: certificate, from: others) {
            // Signed anew with the same key it is the same authority.
            let isThere = present.contains {
                $0.subject == issuer.subject && $0.publicKey == issuer.publicKey
                    && $0.notAfter >= time
            }
            if isThere { continue }
            do throws(IssuanceError) {
                try write(issuer, &session)
            } catch {
                // Some modules say that they did not, and did.
                if (try? self.present(&session))?.contains(issuer) ?? false {
                    written.append(issuer.subject.text)
                }
                throw error
            }
            journal.recordFact(.chainWritten(certificate: issuer.pem))
            written.append(issuer.subject.text)
        }
    }

    /// The valid certificates on the way to the root, which is left out: whoever trusts it has it.
    private func chain(of certificate: Certificate, from others: [Certificate]) -> [Certificate] {
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

    private func present(
        _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> [Certificate] {
        var template = Template()
        template[.class] = .certificate
        var present: [Certificate] = []
        do throws(CryptokiError) {
            for object in try session.findObjects(template) {
                // One that cannot be read is none.
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

    private func write(
        _ issuer: Certificate, _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) {
        // Some modules take a certificate with a key's id for that key's own.
        var id = issuer.publicKey.keyIdentifier
        while try !objects(withID: id, &session, at: .write).isEmpty {
            id = (0..<8).map { _ in UInt8.random(in: 0...255) }
        }
        let everything = LeftoverObjects.everything(&session) ?? []
        let templates = CertificateTemplates(
            issuer, id: id,
            label: Array((issuer.subject.commonNames.last ?? issuer.subject.text).utf8),
            capabilities)
        try create(issuer, templates.alternatives, everything, &session)
        let isThere = try present(&session).contains(issuer)
        guard isThere else {
            throw IssuanceError(
                .notProved, at: .write,
                "a certificate of the chain was written but is not found on the token")
        }
    }

    private func create(
        _ issuer: Certificate, _ alternatives: [Template], _ everything: Set<ObjectHandle>,
        _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) {
        var refusal: CryptokiError?
        for template in alternatives {
            do throws(CryptokiError) {
                _ = try session.createObject(template)
                return
            } catch {
                let failure = IssuanceError(
                    refusal ?? error, at: .write,
                    while: "a certificate of the chain cannot be written")
                guard error.concernsTemplate else { throw failure }
                refusal = refusal ?? error
                try removeRefused(issuer, &session)
                if !everything.isEmpty {
                    LeftoverObjects(&session).removeWhatCame(after: everything, &session)
                }
                if template == alternatives.last { throw failure }
            }
        }
    }

    /// Removes what a call has written whose template was refused: it was not there before.
    private func removeRefused(
        _ issuer: Certificate, _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) {
        let retire = RetireStep(token: session.token)
        var values: Set<[UInt8]> = []
        if try present(&session).contains(issuer) {
            try retire.remove(issuer, &session, &values)
        }
    }
}
