internal import Cryptoki
internal import TokencertInventory

extension TokenSigner {
    /// Decrypts with a key, under the same rules as a signature: the PIN is sent for each use if
    /// the key requires it, even if the key does not report that.
    func decrypt<Access>(
        _ data: [UInt8], with key: TokenKey, _ mechanism: Mechanism,
        _ session: inout Session<Access>, at step: Step
    ) throws(IssuanceError) -> [UInt8] {
        try login.performing(.sign, at: step) { () throws(IssuanceError) in
            let handle = try handle(of: key, &session, at: step)
            let isLoginRequired = session.token.info.flags.contains(.loginRequired)
            if !key.needsPINForEachUse {
                do throws(CryptokiError) {
                    return try session.decrypt(data, with: handle, mechanism)
                } catch {
                    guard error.returnValue == .userNotLoggedIn, error.function == "C_Decrypt",
                        isLoginRequired
                    else {
                        throw IssuanceError(error, at: step, while: "the token does not decrypt")
                    }
                }
            }
            try TokencertIssuance.at(step, "the token does not decrypt") {
                () throws(CryptokiError) in
                try session.beginDecryption(with: handle, mechanism)
            }
            if isLoginRequired {
                try login.pins.send(.contextSpecific, at: step) { pin throws(CryptokiError) in
                    try session.authenticateSignature(pin)
                }
            }
            return try TokencertIssuance.at(step, "the token does not decrypt") {
                () throws(CryptokiError) in try session.finishDecryption(data, mechanism)
            }
        }
    }
}
