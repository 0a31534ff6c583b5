internal import Cryptoki
internal import OpenSSLX509
internal import TokencertIssuance
internal import TokencertLedger
internal import TokencertTokens

struct EvidenceBundle {
    let evidence: KeyEvidence
    let token: Token
    /// The certificates for the key on the token.
    let certificates: [Certificate]
    /// The chain of issuers of the first certificate.
    let issuers: [Certificate]
    let orders: [Order]

    struct File {
        let name: String
        let bytes: [UInt8]

        init(_ name: String, _ text: String) {
            self.init(name, Array(text.utf8))
        }

        init(_ name: String, _ bytes: [UInt8]) {
            self.name = name
            self.bytes = bytes
        }
    }

    /// SHA-256 of the SubjectPublicKeyInfo, in hexadecimal.
    var publicKeyHash: String {
        hexadecimal(Digest.sha256.hash(evidence.key.publicKey.subjectPublicKeyInfo))
    }

    /// The last request for the key in PEM, or nil if the ledger has none.
    private var request: String? {
        for order in orders.reversed() {
            for event in order.events.reversed() {
                switch event.event {
                case .sending(let sending): return sending.request
                case .requested(let request): return request
                default: continue
                }
            }
        }
        return nil
    }

    /// All files; the last one contains the SHA-256 of the others.
    func files(madeAt time: String, withoutLedger: Bool) throws -> [File] {
        var files = [
            File("key.json", try jsonOutput(keyReport) + "\n"),
            File("token.json", try jsonOutput(tokenReport) + "\n"),
            File("public-key.pem", evidence.key.publicKey.pem),
            File("statement.txt", evidence.statement), File("statement.sig", evidence.signature),
        ]
        if let certificate = certificates.first {
            files.append(File("certificate.pem", certificate.pem))
        }
        if certificates.count > 1 {
            files.append(
                File("other-certificates.pem", certificates.dropFirst().map(\.pem).joined()))
        }
        if !issuers.isEmpty { files.append(File("issuers.pem", issuers.map(\.pem).joined())) }
        if let request { files.append(File("request.pem", request)) }
        if !orders.isEmpty, !withoutLedger {
            files.append(File("ledger.json", try historyJSON(orders)))
        }
        let readme = EvidenceReadme(bundle: self, names: files.map(\.name), time: time)
        files.insert(File("README.txt", readme.text), at: 0)
        let sums = files.map { "\(hexadecimal(Digest.sha256.hash($0.bytes)))  \($0.name)\n" }
        return files + [File("SHA256SUMS", sums.joined())]
    }

    // MARK: Statements of the token

    private struct KeyStatement: Encodable {
        let uri: String
        let kind: String
        let sha256: String
        /// The attributes that the token reports, by their PKCS#11 names.
        let attributes: [String: String]
    }

    private var keyReport: KeyStatement {
        var attributes: [String: String] = [:]
        for type in KeyEvidence.attributeTypes {
            guard let bytes = evidence.attributes.bytes(of: type) else { continue }
            attributes["\(type)"] = text(type, bytes)
        }
        return KeyStatement(
            uri: evidence.key.uri, kind: evidence.key.publicKey.kind.description,
            sha256: publicKeyHash, attributes: attributes)
    }

    private func text(_ type: AttributeType, _ bytes: [UInt8]) -> String {
        switch type {
        case AttributeKey.label.type: String(decoding: bytes, as: UTF8.self)
        case AttributeKey.id.type: hexadecimal(bytes)
        case AttributeKey.class.type: "CKO_PRIVATE_KEY"
        case AttributeKey.keyType.type:
            switch evidence.attributes[.keyType] {
            case .rsa?: "CKK_RSA"
            case .ec?: "CKK_EC"
            case .ecEdwards?: "CKK_EC_EDWARDS"
            default: "0x" + hexadecimal(bytes)
            }
        default:
            if type.description == "CKA_KEY_GEN_MECHANISM" {
                UInt(attributeBytes: bytes).map { "\(MechanismType(rawValue: $0))" } ?? ""
            } else {
                Bool(attributeBytes: bytes).map { $0 ? "CK_TRUE" : "CK_FALSE" } ?? ""
            }
        }
    }

    private var tokenReport: [String: String] {
        let (info, module) = (token.info, token.module)
        return [
            "label": info.label, "manufacturer": info.manufacturer, "model": info.model,
            "serialNumber": info.serialNumber, "hardwareVersion": info.hardwareVersion,
            "firmwareVersion": info.firmwareVersion,
            "uri": (try? PKCS11URI(token: token).description) ?? "", "module": module.path,
            "moduleDescription": module.info.libraryDescription,
            "moduleManufacturer": module.info.manufacturer,
            "moduleVersion": module.info.libraryVersion,
        ]
    }
}

extension Certificate {
    /// The chain of known issuers, up to a trust anchor.
    func issuers(among known: [Certificate], upTo anchors: TrustAnchors?) -> [Certificate] {
        var issuers: [Certificate] = []
        var current = self
        // A longer chain is probably a cycle.
        while issuers.count < 8, current.issuer != current.subject,
            let issuer = known.first(where: { $0.hasIssued(current) })
        {
            issuers.append(issuer)
            if anchors?.certificates.contains(issuer) ?? false { break }
            current = issuer
        }
        return issuers
    }
}
