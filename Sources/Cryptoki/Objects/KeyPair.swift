/// The attributes of a key pair to generate.
public struct KeyPairRequest: Sendable, Equatable {
    /// The attributes of the public key.
    public var publicKey: Template
    /// The attributes of the private key.
    public var privateKey: Template

    /// Makes a request.
    ///
    /// - Parameters:
    ///   - publicKey: The attributes of the public key.
    ///   - privateKey: The attributes of the private key.
    public init(publicKey: Template, privateKey: Template) {
        self.publicKey = publicKey
        self.privateKey = privateKey
    }
}

/// The two halves of a key pair on a token.
public struct KeyPair: Sendable, Hashable {
    /// The public key.
    public let publicKey: ObjectHandle
    /// The private key.
    public let privateKey: ObjectHandle
}
