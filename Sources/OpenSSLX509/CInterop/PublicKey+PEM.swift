internal import COpenSSL

extension PublicKey {
    /// The key in PEM, `PUBLIC KEY`, with a line end at its end.
    ///
    /// The C function is `PEM_write_bio`.
    public var pem: String {
        guard let output = try? MemoryBIO() else { return "" }
        unsafe PEM_write_bio(
            output.pointer, "PUBLIC KEY", "", subjectPublicKeyInfo,
            subjectPublicKeyInfo.count)
        return output.text
    }
}
