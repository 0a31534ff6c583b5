/// The code that is tested with arbitrary bytes.
enum FuzzTarget: String, CaseIterable {
    /// The responses of `ccsr.php` and `cemails.php`.
    case answers
    /// Certificates, requests and keys in PEM and DER.
    case certificates
    /// PKCS#11 URIs.
    case uris
    /// The values of options: sources of secrets, kinds of keys.
    case options
    /// The content of a ledger.
    case ledger

    /// Reads bytes as the target. It must return whatever the bytes are.
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
