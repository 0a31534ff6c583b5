/// What is fed with bytes that nobody has seen before.
enum FuzzTarget: String, CaseIterable {
    /// What `ccsr.php` and `cemails.php` answer.
    case answers
    /// Certificates, requests and keys in PEM and DER.
    case certificates
    /// PKCS#11 URIs.
    case uris
    /// The values of options: sources of secrets, kinds of keys.
    case options
    /// What a ledger holds.
    case ledger

    /// Reads bytes as the target does. Whatever they are, it must come back.
    func read(_ bytes: [UInt8]) {
        switch self {
        case .answers: readAnswers(bytes)
        case .certificates: readCertificates(bytes)
        case .uris: readURI(bytes)
        case .options: readOptions(bytes)
        case .ledger: readLedger(bytes)
        }
    }
}
