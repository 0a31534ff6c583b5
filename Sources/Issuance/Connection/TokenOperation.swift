package import Cryptoki
package import TokencertTokens

/// An operation on a token that may require a login.
package enum TokenOperation: Sendable, Hashable, CaseIterable {
    /// See private objects.
    case read
    /// Sign with a private key.
    case sign
    /// Make a key pair, or remove one.
    case generate
    /// Write and remove certificates.
    case write
}

extension TokenDescription {
    /// The role that has to be logged in for an operation.
    package func role(for operation: TokenOperation) -> UserType {
        let writer: TokenProfile.Writer =
            switch operation {
            case .read, .sign: .user
            case .generate: generator
            case .write: self.writer
            }
        return writer == .securityOfficer ? .securityOfficer : .user
    }
}

/// What is done on a token, by the kind of job. The PINs of a job follow from its operations.
package enum TokenJob: Sendable, Hashable {
    /// See what is on it: `list`, `health`, the searches of `renew` and `resume`.
    case look
    /// Put a certificate beside its key: `issue`, `renew`, `import`, `resume`.
    case certify(newKey: Bool)
    /// Have a request signed: `request`.
    case request(newKey: Bool)
    /// Have evidence signed: `evidence`.
    case evidence
    /// Remove objects: `delete`.
    case remove(onlyCertificates: Bool)
    /// Try everything: `probe`.
    case probe

    /// What the job does.
    package var operations: Set<TokenOperation> {
        switch self {
        case .look: [.read]
        case .certify(newKey: false): [.read, .sign, .write]
        case .certify(newKey: true): [.read, .generate, .sign, .write]
        case .request(newKey: false), .evidence: [.read, .sign]
        case .request(newKey: true): [.read, .generate, .sign]
        case .remove(onlyCertificates: true): [.read, .write]
        case .remove(onlyCertificates: false): [.read, .generate, .write]
        case .probe: Set(TokenOperation.allCases)
        }
    }
}
