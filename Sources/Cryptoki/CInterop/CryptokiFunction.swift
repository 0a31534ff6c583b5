/// A function that may be missing from a module's function table.
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
