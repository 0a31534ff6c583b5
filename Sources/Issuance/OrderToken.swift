internal import Cryptoki
internal import Inventory
public import Ledger
internal import OpenSSLX509

extension Order {
    /// The URI of the order's token with its serial number only, or nil if the token had none. The
    /// label may change, and another version of a module may report a different model and
    /// manufacturer.
    public var tokenBySerialNumber: String? {
        tokenAttributes(beginning.token)["serial"].map { "pkcs11:serial=\($0)" }
    }

    /// Whether a token is the one for which the order was begun; the label is ignored.
    func isFor(_ token: PKCS11URI) -> Bool {
        let (mine, other) = (
            tokenAttributes(beginning.token), tokenAttributes(token.description)
        )
        guard let serialNumber = mine["serial"] else { return mine == other }
        return serialNumber == other["serial"]
            && (mine["model"] == other["model"] || mine["manufacturer"] == other["manufacturer"])
    }
}

/// The attributes of a token in a URI in the form of ``PKCS11URI/description``, still encoded. An
/// attribute with an empty value is left out.
private func tokenAttributes(_ uri: String) -> [Substring: Substring] {
    let path = uri.dropFirst("pkcs11:".count).prefix { $0 != "?" }
    var attributes: [Substring: Substring] = [:]
    for part in path.split(separator: ";") {
        let pair = part.split(separator: "=", maxSplits: 1)
        if pair.count == 2 { attributes[pair[0]] = pair[1] }
    }
    return attributes
}

extension TokenWork {
    /// The key of an order that was begun, or nil if none was made.
    ///
    /// - Throws: ``IssuanceError`` with code ``IssuanceError/Code/keyGone`` if there was one but no
    ///   key on the token has its id any more.
    func key(
        ofOrder order: Order, _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> TokenKey? {
        do throws(IssuanceError) {
            return try key(of: order, &session)
        } catch {
            guard error.code == .noSuchObject, try !hasKey(of: order, &session) else { throw error }
            throw IssuanceError(
                .keyGone, at: .generate,
                "the key of order \(order.number), with the id \(order.beginning.keyID), is not on "
                    + "this token: it was removed, or the token was reinitialised")
        }
    }

    /// The same, with a new key if none was made.
    ///
    /// - Parameter plan: The key to make, or nil if none may be made.
    func key(
        ofOrder order: Order, orMaking plan: KeyPlan?, _ journal: Journal,
        _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> TokenKey {
        if let key = try key(ofOrder: order, &session) { return key }
        guard case .generate(let kind, let id, let label) = plan else {
            throw IssuanceError(
                .keyGone, at: .generate,
                "the key of order \(order.number) is not on this token, which is not the one that "
                    + "the order was begun for")
        }
        try requireFree(id, &session)
        return try generate(kind, id: id, label: label, journal, &session)
    }

    private func hasKey(
        of order: Order, _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> Bool {
        let id = bytes(hexadecimal: order.beginning.keyID) ?? []
        // Without an id, only the reason of the failed search is known.
        guard !id.isEmpty else { return true }
        return try login.performing(.read, at: .generate) { () throws(IssuanceError) in
            var template = Template()
            template[.class] = .privateKey
            template[.id] = id
            return try at(.generate, "searching the token") { () throws(CryptokiError) in
                try !session.findObjects(template).isEmpty
            }
        }
    }
}

extension IssuanceError {
    /// The failure if a key already has the maximum number of certificates.
    ///
    /// - Parameters:
    ///   - most: That number.
    ///   - subject: The subject of one of them, or nil if it cannot be read.
    ///   - capabilities: The capabilities of the token.
    ///   - step: The step.
    init(
        noRoomFor most: Int, _ subject: String?, _ capabilities: TokenCapabilities, at step: Step
    ) {
        self.init(
            .noRoom, at: step,
            "the token has room for \(most) certificate a key, and the key has one: "
                + (subject ?? "it cannot be read"),
            choices: capabilities.replacesCertificates
                ? [
                    "tokencert renew KEY --retire replaces the old certificate with the new one"
                ]
                : [])
    }
}
