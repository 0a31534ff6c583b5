internal import OpenSSLX509

extension Certificate {
    /// Remarks for the user about the certificate and its key, one per line.
    ///
    /// - Parameters:
    ///   - label: The bytes of its label, or nil for that of the key.
    ///   - proof: How the token proved possession of the key.
    func remarks(for key: TokenKey, label: [UInt8]?, _ proof: ProofStep.Proof) -> [String] {
        var remarks: [String] = []
        switch proof.possession {
        case .signature: break
        case .decryption:
            remarks.append("the key may not sign; it was proved by a decryption")
        case .none:
            remarks.append("possession could not be proved: the key may neither sign nor decrypt")
        }
        if allows(.digitalSignature) == false {
            remarks.append("the certificate is for encryption, not for signatures")
        }
        if key.id.isEmpty {
            let differs = label != nil && label != key.labelBytes
            remarks.append(
                "the key has no CKA_ID: other programs find its certificate by the label only"
                    + (differs ? ", and the labels differ" : ""))
        }
        return remarks
    }
}
