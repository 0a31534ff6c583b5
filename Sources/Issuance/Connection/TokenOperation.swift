package import Cryptoki
package import TokencertTokens

/// An operation on a token that may require a login.
package enum TokenOperation: Sendable, Hashable, CaseIterable {
    /// Read private objects.
    case read
    /// Sign with a private key.
    case sign
    /// Generate or remove a key pair.
    case generate
    /// Write and remove certificates.
    case write
}

extension TokenDescription {
    /// The role that must be logged in for an operation.
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

/// A kind of job on a token. Its operations determine which PINs it needs.
package enum TokenJob: Sendable, Hashable {
    /// List objects: `list`, `health`, and the searches of `renew` and `resume`.
    case look
    /// Write a certificate for a key: `issue`, `renew`, `import`, `resume`.
    case certify(newKey: Bool)
    /// Sign a certificate signing request: `request`.
    case request(newKey: Bool)
    /// Sign evidence about a key: `evidence`.
    case evidence
    /// Remove objects: `delete`.
    case remove(onlyCertificates: Bool)
    /// Try all operations: `probe`.
    case probe

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
