internal import CTokencertP11Kit
internal import TokencertPlatform

/// The functions of one module.
///
/// A missing function and any return value other than `CKR_OK` are errors. The table never changes,
/// and its functions may be called from several threads, since the module was initialised for that.
@safe struct FunctionTable: @unchecked Sendable {
    private let list: UnsafeMutablePointer<CK_FUNCTION_LIST>

    init(_ list: UnsafeMutablePointer<CK_FUNCTION_LIST>) {
        unsafe self.list = unsafe list
    }

    func entry<Function>(
        _ name: StaticString, _ member: KeyPath<CK_FUNCTION_LIST, Function?>
    ) throws(CryptokiError) -> Function {
        guard let function = unsafe list.pointee[keyPath: member] else {
            throw CryptokiError(.functionMissing, function: "\(name)")
        }
        return function
    }

    /// The functions that the module has, of those that some modules lack.
    var provided: Set<CryptokiFunction> {
        var provided: Set<CryptokiFunction> = []
        if unsafe list.pointee.C_GenerateKeyPair != nil { provided.insert(.generateKeyPair) }
        if unsafe list.pointee.C_SignInit != nil { provided.insert(.signInit) }
        if unsafe list.pointee.C_Sign != nil { provided.insert(.sign) }
        if unsafe list.pointee.C_CreateObject != nil { provided.insert(.createObject) }
        if unsafe list.pointee.C_DestroyObject != nil { provided.insert(.destroyObject) }
        return provided
    }

    func check(
        _ name: StaticString, _ returned: CK_RV, _ context: @autoclosure () -> String = ""
    ) throws(CryptokiError) {
        guard returned == CKR_OK else {
            throw CryptokiError(
                .returned, function: "\(name)", returnValue: ReturnValue(rawValue: returned),
                context: context())
        }
    }

    /// Reads a list of numbers in two calls: the first returns the count, the second the numbers.
    private func list(
        _ name: StaticString, _ fill: (UnsafeMutablePointer<CK_ULONG>?, inout CK_ULONG) -> CK_RV
    ) throws(CryptokiError) -> [CK_ULONG] {
        // The list may grow between the two calls; if it does, repeat both.
        for _ in 0..<8 {
            var count: CK_ULONG = 0
            try check(name, fill(nil, &count))
            guard count > 0 else { return [] }
            guard count <= Self.mostNumbers else { break }
            var numbers = [CK_ULONG](repeating: 0, count: Int(count))
            let returned = unsafe fill(&numbers, &count)
            if returned == CKR_BUFFER_TOO_SMALL { continue }
            try check(name, returned)
            guard count <= numbers.count else { break }
            return Array(numbers.prefix(Int(count)))
        }
        throw CryptokiError(
            .malformedAnswer, function: "\(name)",
            context: "the list does not have the length that the module announced")
    }

    /// A module that reports more slots or mechanisms than this is faulty.
    private static let mostNumbers = 1 << 16
    /// A module that returns more objects than this is faulty.
    private static let mostObjects = 1_000_000

    // MARK: General, slots and tokens

    func info() throws(CryptokiError) -> CK_INFO {
        var info = CK_INFO()
        try unsafe check("C_GetInfo", entry("C_GetInfo", \.C_GetInfo)(&info))
        return info
    }

    func slotList(tokenPresent: Bool) throws(CryptokiError) -> [CK_SLOT_ID] {
        let getSlotList = try unsafe entry("C_GetSlotList", \.C_GetSlotList)
        return try unsafe list("C_GetSlotList") {
            unsafe getSlotList(tokenPresent ? 1 : 0, $0, &$1)
        }
    }

    /// The slot of the next event that has not been reported yet.
    func slotEvent() throws(CryptokiError) -> CK_SLOT_ID {
        var slot: CK_SLOT_ID = 0
        try unsafe check(
            "C_WaitForSlotEvent",
            entry("C_WaitForSlotEvent", \.C_WaitForSlotEvent)(CK_FLAGS(CKF_DONT_BLOCK), &slot, nil))
        return slot
    }

    func slotInfo(_ slot: CK_SLOT_ID) throws(CryptokiError) -> CK_SLOT_INFO {
        var info = CK_SLOT_INFO()
        try unsafe check("C_GetSlotInfo", entry("C_GetSlotInfo", \.C_GetSlotInfo)(slot, &info))
        return info
    }

    func tokenInfo(_ slot: CK_SLOT_ID) throws(CryptokiError) -> CK_TOKEN_INFO {
        var info = CK_TOKEN_INFO()
        try unsafe check("C_GetTokenInfo", entry("C_GetTokenInfo", \.C_GetTokenInfo)(slot, &info))
        return info
    }

    func mechanismList(_ slot: CK_SLOT_ID) throws(CryptokiError) -> [CK_MECHANISM_TYPE] {
        let getMechanismList = try unsafe entry("C_GetMechanismList", \.C_GetMechanismList)
        return try unsafe list("C_GetMechanismList") { unsafe getMechanismList(slot, $0, &$1) }
    }

