extension Order {
    /// The URI of the order's token by its serial number alone; nil if the token had none. The
    /// label may change, and the model and manufacturer may change with the module's version.
    package var tokenBySerialNumber: String? {
        tokenAttributes(beginning.token)["serial"].map { "pkcs11:serial=\($0)" }
    }

    /// Whether a token is the one that the order was started for, regardless of its label.
    ///
    /// - Parameter token: The token's URI, in the form of ``OrderEvent/Beginning/token``.
    package func isFor(_ token: String) -> Bool {
        let (mine, other) = (tokenAttributes(beginning.token), tokenAttributes(token))
        guard let serialNumber = mine["serial"] else { return mine == other }
        guard serialNumber == other["serial"] else { return false }
        // One of the two may change with the module. Blank values prove nothing, because
        // manufacturers number their tokens independently.
        return kindOfToken.contains { mine[$0] != nil && mine[$0] == other[$0] }
            || kindOfToken.allSatisfy { mine[$0] == other[$0] }
    }

    /// Whether a token may be the one that the order was started for, even if a module describes
    /// the token differently. The order then blocks its key's id there and protects its key from
    /// removal.
    package func mayBeFor(_ token: String) -> Bool {
        let (mine, other) = (tokenAttributes(beginning.token), tokenAttributes(token))
        guard let serialNumber = mine["serial"] else { return mine == other }
        return serialNumber == other["serial"]
            && kindOfToken.contains { mine[$0] == other[$0] }
    }
}

extension OrderEvent.Beginning {
    /// ``token`` with blank fields written as blanks. Earlier versions wrote them without a value,
    /// which is not a valid URI.
    package var tokenURI: String {
        token.split(separator: ";", omittingEmptySubsequences: false)
            .map { $0.hasSuffix("=") ? $0 + "%20" : $0 }.joined(separator: ";")
    }
}

private let kindOfToken: [Substring] = ["model", "manufacturer"]

/// The attributes of a URI in the form of ``OrderEvent/Beginning/token``, still percent-encoded.
/// Omits blank fields and serial numbers of zeros, which tpm2-pkcs11 1.9 gives to every token.
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
