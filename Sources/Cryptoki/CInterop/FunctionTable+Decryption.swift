internal import CTokencertP11Kit

extension FunctionTable {
    func decryptInit(
        _ session: CK_SESSION_HANDLE, _ mechanism: Mechanism, _ key: ObjectHandle
    ) throws(CryptokiError) {
        let decryptInit = try unsafe entry("C_DecryptInit", \.C_DecryptInit)
        let returned = unsafe mechanism.withCMechanism {
            unsafe decryptInit(session, $0, key.rawValue)
        }
        try check("C_DecryptInit", returned, mechanism.type.description)
    }

    func decrypt(
        _ session: CK_SESSION_HANDLE, _ data: [UInt8], _ mechanism: Mechanism
    ) throws(CryptokiError) -> [UInt8] {
        let decrypt = try unsafe entry("C_Decrypt", \.C_Decrypt)
        var data = data
        // A message is never longer than its ciphertext.
        var message = [UInt8](repeating: 0, count: max(data.count, 1))
        var length = CK_ULONG(message.count)
        let returned = unsafe decrypt(session, &data, CK_ULONG(data.count), &message, &length)
        try check("C_Decrypt", returned, mechanism.type.description)
        guard length <= message.count else {
            throw CryptokiError(
                .malformedAnswer, function: "C_Decrypt",
                context: "a message of an impossible length")
        }
        return Array(message.prefix(Int(length)))
    }
}