    func mechanismInfo(
        _ slot: CK_SLOT_ID, _ type: MechanismType
    ) throws(CryptokiError) -> CK_MECHANISM_INFO {
        var info = CK_MECHANISM_INFO()
        try unsafe check(
            "C_GetMechanismInfo",
            entry("C_GetMechanismInfo", \.C_GetMechanismInfo)(slot, type.rawValue, &info),
            type.description)
        return info
    }

    /// Calls a function that changes the token. A signal to end the process waits for it, because some
    /// modules, such as SoftHSM 2.6.1, leave a token that cannot be used if a change is not completed.
    func changing(_ call: () -> CK_RV) -> CK_RV { Interruption.deferred(call) }

    // MARK: Sessions and PINs

    func openSession(_ slot: CK_SLOT_ID, writes: Bool) throws(CryptokiError) -> CK_SESSION_HANDLE {
        var handle: CK_SESSION_HANDLE = 0
        let flags = CKF_SERIAL_SESSION | (writes ? CKF_RW_SESSION : 0)
        try unsafe check(
            "C_OpenSession",
            entry("C_OpenSession", \.C_OpenSession)(slot, CK_FLAGS(flags), nil, nil, &handle),
            writes ? "read-write" : "read-only")
        return handle
    }

    func closeSession(_ session: CK_SESSION_HANDLE) throws(CryptokiError) {
        try check("C_CloseSession", entry("C_CloseSession", \.C_CloseSession)(session))
    }

    func initToken(
        _ slot: CK_SLOT_ID, _ usesReaderKeys: Bool, _ pin: borrowing Secret, _ label: [UInt8]
    ) throws(CryptokiError) {
        let function = try unsafe entry("C_InitToken", \.C_InitToken)
        var label = label
        let returned = unsafe pin.withUnsafeBytes { bytes in
            changing {
                unsafe usesReaderKeys
                    ? function(slot, nil, 0, &label)
                    : function(slot, bytes.baseAddress, CK_ULONG(bytes.count), &label)
            }
        }
        try check("C_InitToken", returned)
    }

    func initPIN(
        _ session: CK_SESSION_HANDLE, _ usesReaderKeys: Bool, _ pin: borrowing Secret
    ) throws(CryptokiError) {
        let function = try unsafe entry("C_InitPIN", \.C_InitPIN)
        let returned = unsafe pin.withUnsafeBytes { bytes in
            changing {
                unsafe usesReaderKeys
                    ? function(session, nil, 0)
                    : function(session, bytes.baseAddress, CK_ULONG(bytes.count))
            }
        }
        try check("C_InitPIN", returned)
    }

    func setPIN(
        _ session: CK_SESSION_HANDLE, _ usesReaderKeys: Bool, _ old: borrowing Secret,
        _ new: borrowing Secret
    ) throws(CryptokiError) {
        let function = try unsafe entry("C_SetPIN", \.C_SetPIN)
        let returned = unsafe old.withUnsafeBytes { old in
            unsafe new.withUnsafeBytes { new in
                changing {
                    unsafe usesReaderKeys
                        ? function(session, nil, 0, nil, 0)
                        : function(
                            session, old.baseAddress, CK_ULONG(old.count), new.baseAddress,
                            CK_ULONG(new.count))
                }
            }
        }
        try check("C_SetPIN", returned)
    }

    // MARK: Objects

    func findObjects(
        _ session: CK_SESSION_HANDLE, _ template: Template
    ) throws(CryptokiError) -> [ObjectHandle] {
        let findInit = try unsafe entry("C_FindObjectsInit", \.C_FindObjectsInit)
        let find = try unsafe entry("C_FindObjects", \.C_FindObjects)
        let findFinal = try entry("C_FindObjectsFinal", \.C_FindObjectsFinal)
        let started = unsafe template.withCAttributes {
            unsafe findInit(session, $0.baseAddress, CK_ULONG($0.count))
        }
        try check("C_FindObjectsInit", started)
        var found: [ObjectHandle] = []
        var seen: Set<CK_OBJECT_HANDLE> = []
        var repeated = 0
        var fault: String?
        var batch = [CK_OBJECT_HANDLE](repeating: 0, count: 512)
        var returned: CK_RV = CKR_OK
        repeat {
            var count: CK_ULONG = 0
            returned = unsafe find(session, &batch, CK_ULONG(batch.count), &count)
            guard returned == CKR_OK, count > 0 else { break }
            guard count <= batch.count else {
                fault = "more objects than requested"
                break
            }
            for handle in batch.prefix(Int(count)) {
                if seen.insert(handle).inserted {
                    found.append(ObjectHandle(rawValue: handle))
                } else {
                    repeated += 1
                }
            }
            if repeated > batch.count || found.count > Self.mostObjects {
                fault = "the search does not end"
            }
        } while fault == nil
        // End the search even if it failed; otherwise it blocks the session.
        let ended = findFinal(session)
        if let fault {
            throw CryptokiError(.malformedAnswer, function: "C_FindObjects", context: fault)
        }
        try check("C_FindObjects", returned)
        try check("C_FindObjectsFinal", ended)
        return found
    }

