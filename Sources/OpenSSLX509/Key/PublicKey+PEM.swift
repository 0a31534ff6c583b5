extension PublicKey {
    /// The key in PEM, `PUBLIC KEY`, with a line end at its end.
    public var pem: String { pemText("PUBLIC KEY", subjectPublicKeyInfo) }
}
