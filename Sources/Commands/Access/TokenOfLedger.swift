internal import Cryptoki
internal import TokencertIssuance
internal import TokencertLedger
internal import TokencertTokens

/// Finds a token of the ledger: by its serial number if it has one, since its label may have changed.
/// A token that is set in the environment or the configuration file is ignored.
///
/// - Parameter token: The URI of the token, as the ledger has it.
/// - Throws: ``Failure`` if the token is not present, or if several match.
func findToken(
    ofLedger token: String, _ options: TokenOptions
) throws -> TokenCapabilities {
    let uri = try PKCS11URI(parsing: OrderEvent.Beginning.readable(token))
    guard let serialNumber = tokenBySerialNumber(token) else {
        return try findToken(options, uri)
    }
    do {
        let found = try findToken(options, try PKCS11URI(parsing: serialNumber), asking: false)
        // A token of another manufacturer with the same number must not get the PIN.
        if isSameToken(token, try PKCS11URI(token: found.token).description) { return found }
        return try findToken(options, uri)
    } catch let failure as Failure where failure.code == Failure.severalTokens {
        return try findToken(options, uri)
    }
}
