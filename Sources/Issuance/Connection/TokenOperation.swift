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

/// The operations of each kind of job. They determine which PINs a job needs.
extension Set<TokenOperation> {
    /// List objects: `list`, `health`, and the searches of `renew` and `resume`.
    package static let look: Set = [.read]

    /// Write a certificate for a key: `issue`, `renew`, `import`, `resume`.
    package static func certify(newKey: Bool) -> Set {
        newKey ? [.read, .generate, .sign, .write] : [.read, .sign, .write]
    }

    /// Sign a certificate signing request: `request`.
    package static func request(newKey: Bool) -> Set {
        newKey ? [.read, .generate, .sign] : [.read, .sign]
    }

    /// Sign evidence about a key: `evidence`.
    package static let evidence: Set = [.read, .sign]

    /// Remove objects: `delete`.
    package static func remove(onlyCertificates: Bool) -> Set {
        onlyCertificates ? [.read, .write] : [.read, .generate, .write]
    }

    /// Try all operations: `probe`.
    package static let probe = Set(TokenOperation.allCases)
}
