extension OrderEvent {
    /// What an order is about.
    package struct Beginning: Sendable, Hashable {
        /// What the order is to bring about.
        package let job: Job
        /// The token's URI.
        package let token: String
        /// The module that the token was reached through.
        package let module: Module
        /// The name or the file of the token profile that was chosen by hand, or nil.
        package let tokenProfile: String?
        /// `CKA_ID` of the key, in hexadecimal.
        package let keyID: String
        /// `CKA_LABEL` of the key, any bytes.
        package let keyLabelBytes: [UInt8]

        /// Makes a beginning.
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
        /// Its file.
        package let path: String
        /// Its name in p11-kit's configuration, or nil if it was loaded by its path.
        package let name: String?
        /// The text that it was started with, or nil.
        package let arguments: String?

        /// Names a module.
        package init(path: String, name: String? = nil, arguments: String? = nil) {
            self.path = path
            self.name = name
            self.arguments = arguments
        }
    }

    /// What an order is to bring about, with everything that only this kind of order has.
    package enum Job: Sendable, Hashable {
        /// A certificate for a new key, or for an existing one.
        case issue(Issue)
        /// A certificate in the place of an older one in PEM, which is removed from the token in the
        /// end if it is retired.
        case renew(Issue, replacing: String, isRetired: Bool)
        /// A certificate that came from elsewhere.
        case `import`(Import)
        /// A request for somebody else to sign, with a new key of a kind such as `rsa:3072`.
        case request(newKeyKind: String)

        /// Its name in the ledger and in JSON.
        package var name: String {
            switch self {
            case .issue: "issue"
            case .renew: "renew"
            case .import: "import"
            case .request: "request"
            }
        }
    }

    /// The key of an order.
    package enum Key: Sendable, Hashable {
        /// One that will be made, of a kind such as `rsa:3072`.
        case new(kind: String)
        /// An existing one, by SHA-256 of its SubjectPublicKeyInfo in hexadecimal.
        case existing(publicKeyHash: String)
    }

    /// A certificate that a CA is asked for.
    package struct Issue: Sendable, Hashable {
        /// Where the CA is.
        package let ca: String
        /// The account there.
        package let account: String
        /// The name that is asked for.
        package let name: String
        /// The key.
        package let key: Key
        /// The addresses that are asked for.
        package var emailAddresses: [String] = []
        /// Whether code signing is asked for.
        package var codeSigning = false
        /// Whether a certificate is accepted although the CA changed what was asked for.
        package var acceptsChanges = false
        /// The label of the certificate, any bytes, or nil for that of the key.
        package var certificateLabel: [UInt8]?

        /// Names what a CA is asked for at least.
        package init(ca: String, account: String, name: String, key: Key) {
            self.ca = ca
            self.account = account
            self.name = name
            self.key = key
        }
    }

    /// A certificate that came from elsewhere, for an existing key.
    package struct Import: Sendable, Hashable {
        /// SHA-256 of the SubjectPublicKeyInfo of the key, in hexadecimal.
        package let publicKeyHash: String
        /// The label of the certificate, any bytes, or nil for that of the key.
        package var certificateLabel: [UInt8]?
        /// Whether the certificates between the certificate and its anchor are written, too.
        package var writesChain = false
        /// Whether the certificate may be for any use.
        package var acceptsAnyUse = false

        /// Names the key.
        package init(publicKeyHash: String) { self.publicKeyHash = publicKeyHash }
    }
}

/// What is asked of an order of any kind.
extension OrderEvent.Beginning {
    /// What a CA is asked for, or nil if no CA is asked.
    package var issue: OrderEvent.Issue? {
        switch job {
        case .issue(let issue), .renew(let issue, _, _): issue
        case .import, .request: nil
        }
    }

    /// What is special to an import, or nil for another order.
    package var imported: OrderEvent.Import? {
        if case .import(let imported) = job { imported } else { nil }
    }

    /// The certificate that is replaced, in PEM, and whether it is removed in the end; or nil.
    package var replaced: (certificate: String, isRetired: Bool)? {
        if case .renew(_, let certificate, let isRetired) = job {
            (certificate, isRetired)
        } else {
            nil
        }
    }

    /// The kind of the key that will be made, or nil for an existing one.
    package var newKeyKind: String? {
        if case .request(let kind) = job { return kind }
        if case .new(let kind) = issue?.key { return kind }
        return nil
    }

    /// SHA-256 of the SubjectPublicKeyInfo of an existing key in hexadecimal, or nil for a new one.
    package var publicKeyHash: String? {
        if case .existing(let hash) = issue?.key { hash } else { imported?.publicKeyHash }
    }

    /// Whether a certificate is accepted that is not what was asked for, or is for any use.
    package var acceptsChanges: Bool {
        issue?.acceptsChanges ?? imported?.acceptsAnyUse ?? false
    }

    /// The label of the certificate, any bytes, or nil for that of the key.
    package var certificateLabelBytes: [UInt8]? {
        issue?.certificateLabel ?? imported?.certificateLabel
    }
}
