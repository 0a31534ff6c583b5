extension OrderEvent {
    /// What an order is for.
    package struct Beginning: Sendable, Hashable {
        package let job: Job
        /// The token's URI.
        package let token: String
        /// The module through which the token was reached.
        package let module: Module
        /// The name or file of the token profile that the user chose, or nil.
        package let tokenProfile: String?
        /// `CKA_ID` of the key, in hexadecimal.
        package let keyID: String
        /// `CKA_LABEL` of the key, which may not be UTF-8.
        package let keyLabelBytes: [UInt8]

        package init(
            _ job: Job, token: String, module: Module, tokenProfile: String? = nil, keyID: String,
            keyLabel: [UInt8]
        ) {
            self.job = job
            self.token = token
            self.module = module
            self.tokenProfile = tokenProfile
            self.keyID = keyID
            keyLabelBytes = keyLabel
        }
    }

    /// A module as it was loaded.
    package struct Module: Sendable, Hashable {
        package let path: String
        /// Its name in p11-kit's configuration; nil if it was loaded by path.
        package let name: String?
        /// The initialization string, or nil.
        package let arguments: String?

        package init(path: String, name: String? = nil, arguments: String? = nil) {
            self.path = path
            self.name = name
            self.arguments = arguments
        }
    }

    /// The kind of order, with the properties that only this kind has.
    package enum Job: Sendable, Hashable {
        /// A certificate for a new key, or for an existing one.
        case issue(Issue)
        /// A certificate that replaces an older one, given in PEM. If `isRetired`, the older one is
        /// removed from the token at the end.
        case renew(Issue, replacing: String, isRetired: Bool)
        /// A certificate for a new key, with the content of one on another token.
        case copy(Issue, of: Original)
        /// A certificate that came from elsewhere.
        case `import`(Import)
        /// A request for an external CA, with a new key of a kind such as `rsa:3072`.
        case request(newKeyKind: String)

        /// The name of ``copy(_:of:)``.
        package static let copyName = "copy"

        /// The name in the ledger and in JSON.
        package var name: String {
            switch self {
            case .issue: "issue"
            case .renew: "renew"
            case .copy: Self.copyName
            case .import: "import"
            case .request: "request"
            }
        }
    }

    /// A certificate that is copied to another token.
    package struct Original: Sendable, Hashable {
        /// The certificate, in PEM.
        package let certificate: String
        /// The URI of its token.
        package let token: String

        package init(certificate: String, token: String) {
            self.certificate = certificate
            self.token = token
        }
    }

    package enum Key: Sendable, Hashable {
        /// A key to create, of a kind such as `rsa:3072`.
        case new(kind: String)
        /// An existing key, identified by SHA-256 of its SubjectPublicKeyInfo in hexadecimal.
        case existing(publicKeyHash: String)
    }

    /// The certificate to request from a CA.
    package struct Issue: Sendable, Hashable {
        /// The URL of the CA, or `command:` and its command.
        package let ca: String
        package let account: String
        package let name: String
        package let key: Key
        package var emailAddresses: [String] = []
        package var codeSigning = false
        /// Whether to accept a certificate although the CA changed what was requested.
        package var acceptsChanges = false
        /// The label of the certificate, which may not be UTF-8; nil for the label of the key.
        package var certificateLabel: [UInt8]?

        package init(ca: String, account: String, name: String, key: Key) {
            self.ca = ca
            self.account = account
            self.name = name
            self.key = key
        }
    }

    /// A certificate that came from elsewhere, for an existing key.
    package struct Import: Sendable, Hashable {
        /// SHA-256 of the key's SubjectPublicKeyInfo, in hexadecimal.
        package let publicKeyHash: String
        /// The label of the certificate, which may not be UTF-8; nil for the label of the key.
        package var certificateLabel: [UInt8]?
        /// Whether to write the intermediate certificates, too.
        package var writesChain = false
        /// Whether to accept a certificate for any purpose.
        package var acceptsAnyUse = false

        package init(publicKeyHash: String) { self.publicKeyHash = publicKeyHash }
    }
}

extension OrderEvent.Beginning {
    /// The certificate to request from a CA, or nil if no CA is involved.
    package var issue: OrderEvent.Issue? {
        switch job {
        case .issue(let issue), .renew(let issue, _, _), .copy(let issue, _): issue
        case .import, .request: nil
        }
    }

    /// The properties of an import, or nil for another job.
    package var imported: OrderEvent.Import? {
        if case .import(let imported) = job { imported } else { nil }
    }

    /// The certificate to replace, in PEM, and whether it is removed at the end; or nil.
    package var replaced: (certificate: String, isRetired: Bool)? {
        if case .renew(_, let certificate, let isRetired) = job {
            (certificate, isRetired)
        } else {
            nil
        }
    }

    /// The certificate whose content the new one has, or nil if the job is no copy.
    package var original: OrderEvent.Original? {
        if case .copy(_, let original) = job { original } else { nil }
    }

    /// The kind of the key to create, or nil for an existing key.
    package var newKeyKind: String? {
        if case .request(let kind) = job { return kind }
        if case .new(let kind) = issue?.key { return kind }
        return nil
    }

    /// SHA-256 of an existing key's SubjectPublicKeyInfo, in hexadecimal; nil for a new key.
    package var publicKeyHash: String? {
        if case .existing(let hash) = issue?.key { hash } else { imported?.publicKeyHash }
    }

    /// Whether to accept a certificate that differs from the request, or one for any purpose.
    package var acceptsChanges: Bool {
        issue?.acceptsChanges ?? imported?.acceptsAnyUse ?? false
    }

    /// The label of the certificate, which may not be UTF-8; nil for the label of the key.
    package var certificateLabelBytes: [UInt8]? {
        issue?.certificateLabel ?? imported?.certificateLabel
    }
}
