internal import Cryptoki
internal import Ledger
internal import OpenSSLX509

/// Writes the certificates between a certificate and its anchor, each once.
struct ChainStep {
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
            journal.note(.chainWritten(certificate: issuer.pem))
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
                if let certificate = attributes?[.value].flatMap({ try? Certificate(der: $0) }) {
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
        var template = Template()
        template[.class] = .certificate
        template[.certificateType] = .x509
        template[.token] = true
        template[.private] = false
        template[.label] = issuer.subject.commonNames.last ?? issuer.subject.text
        template[.id] = id
        template[.subject] = issuer.subject.der
        template[.issuer] = issuer.issuer.der
        template[.serialNumber] = issuer.serialNumberDER
        template[.value] = issuer.der
        let isThere: Bool
        let everything = Fragments.everything(&session) ?? []
        do throws(CryptokiError) {
            _ = try session.createObject(template)
            var named = Template()
            named[.class] = .certificate
            named[.value] = issuer.der
            isThere = try !session.findObjects(named).isEmpty
        } catch {
            if error.concernsTemplate, !everything.isEmpty {
                Fragments(&session).removeWhatCame(after: everything, &session)
            }
            throw IssuanceError(
                error, at: .write, while: "a certificate of the chain cannot be written")
        }
        guard isThere else {
            throw IssuanceError(
                .notProved, at: .write,
                "a certificate of the chain was written but is not found on the token")
        }
    }
}
