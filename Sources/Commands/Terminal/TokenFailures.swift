internal import Cryptoki

extension CryptokiError {
    /// The message for the user: what failed, then the PKCS#11 name of the reason in brackets.
    var plainText: String {
        guard code == .returned else { return description }
        let reason = returnValue.map { " [\($0)]" } ?? ""
        let place = context.isEmpty ? "" : " (\(context))"
        return Self.sentence(function) + place + reason
    }

    private static func sentence(_ function: String) -> String {
        switch function {
        case "C_GetInfo": "cannot read the description of the module"
        case "C_GetSlotList", "C_GetSlotInfo": "cannot list the slots of the module"
        case "C_GetTokenInfo": "cannot read the description of the token"
        case "C_GetMechanismList", "C_GetMechanismInfo": "cannot list the mechanisms of the token"
        case "C_WaitForSlotEvent": "cannot wait for a token"
        case "C_OpenSession", "C_CloseSession", "C_GetSessionInfo":
            "cannot use a session on the token"
        case "C_Login": "cannot log in to the token"
        case "C_Logout": "cannot log out of the token"
        case "C_FindObjectsInit", "C_FindObjects", "C_FindObjectsFinal":
            "cannot search the token"
        case "C_GetAttributeValue": "cannot read an object on the token"
        case "C_GenerateKeyPair": "cannot generate a key pair on the token"
        case "C_CreateObject": "cannot create an object on the token"
        case "C_DestroyObject": "cannot remove an object from the token"
        case "C_SignInit", "C_Sign": "cannot sign on the token"
        case "C_InitToken": "cannot set up the token"
        case "C_InitPIN", "C_SetPIN": "cannot set the new PIN"
        default: "\(function) failed"
        }
    }
}
