internal import Cryptoki

extension CryptokiError {
    /// What a person reads: what the token or its module did not do, then the standard's name of the
    /// reason.
    var plainText: String {
        guard code == .returned else { return description }
        let reason = returnValue.map { " [\($0)]" } ?? ""
        let place = context.isEmpty ? "" : " (\(context))"
        return Self.sentence(function) + place + reason
    }

    private static func sentence(_ function: String) -> String {
        switch function {
        case "C_GetInfo": "the module does not tell what it is"
        case "C_GetSlotList", "C_GetSlotInfo": "the module does not tell where its tokens are"
        case "C_GetTokenInfo": "the token does not tell what it is"
        case "C_GetMechanismList", "C_GetMechanismInfo": "the token does not tell what it can do"
        case "C_WaitForSlotEvent": "the module does not tell when a token is put in"
        case "C_OpenSession", "C_CloseSession", "C_GetSessionInfo":
            "the token cannot be talked to"
        case "C_Login": "the token refuses the login"
        case "C_Logout": "the token does not end the login"
        case "C_FindObjectsInit", "C_FindObjects", "C_FindObjectsFinal":
            "the token cannot be searched"
        case "C_GetAttributeValue": "an object on the token cannot be read"
        case "C_GenerateKeyPair": "the token makes no key"
        case "C_CreateObject": "the token does not take an object"
        case "C_DestroyObject": "the token does not remove an object"
        case "C_SignInit", "C_Sign": "the token does not sign"
        case "C_InitToken": "the token cannot be set up"
        case "C_InitPIN", "C_SetPIN": "the token does not take the new PIN"
        default: "the token or its module failed at \(function)"
        }
    }
}