    func createObject(
        _ session: CK_SESSION_HANDLE, _ template: Template
    ) throws(CryptokiError) -> ObjectHandle {
        let create = try unsafe entry("C_CreateObject", \.C_CreateObject)
        var handle: CK_OBJECT_HANDLE = 0
        let returned = unsafe template.withCAttributes { attributes in
            changing {
                unsafe create(
                    session, attributes.baseAddress, CK_ULONG(attributes.count), &handle)
            }
        }
        try check("C_CreateObject", returned)
        return ObjectHandle(rawValue: handle)
    }

    func destroyObject(
        _ session: CK_SESSION_HANDLE, _ object: ObjectHandle
    ) throws(CryptokiError) {
        let destroy = try entry("C_DestroyObject", \.C_DestroyObject)
        try check("C_DestroyObject", changing { destroy(session, object.rawValue) })
    }

    func setAttributes(
        _ session: CK_SESSION_HANDLE, _ object: ObjectHandle, _ template: Template
    ) throws(CryptokiError) {
        let set = try unsafe entry("C_SetAttributeValue", \.C_SetAttributeValue)
        let returned = unsafe template.withCAttributes { attributes in
            changing {
                unsafe set(
                    session, object.rawValue, attributes.baseAddress, CK_ULONG(attributes.count))
            }
        }
        try check(
            "C_SetAttributeValue", returned,
            template.types.map(\.description).joined(separator: ", "))
    }

    // MARK: Keys, signatures and decryption

    func generateKeyPair(
        _ session: CK_SESSION_HANDLE, _ mechanism: Mechanism, _ request: KeyPairRequest
    ) throws(CryptokiError) -> KeyPair {
        let generate = try unsafe entry("C_GenerateKeyPair", \.C_GenerateKeyPair)
        var publicKey: CK_OBJECT_HANDLE = 0
        var privateKey: CK_OBJECT_HANDLE = 0
        let returned = unsafe mechanism.withCMechanism { mechanism in
            unsafe request.publicKey.withCAttributes { publicAttributes in
                unsafe request.privateKey.withCAttributes { privateAttributes in
                    changing {
                        unsafe generate(
                            session, mechanism,
                            publicAttributes.baseAddress, CK_ULONG(publicAttributes.count),
                            privateAttributes.baseAddress, CK_ULONG(privateAttributes.count),
                            &publicKey, &privateKey)
                    }
                }
            }
        }
        try check("C_GenerateKeyPair", returned, mechanism.type.description)
        return KeyPair(
            publicKey: ObjectHandle(rawValue: publicKey),
            privateKey: ObjectHandle(rawValue: privateKey))
    }

    func signInit(
        _ session: CK_SESSION_HANDLE, _ mechanism: Mechanism, _ key: ObjectHandle
    ) throws(CryptokiError) {
        let signInit = try unsafe entry("C_SignInit", \.C_SignInit)
        let returned = unsafe mechanism.withCMechanism {
            unsafe signInit(session, $0, key.rawValue)
        }
        try check("C_SignInit", returned, mechanism.type.description)
    }

    func sign(
        _ session: CK_SESSION_HANDLE, _ data: [UInt8], _ mechanism: Mechanism
    ) throws(CryptokiError) -> [UInt8] {
        let sign = try unsafe entry("C_Sign", \.C_Sign)
        var data = data
        // Larger than any current signature. If a module needs more, it returns the length and the
        // operation stays active.
        var signature = [UInt8](repeating: 0, count: 1024)
        for _ in 0..<2 {
            var length = CK_ULONG(signature.count)
            let returned = unsafe sign(session, &data, CK_ULONG(data.count), &signature, &length)
            if returned == CKR_BUFFER_TOO_SMALL, length > signature.count, length < 1 << 20 {
                signature = [UInt8](repeating: 0, count: Int(length))
                continue
            }
            try check("C_Sign", returned, mechanism.type.description)
            guard length <= signature.count else { break }
            return Array(signature.prefix(Int(length)))
        }
        throw CryptokiError(
            .malformedAnswer, function: "C_Sign",
            context: "the length of the signature is impossible")
    }

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
                context: "the length of the message is impossible")
        }
        return Array(message.prefix(Int(length)))
    }

    func getAttributeValue(
        _ session: CK_SESSION_HANDLE, _ object: ObjectHandle,
        _ attributes: UnsafeMutablePointer<CK_ATTRIBUTE>, _ count: Int
    ) throws(CryptokiError) -> ReturnValue {
        let get = try unsafe entry("C_GetAttributeValue", \.C_GetAttributeValue)
        return unsafe ReturnValue(
            rawValue: get(session, object.rawValue, attributes, CK_ULONG(count)))
    }
}
