internal import Cryptoki
internal import OpenSSLX509
internal import TokencertTokens

/// Finds the keys of interrupted jobs, and checks the attributes of new ones.
extension Connection {
    static let protection = [
        AttributeKey.sensitive.type, AttributeKey.extractable.type,
        AttributeKey.neverExtractable.type, AttributeKey.local.type,
    ]

    static func reportsProtection(_ attributes: Attributes) -> Bool {
        attributes[.sensitive] == true && attributes[.extractable] != true
            && attributes[.neverExtractable] ?? (attributes[.extractable] == false)
    }

    /// Finds the key that an interrupted job generated under an id that was free then. Returns nil if
    /// there is none. Removes an incomplete key pair if `isRemoving` is true.
    mutating func findMade(
        _ new: NewKey, removing isRemoving: Bool = true
    ) throws(IssuanceError) -> TokenKey? {
        let found = try at(.generate, "cannot search the token") {
            try session.findObjects(Template(.privateKey, id: new.id))
        }
        guard let handle = found.first else {
            if isRemoving, !capabilities.changesRoles {
                try removeUnfinished(new, [.publicKey])
            }
            return nil
        }
        guard found.count == 1 else {
            throw IssuanceError(
                .severalObjects, at: .generate,
                "\(found.count) private keys on the token have the id \(hexadecimal(new.id))")
        }
        try requireOwn(handle, new)
        do throws(IssuanceError) {
            return try readAsMade(new, handle, nil)
        } catch {
            guard isRemoving, error.circumstances.contains(.keyIsForeign),
                !capabilities.changesRoles
            else { throw error }
            // The call was interrupted before the key got its value, so the key never signed anything.
            try removeUnfinished(new, [.privateKey, .publicKey])
            return nil
        }
    }

    /// Checks that another program has not taken the id since this order reserved it: by the key's
    /// origin, the certificates with the id, and the label, or the type if the module sets labels.
    private mutating func requireOwn(_ key: ObjectHandle, _ new: NewKey) throws(IssuanceError) {
        let attributes: Attributes
        let isAlone: Bool
        do throws(CryptokiError) {
            attributes = try session.attributes(
                of: key, [AttributeKey.labelBytes.type, AttributeKey<KeyType>.keyType.type])
            let stored = try storedCertificates(
                Template(.certificate, id: new.id), capabilities, &session)
            isAlone = stored.certificates.isEmpty && stored.unreadable == 0
        } catch {
            throw IssuanceError(error, at: .generate, while: "cannot read a key")
        }
        try requireMadeHere(key, new.id)
        let found = attributes[.labelBytes] ?? []
        let isOwn =
            capabilities.keepsLabels
            ? found == new.label || found.isEmpty
            : attributes[.keyType] == new.kind.keyType
        guard isAlone else {
            throw IssuanceError(
                .idTaken, at: .generate, "the id \(hexadecimal(new.id)) is used by a certificate")
        }
        guard isOwn else {
            throw IssuanceError(
                .idTaken, at: .generate,
                "the id \(hexadecimal(new.id)) is used by a key with the label "
                    + "\"\(text(ofLabel: found))\"")
        }
    }

    /// Checks that the key was not imported by another program. A key with `CKA_LOCAL` false passes
    /// only if it has no value, because interrupted calls leave such keys.
    private mutating func requireMadeHere(
        _ key: ObjectHandle, _ id: [UInt8]
    ) throws(IssuanceError) {
        guard !(capabilities.profile?.hidesOrigin ?? false) else { return }
        let attributes = try at(.generate, "cannot read a key") {
            try session.attributes(of: key, [AttributeKey.local.type])
        }
        guard attributes[.local] == false else { return }
        if LeftoverObjects.hasNoValue(key, &session) { return }
        throw IssuanceError(
            .idTaken, at: .generate,
            "the id \(hexadecimal(id)) is used by a key that was not generated on the token")
    }

    /// Removes the keys that an interrupted call has left, unless another program has imported them.
    private mutating func removeUnfinished(
        _ new: NewKey, _ halves: [ObjectClass]
    ) throws(IssuanceError) {
        for half in halves {
            let found = try at(.generate, "cannot search the token") {
                try session.findObjects(Template(half, id: new.id, label: new.label))
            }
            for key in found { try requireMadeHere(key, new.id) }
        }
        try removeKeys(new.id, halves, label: new.label)
    }

