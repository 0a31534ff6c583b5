internal import FoundationEssentials

extension OrderEvent.Beginning: Codable {
    /// Decodes a beginning; refuses one with missing or extra properties for its job.
    package init(from decoder: any Decoder) throws {
        let stored = try StoredBeginning(from: decoder)
        let error = DecodingError.dataCorrupted(
            .init(
                codingPath: decoder.codingPath, debugDescription: "not a valid \(stored.job) order")
        )
        guard let content = stored.content else { throw error }
        self.init(
            content, token: stored.token,
            module: OrderEvent.Module(
                path: stored.modulePath, name: stored.moduleName,
                arguments: stored.moduleArguments), tokenProfile: stored.tokenProfile,
            keyID: stored.keyID,
            keyLabel: stored.rawKeyLabel.map { Array($0) } ?? Array(stored.keyLabel.utf8))
        guard StoredBeginning(self) == stored else { throw error }
    }

    package func encode(to encoder: any Encoder) throws {
        try StoredBeginning(self).encode(to: encoder)
    }
}

/// A beginning as the ledger stores it: every job has the same keys.
private struct StoredBeginning: Codable, Equatable {
    let job: String
    let token: String
    let modulePath: String
    let moduleName: String?
    let moduleArguments: String?
    let tokenProfile: String?
    let keyID: String
    /// The label as text; bytes that are not UTF-8 are replaced.
    let keyLabel: String
    /// The bytes of a label that is not UTF-8; otherwise nil.
    let rawKeyLabel: Data?
    let newKeyKind: String?
    let publicKeyHash: String?
    let ca: String?
    let account: String?
    let name: String?
    let emailAddresses: [String]
    let codeSigning: Bool
    let acceptsChanges: Bool
    let certificateLabel: String?
    let rawCertificateLabel: Data?
    let replacedCertificate: String?
    let retiresReplaced: Bool
    let copiedCertificate: String?
    let copiedToken: String?
    let writesChain: Bool

    init(_ beginning: OrderEvent.Beginning) {
        job = beginning.job.name
        token = beginning.token
        modulePath = beginning.module.path
        moduleName = beginning.module.name
        moduleArguments = beginning.module.arguments
        tokenProfile = beginning.tokenProfile
        keyID = beginning.keyID
        (keyLabel, rawKeyLabel) = text(beginning.keyLabelBytes)
        newKeyKind = beginning.newKeyKind
        publicKeyHash = beginning.publicKeyHash
        ca = beginning.issue?.ca
        account = beginning.issue?.account
        name = beginning.issue?.name
        emailAddresses = beginning.issue?.emailAddresses ?? []
        codeSigning = beginning.issue?.codeSigning ?? false
        acceptsChanges = beginning.acceptsChanges
        let label = beginning.certificateLabelBytes.map(text)
        certificateLabel = label?.text
        rawCertificateLabel = label?.raw
        replacedCertificate = beginning.replaced?.certificate
        retiresReplaced = beginning.replaced?.isRetired ?? false
        copiedCertificate = beginning.original?.certificate
        copiedToken = beginning.original?.token
        writesChain = beginning.imported?.writesChain ?? false
    }

    /// The job, or nil if a property is missing.
    var content: OrderEvent.Job? {
        let label = rawCertificateLabel.map { Array($0) } ?? certificateLabel.map { Array($0.utf8) }
        if job == "request" { return newKeyKind.map { .request(newKeyKind: $0) } }
        if job == "import" {
            guard let publicKeyHash else { return nil }
            var imported = OrderEvent.Import(publicKeyHash: publicKeyHash)
            imported.certificateLabel = label
            imported.writesChain = writesChain
            imported.acceptsAnyUse = acceptsChanges
            return .import(imported)
        }
        let named: OrderEvent.Key? =
            newKeyKind.map { .new(kind: $0) }
            ?? publicKeyHash.map { .existing(publicKeyHash: $0) }
        guard let key = named, let ca, let account, let name else { return nil }
        var issue = OrderEvent.Issue(ca: ca, account: account, name: name, key: key)
        issue.emailAddresses = emailAddresses
        issue.codeSigning = codeSigning
        issue.acceptsChanges = acceptsChanges
        issue.certificateLabel = label
        if let copiedCertificate, let copiedToken {
            return .copy(issue, of: .init(certificate: copiedCertificate, token: copiedToken))
        }
        guard let replacedCertificate else { return .issue(issue) }
        return .renew(issue, replacing: replacedCertificate, isRetired: retiresReplaced)
    }
}

/// A label as text, and its bytes if they are not UTF-8.
private func text(_ label: [UInt8]) -> (text: String, raw: Data?) {
    let text = String(decoding: label, as: UTF8.self)
    return (text, Array(text.utf8) == label ? nil : Data(label))
}
