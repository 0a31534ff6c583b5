/// A function that a module may leave out of its table, by its name in the standard.
public enum CryptokiFunction: String, Sendable, Hashable, CaseIterable {
    /// `C_GenerateKeyPair`.
    case generateKeyPair = "C_GenerateKeyPair"
    /// `C_SignInit`.
    case signInit = "C_SignInit"
    /// `C_Sign`.
    case sign = "C_Sign"
    /// `C_CreateObject`.
    case createObject = "C_CreateObject"
    /// `C_DestroyObject`.
    case destroyObject = "C_DestroyObject"
}

extension Module {
    /// Whether the module has a function in its table. One that it has may still answer
    /// `CKR_FUNCTION_NOT_SUPPORTED`.
    ///
    /// The C structure is `CK_FUNCTION_LIST` (PKCS#11 v2.40, section 3.6).
    ///
    /// - Parameter function: The function.
    public func provides(_ function: CryptokiFunction) -> Bool {
        functions.provided.contains(function)
    }
}
