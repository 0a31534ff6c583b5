extension PublicKey {
    /// The SubjectPublicKeyInfo as PEM (`PUBLIC KEY`), with a line end after the last line.
    ///
    /// The C function is `PEM_write_bio`.
    public var pem: String { pemText("PUBLIC KEY", subjectPublicKeyInfo) }
}
