/// The key of a request, from the output of `openssl req -text -modulus`.
struct RequestedKey: Sendable, Hashable {
    /// The key algorithm, such as `rsaEncryption`.
    let algorithm: String
    /// The size of the key; nil if the output has none.
    let bits: Int?
    /// The public exponent of an RSA key; nil if it has more than 64 bits.
    let exponent: UInt64?
    /// The line `Modulus=...` with upper-case hexadecimal digits, without its line end.
    let modulusLine: String

    /// Reads the output; nil if it contains no key.
    init?(_ text: String) {
        var algorithm: String?
        var bits: Int?
        var exponent: UInt64?
        var modulus = ""
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(separator: " ")
            let start = line.drop { $0 == " " }
            if algorithm == nil, start.hasPrefix("Public Key Algorithm: ") {
                algorithm = words.last.map(String.init)
            } else if bits == nil, start.hasPrefix("Public-Key: (") {
                bits = words.dropFirst().first.flatMap { Int($0.dropFirst()) }
            } else if exponent == nil, start.hasPrefix("Exponent: ") {
                exponent = words.dropFirst().first.flatMap { UInt64($0) }
            } else if line.hasPrefix("Modulus=") {
                modulus = String(line)
            }
        }
        guard let algorithm else { return nil }
        self.algorithm = algorithm
        self.bits = bits
        self.exponent = exponent
        modulusLine = modulus
    }
}

/// A request as the server parses it.
enum ReadRequest: Sendable {
    /// The text contains no request in PEM.
    case notPEM
    /// OpenSSL cannot parse the request.
    case unreadable
    /// A request whose signature has not been verified.
    case request(RequestedKey)

    /// Reads a request. Blocks while `openssl` runs.
    init(_ pem: [UInt8], in folder: WorkFolder) throws(StandInError) {
        let text = String(decoding: pem, as: UTF8.self)
        guard
            text.contains("-----BEGIN CERTIFICATE REQUEST-----")
                || text.contains("-----BEGIN NEW CERTIFICATE REQUEST-----")
        else {
            self = .notPEM
            return
        }
        try folder.write("[req]\ndistinguished_name = name\n[name]\n", "openssl.cnf")
        let outcome = try OpenSSLProgram.run(
            ["req", "-in", try folder.write(pem, "request.pem"), "-noout", "-text", "-modulus"],
            in: folder)
        guard outcome.status == 0, let key = RequestedKey(outcome.output) else {
            self = .unreadable
            return
        }
        self = .request(key)
    }
}
