extension Order {
    /// The URI of the order's token by its serial number alone, or nil if the token had none. The
    /// label, and with another version of a module the model and the manufacturer, may change.
    package var tokenBySerialNumber: String? {
        tokenAttributes(beginning.token)["serial"].map { "pkcs11:serial=\($0)" }
    }

    /// Whether a token is the one that the order was begun for, whatever its label is.
    ///
    /// - Parameter token: The token's URI, in the form of ``OrderEvent/Beginning/token``.
    package func isFor(_ token: String) -> Bool {
        let (mine, other) = (tokenAttributes(beginning.token), tokenAttributes(token))
        guard let serialNumber = mine["serial"] else { return mine == other }
        guard serialNumber == other["serial"] else { return false }
        // One of the two may change with the module. A blank one says nothing: manufacturers number
        // their tokens independently.
        return kindOfToken.contains { mine[$0] != nil && mine[$0] == other[$0] }
            || kindOfToken.allSatisfy { mine[$0] == other[$0] }
    }

    /// Whether a token may be the one that the order was begun for: the order keeps others from using
    /// its id there, and its key from being removed, even if a module describes the token otherwise.
    package func mayBeFor(_ token: String) -> Bool {
        let (mine, other) = (tokenAttributes(beginning.token), tokenAttributes(token))
        guard let serialNumber = mine["serial"] else { return mine == other }
        return serialNumber == other["serial"]
            && kindOfToken.contains { mine[$0] == other[$0] }
    }
}

extension OrderEvent.Beginning {
    /// ``token`` with blank fields written as blanks. Without a value, as earlier versions wrote them,
    /// they are not valid in a URI.
    package var tokenURI: String {
        token.split(separator: ";", omittingEmptySubsequences: false)
            .map { $0.hasSuffix("=") ? $0 + "%20" : $0 }.joined(separator: ";")
    }
}

private let kindOfToken: [Substring] = ["model", "manufacturer"]

/// What a URI in the form of ``OrderEvent/Beginning/token`` says of a token, as it is encoded
/// there; nothing for a blank field, or for a serial number of zeros, which tpm2-pkcs11 1.9 gives
/// to every token.
private func tokenAttributes(_ uri: String) -> [Substring: Substring] {
    let path = uri.dropFirst("pkcs11:".count).prefix { $0 != "?" }
    var attributes: [Substring: Substring] = [:]
    for part in path.split(separator: ";") {
        let pair = part.split(separator: "=", maxSplits: 1)
        guard pair.count == 2 else { continue }
        let isBlank = pair[1].replacing("%20", with: "").replacing("%00", with: "").isEmpty
        let isZero = pair[0] == "serial" && pair[1].allSatisfy { $0 == "0" }
        if !isBlank, !isZero { attributes[pair[0]] = pair[1] }
    }
    return attributes
}
