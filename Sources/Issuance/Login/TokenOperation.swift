package import Cryptoki
package import TokencertInventory

/// What is done on a token, as far as somebody has to be logged in for it.
package enum TokenOperation: Sendable, Hashable, CaseIterable {
    /// See private objects.
    case read
    /// Sign with a private key.
    case sign
    /// Make a key pair.
    case generate
    /// Write and remove certificates.
    case write
}

extension TokenCapabilities {
    /// Who has to be logged in for a duty.
    ///
    /// - Parameter duty: What is done.
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