    /// Removes the keys that a failed call has left, and checks that they are gone.
    mutating func removeKeys(
        _ id: [UInt8], _ halves: [ObjectClass], label: [UInt8]? = nil
    ) throws(IssuanceError) {
        var isLeft = false
        try at(.generate, "cannot remove an incomplete key pair") {
            for half in halves {
                let template = Template(half, id: id, label: label)
                for object in try session.findObjects(template) {
                    try session.destroyObject(object)
                }
                if try !session.findObjects(template).isEmpty { isLeft = true }
            }
        }
        if isLeft {
            throw IssuanceError(
                .tokenFailed, at: .generate,
                "the token reports that it removed an incomplete key pair, but still has it")
        }
    }

    /// Reads and checks a generated key; an error names the key. `privateKey` is nil for the only
    /// private key with the id.
    mutating func readAsMade(
        _ new: NewKey, _ privateKey: ObjectHandle?, _ publicKey: ObjectHandle?
    ) throws(IssuanceError) -> TokenKey {
        do throws(IssuanceError) {
            let key =
                if let privateKey {
                    try readKey(privateKey, publicKey, isNew: true)
                } else {
                    try readKey(id: new.id)
                }
            do throws(IssuanceError) {
                return try requireAsPlanned(key, new)
            } catch {
                let named = error.with(key: key.named(on: token))
                guard error.code == .keyUnsafe else { throw named }
                // This key is never used, and another one would have the same defect.
                throw named.with(
                    reason: "\(error.reason); it remains on the token: \(key.uri)",
                    circumstances: error.circumstances.union([.orderIsOver]))
            }
        } catch {
            let isHidden = error.code == .noSuchObject || error.code == .severalObjects
            let failure =
                isHidden
                ? IssuanceError(
                    .notProved, at: .generate,
                    "the token generated a key pair but does not show its public key; this module "
                        + "may show a new key only to a new process")
                : error
            let key = IssuanceError.KeyOnToken(
                uri: keyURI(new.id, new.label), id: new.id, isNew: true, module: token.module)
            throw failure.with(
                circumstances: failure.tokenError == nil
                    ? failure.circumstances.union([.attributesAreWrong]) : failure.circumstances,
                key: failure.key ?? key)
        }
    }

    /// Checks the attributes that the token reports for a key. Returns the key with remarks.
    private mutating func requireAsPlanned(
        _ key: TokenKey, _ new: NewKey
    ) throws(IssuanceError) -> TokenKey {
        var key = key
        let attributes = try at(.generate, "cannot read the new key") {
            try session.attributes(of: key.handle, Self.protection + [AttributeKey.decrypt.type])
        }
        guard Self.reportsProtection(attributes) else {
            throw IssuanceError(
                .keyUnsafe, at: .generate, "the new key is not protected from extraction")
        }
        guard attributes[.local] ?? true || capabilities.profile?.hidesOrigin ?? false else {
            throw IssuanceError(
                .keyUnsafe, at: .generate, "the token reports that the key was not generated on it"
            ).with(circumstances: [.keyIsForeign])
        }
        guard key.publicKey.kind == new.kind else {
            // The public key may belong to another key pair, so the order stays open.
            throw IssuanceError(
                .notProved, at: .generate,
                "the token shows the new \(new.kind) key as \(key.publicKey.kind); some modules "
                    + "show a new key only to a new process")
        }
        // This fails if the point is not on its curve or the modulus is missing.
        let draft = try? CertificateRequestDraft(
            publicKey: key.publicKey, subject: [], extensions: [])
        guard draft != nil else {
            throw IssuanceError(
                .notProved, at: .generate,
                "the token shows an invalid public key for the new key pair; some modules "
                    + "show a new key only to a new process")
        }
        if attributes[.local] != true {
            key.remarks.append("the token does not report that it generated the key itself")
        }
        if case .rsa = new.kind, attributes[.decrypt] == false {
            key.remarks.append(
                "the token does not let the key decrypt: mail encrypted to it cannot be read")
        }
        guard key.id == new.id else {
            throw IssuanceError(
                .keyUnsafe, at: .generate,
                "the token gave the key the id \(hexadecimal(key.id)) instead of "
                    + "\(hexadecimal(new.id))")
        }
        return key
    }
}
