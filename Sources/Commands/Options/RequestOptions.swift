internal import ArgumentParser
internal import Cryptoki
internal import OpenSSLX509
internal import TokencertIssuance
internal import TokencertPlatform

/// Which key, and what the certificate shall say.
struct RequestOptions: ParsableArguments {
    @Option(help: "The name in the certificate.")
    var name: String?

    @Option(
        help: ArgumentHelp("An address in the certificate; may be repeated.", valueName: "address"))
    var email: [String] = []

    @Flag(help: "Ask for code signing.")
    var codesign = false

    @Option(
        help: ArgumentHelp(
            """
            Kind of the new key: rsa:2048, rsa:3072, rsa:4096, ec:p256, ec:p384, ec:p521 or \
            ed25519; default rsa:3072, or rsa:2048 where the token has no more.
            """, valueName: "kind"), completion: .list(KeyKind.generated.map(\.name)))
    var keyType: String?

    @Option(
        help: """
            Label of the new key and of the certificate; else the address or name, plus a number \
            if another key has it.
            """)
    var label: String?

    @Option(
        help: ArgumentHelp(
            "Id of the new key, in hexadecimal; else a free one is taken.", valueName: "hex"))
    var id: String?

    @Option(
        help: ArgumentHelp(
            "Use this key on the token instead of a new one: label, id or URI.",
            valueName: "name"),
        completion: LiveCompletion.keys)
    var key: String?

    @Option(
        help: ArgumentHelp("Write the result to a file, in PEM.", valueName: "file"),
        completion: .file())
    var out: String?

    var outputFile: String? { setting(out, .out) }

    func request() throws -> IssuanceRequest {
        var request = IssuanceRequest()
        request.name = setting(name, .name)
        request.emailAddresses = setting(email, .email)
        request.codeSigning = setting(codesign, .codeSigning)
        request.label = setting(label, .label)
        let kind = try setting(keyType, .keyType).map(Self.keyKind)
        let id = try setting(id, .id).map(Self.bytes)
        request.id = id
        if setting(key, .key) != nil {
            // What is set for new keys says nothing about one that is named.
            if keyType != nil || self.id != nil {
                throw Failure(
                    .usage, "--key names a key that is there, --key-type and --id make a new one",
                    hints: ["leave out --key for a new key, or the others for that one"])
            }
        }
        request.key = .generate(kind)
        return request
    }

    /// The key that is used instead of a new one, or nil.
    func keyName() throws -> ObjectName? { try setting(key, .key).map { try ObjectName($0) } }

    private static func keyKind(_ text: String) throws -> KeyKind {
        guard let kind = KeyKind(name: text), KeyKind.generated.contains(kind) else {
            let names = KeyKind.generated.map(\.name).joined(separator: ", ")
            throw Failure(
                .usage, "--key-type does not know “\(text)”",
                hints: ["--key-type takes one of \(names)"])
        }
        return kind
    }

    private static func bytes(_ text: String) throws -> [UInt8] {
        guard let bytes = OpenSSLX509.bytes(hexadecimal: text.filter { $0 != ":" }),
            bytes.count <= 64
        else {
            throw Failure(
                .usage, "--id takes 1 to 64 bytes in hexadecimal", hints: ["--id 01ab"])
        }
        return bytes
    }
}
