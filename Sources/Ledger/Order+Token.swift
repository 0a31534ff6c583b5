extension Order {
    /// Whether the token with this URI is the one that the order was started for, regardless of its
    /// label.
    package func isFor(_ token: String) -> Bool { isSameToken(beginning.token, token) }

    /// Whether a token may be the one that the order was started for, even if a module describes
    /// the token differently. The order then blocks its key's id there and protects its key from
    /// removal.
    package func mayBeFor(_ token: String) -> Bool { mayBeSameToken(beginning.token, token) }
}

/// The URI of a token by its serial number alone; nil if it has none. The label may change, and the
/// model and manufacturer may change with the module's version.
package func tokenBySerialNumber(_ token: String) -> String? {
    tokenAttributes(token)["serial"].map { "pkcs11:serial=\($0)" }
}

/// Whether two URIs, in the form of ``OrderEvent/Beginning/token``, are those of one token, regardless of
/// its label.
package func isSameToken(_ one: String, _ other: String) -> Bool {
    let (one, other) = (tokenAttributes(one), tokenAttributes(other))
    guard let serialNumber = one["serial"] else { return one == other }
    guard serialNumber == other["serial"] else { return false }
    // One of the two may change with the module. Blank values prove nothing, because manufacturers
    // number their tokens independently.
    return kindOfToken.contains { one[$0] != nil && one[$0] == other[$0] }
        || kindOfToken.allSatisfy { one[$0] == other[$0] }
}

/// Whether two URIs may be those of one token, even if a module describes the token differently.
package func mayBeSameToken(_ one: String, _ other: String) -> Bool {
    let (one, other) = (tokenAttributes(one), tokenAttributes(other))
    guard let serialNumber = one["serial"] else { return one == other }
    return serialNumber == other["serial"]
        && kindOfToken.contains { one[$0] == other[$0] }
}

extension OrderEvent.Beginning {
    /// ``token`` with blank fields written as blanks. Earlier versions wrote them without a value,
    /// which is not a valid URI.
    package var tokenURI: String { Self.readable(token) }

    /// The URI of a token with blank fields written as blanks.
    package static func readable(_ token: String) -> String {
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
