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
        return serialNumber == other["serial"]
            && (mine["model"] == other["model"] || mine["manufacturer"] == other["manufacturer"])
    }
}

/// What a URI in the form of ``OrderEvent/Beginning/token`` says of a token, as it is encoded
/// there; nothing for an empty value.
private func tokenAttributes(_ uri: String) -> [Substring: Substring] {
    let path = uri.dropFirst("pkcs11:".count).prefix { $0 != "?" }
    var attributes: [Substring: Substring] = [:]
    for part in path.split(separator: ";") {
        let pair = part.split(separator: "=", maxSplits: 1)
        if pair.count == 2 { attributes[pair[0]] = pair[1] }
    }
    return attributes
}
