import Cryptoki
import TokencertPlatform

/// The example of the article `MakingAKey`. It signs a SHA-256 hash.
///
/// - Returns: The public point of the key, the signature, and the URIs of the objects that were on
///   the token together with the key.
func makeAKey(
    modulePath: String, tokenURI: String, pinFile: String, hash: [UInt8]
) throws -> (point: [UInt8], signature: [UInt8], listing: [String]) {
    // snippet
    enum Refusal: Error {
        case notOneToken(candidates: [String])
        case keyCouldLeave
        case keyStays
    }

    let module = try Module.load(path: modulePath)
    let wanted = try PKCS11URI(parsing: tokenURI)
    let fitting = try module.slots(tokenPresent: true).map { try $0.token() }
        .filter { try wanted.matches($0) }
    guard fitting.count == 1 else {
        throw Refusal.notOneToken(
            candidates: try fitting.map { try PKCS11URI(token: $0).description })
    }
    let token = fitting[0]
    let uri = try PKCS11URI(token: token)

    let pin = try SecretSource.file(pinFile).read(promptText: "PIN of \(token.info.label)")
    let (point, signature, listing) = try token.withLogin(as: .user, pin: pin) {
        var session = try token.openSession(ReadWrite.self)

        // Both keys and a later certificate share the id, so nothing else may have it.
        let id = (0..<8).map { _ in UInt8.random(in: 0...255) }
        var publicHalf = Template()
        publicHalf[.token] = true
        publicHalf[.verify] = true
        // DER of the name of P-256, 1.2.840.10045.3.1.7.
        publicHalf[.ecParams] = [6, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7]
        publicHalf[.id] = id
        publicHalf[.label] = "example"
        var privateHalf = Template()
        privateHalf[.token] = true
        privateHalf[.private] = true
        privateHalf[.sensitive] = true
        privateHalf[.extractable] = false
        privateHalf[.sign] = true
        privateHalf[.id] = id
        privateHalf[.label] = "example"
        let pair = try session.generateKeyPair(
            KeyPairRequest(publicKey: publicHalf, privateKey: privateHalf),
            Mechanism(.ecKeyPairGen))

        // The module may have ignored parts of the templates.
        let made = try session.attributes(
            of: pair.privateKey,
            [
                AttributeKey.sensitive.type, AttributeKey.neverExtractable.type,
                AttributeKey.local.type,
            ])
        let shown = try session.attributes(of: pair.publicKey, [AttributeKey.ecPoint.type])
        guard made[.sensitive] == true, made[.neverExtractable] == true, made[.local] == true,
            let point = shown[.ecPoint]
        else {
            try session.destroyObject(pair.privateKey)
            try session.destroyObject(pair.publicKey)
            throw Refusal.keyCouldLeave
        }

        let signature = try session.sign(hash, with: pair.privateKey, Mechanism(.ecdsa))

        var listing: [String] = []
        for object in try session.findObjects() {
            let found = try session.attributes(
                of: object,
                [AttributeKey.class.type, AttributeKey.id.type, AttributeKey.label.type])
            var name = Template()
            name[.class] = found[.class]
            name[.id] = found[.id]
            name[.label] = found[.label]
            listing.append(PKCS11URI(token: uri, objectWith: name).description)
        }

        try session.destroyObject(pair.privateKey)
        try session.destroyObject(pair.publicKey)
        try session.close()
        // A module may report success although a new session still finds the object.
        var later = try token.openSession(ReadOnly.self)
        var sameID = Template()
        sameID[.id] = id
        guard try later.findObjects(sameID).isEmpty else { throw Refusal.keyStays }

        return (point, signature, listing)
    }
    // end of snippet
    return (point, signature, listing)
}
