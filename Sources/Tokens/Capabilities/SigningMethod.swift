package import Cryptoki
package import OpenSSLX509

/// A way for a token to create a signature in the form that X.509 requires.
package struct SigningMethod: Sendable {
    package let mechanism: MechanismType
    /// Derives the input of the mechanism from the message and the public key.
    package let input: @Sendable ([UInt8], PublicKey) throws(X509Error) -> [UInt8]
    /// Converts the output of the mechanism to the form of X.509.
    package let output: @Sendable ([UInt8]) throws(X509Error) -> [UInt8]

    /// All methods for a kind of key, in the order of preference.
    static func methods(for kind: KeyKind) -> [SigningMethod] {
        switch kind {
        case .rsa:
            [
                SigningMethod(mechanism: .sha256RSAPKCS, input: { message, _ in message }),
                SigningMethod(
                    mechanism: .rsaPKCS,
                    input: { message, _ in
                        SignatureForm.digestInfo(sha256: Digest.sha256.hash(message))
                    }),
                SigningMethod(mechanism: .rsaX509, input: paddedDigestInfo),
            ]
        case .ec(let curve):
            ecdsaMethods(for: curve)
        case .ed25519:
            [SigningMethod(mechanism: .eddsa, input: { message, _ in message })]
        case .other:
            []
        }
    }

    @Sendable private static func paddedDigestInfo(
        _ message: [UInt8], _ key: PublicKey
    ) throws(X509Error) -> [UInt8] {
        try SignatureForm.paddedDigestInfo(sha256: Digest.sha256.hash(message), for: key)
    }

    private static func ecdsaMethods(for curve: NamedCurve) -> [SigningMethod] {
        let digest = SignatureAlgorithm(for: .ec(curve))?.digest ?? .sha256
        let hashing: MechanismType =
            switch curve {
            case .p256: .ecdsaSHA256
            case .p384: .ecdsaSHA384
            case .p521: .ecdsaSHA512
            }
        return [
            SigningMethod(
                mechanism: .ecdsa, input: { message, _ in digest.hash(message) },
                output: SignatureForm.ecdsaDER(fromConcatenation:)),
            SigningMethod(
                mechanism: hashing, input: { message, _ in message },
                output: SignatureForm.ecdsaDER(fromConcatenation:)),
        ]
    }

    private init(
        mechanism: MechanismType,
        input: @escaping @Sendable ([UInt8], PublicKey) throws(X509Error) -> [UInt8],
        output: @escaping @Sendable ([UInt8]) throws(X509Error) -> [UInt8] = { $0 }
    ) {
        self.mechanism = mechanism
        self.input = input
        self.output = output
    }
}
