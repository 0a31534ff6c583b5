internal import ArgumentParser
internal import Cryptoki
internal import OpenSSLX509
internal import TokencertIssuance
internal import TokencertPlatform

/// Options that select the key and the content of the certificate.
struct RequestOptions: ParsableArguments {
    @Option(help: "Name in the certificate.")
    var name: String?

    @Option(
        help: ArgumentHelp(
            "E-mail address in the certificate; may be repeated.", valueName: "address"))
    var email: [String] = []

    @Flag(help: "Request a certificate for code signing.")
    var codesign = false

    @Option(
        help: ArgumentHelp(
            """
            Kind of the new key: rsa:2048, rsa:3072, rsa:4096, ec:p256, ec:p384, ec:p521 or \
            ed25519; default rsa:3072, or rsa:2048 if the token supports no larger keys.
            """, valueName: "kind"), completion: .list(KeyKind.generated.map(\.name)))
    var keyType: String?

    @Option(
        help: """
            Label of the new key and the certificate; default: the address or name, followed by a \
            number if another key has that label.
            """)
    var label: String?

    @Option(
        help: ArgumentHelp(
            "Id of the new key, in hexadecimal; default: an unused one.", valueName: "hex"))
    var id: String?

    @Option(
        help: ArgumentHelp(
            "Use this key on the token instead of a new one: label, id or URI.",
            valueName: "name"),
        completion: .live(.keys))
    var key: String?

    @Option(
        help: ArgumentHelp("Write the result to this file, in PEM.", valueName: "file"),
        completion: .file())
    var out: String?

    var outputFile: String? { setting(out, .out) }

    func request() throws -> IssuanceRequest {
        var request = IssuanceRequest()
        request.name = setting(name, .name)
        request.emailAddresses = setting(email, .email)
        request.codeSigning = setting(codesign, .codeSigning)
        request.label = setting(label, .label)
        request.key = .generate(try setting(keyType, .keyType).map(Self.keyKind))
        request.id = try setting(id, .id).map(Self.bytes)
        // A --key-type from the configuration does not apply to an existing key.
        if setting(key, .key) != nil, keyType != nil || id != nil {
            throw Failure(
                .usage, "--key names an existing key; --key-type and --id are for a new one",
                hints: ["omit --key for a new key, or omit the others to use that key"])
        }
        return request
    }

    /// The key that is used instead of a new one, or nil.
    func keyName() throws -> ObjectName? { try setting(key, .key).map { try ObjectName($0) } }

    static func keyKind(_ text: String) throws -> KeyKind {
        guard let kind = KeyKind(name: text), KeyKind.generated.contains(kind) else {
            let names = KeyKind.generated.map(\.name).joined(separator: ", ")
            throw Failure(
                .usage, "--key-type: unknown kind of key \"\(text)\"",
                hints: ["use one of \(names)"])
        }
        return kind
    }

    private static func bytes(_ text: String) throws -> [UInt8] {
        guard let bytes = OpenSSLX509.bytes(hexadecimal: text.filter { $0 != ":" }),
            bytes.count <= 64
        else {
            throw Failure(
                .usage, "--id must be 1 to 64 bytes in hexadecimal", hints: ["use --id 01ab"])
        }
        return bytes
    }
}
