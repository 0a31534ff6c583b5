import CTokencertP11Kit

@testable import Cryptoki

/// A function table whose answers a test writes. No module is loaded.
///
/// The handle of its session, and the number of its slot, is the address of this object.
@safe final class ScriptedFunctions {
    /// One attribute of a call of C_GetAttributeValue.
    struct Request {
        let type: AttributeType
        /// The size of the buffer; nil for a null pointer.
        let capacity: Int?
        /// What is written to the buffer, as far as it fits.
        var bytes: [UInt8] = []
        /// What is returned as the length of the value.
        var length: UInt
    }

    /// What a function that returns a list or bytes does in one call.
    struct Reply {
        var returned = ReturnValue.ok
        /// The numbers or bytes that are written, as far as they fit.
        var numbers: [UInt] = []
        /// The count that is returned.
        var count: UInt

        /// A count without numbers.
        static func count(_ count: UInt, _ returned: ReturnValue = .ok) -> Reply {
            Reply(returned: returned, count: count)
        }

        /// Numbers with their count.
        static func numbers(_ numbers: [UInt]) -> Reply {
            Reply(numbers: numbers, count: UInt(numbers.count))
        }
    }

    /// What is not available, by PKCS#11: `~0`.
    static let unavailable = UInt.max

    /// The values of the object.
    var values: [AttributeType: [UInt8]] = [:]
    /// What C_GetAttributeValue does instead of what the standard requires.
    var answerAttributes: ((ScriptedFunctions, inout [Request]) -> ReturnValue)?
    /// The calls of C_GetAttributeValue, as they came.
    private(set) var attributeCalls: [[Request]] = []

    /// What the calls of one list function, C_Sign or C_Decrypt do, in their order. The last one is
    /// repeated.
    var replies: [Reply] = []
    /// How often such a function was called.
    private(set) var calls = 0
    /// How often a search was ended.
    private(set) var endedSearches = 0

    let functions: FunctionTable
    private let list: UnsafeMutablePointer<CK_FUNCTION_LIST>

    init() {
        let list = UnsafeMutablePointer<CK_FUNCTION_LIST>.allocate(capacity: 1)
        unsafe list.initialize(to: CK_FUNCTION_LIST())
        unsafe self.list = unsafe list
        functions = unsafe FunctionTable(list)
        unsafe list.pointee.C_GetAttributeValue = { session, _, attributes, count in
            unsafe ScriptedFunctions.at(session).getAttributeValue(attributes, count)
        }
        unsafe list.pointee.C_GetMechanismList = { slot, numbers, count in
            unsafe ScriptedFunctions.at(slot).reply(numbers, count) { $0 }
        }
        unsafe list.pointee.C_FindObjectsInit = { _, _, _ in ReturnValue.ok.rawValue }
        unsafe list.pointee.C_FindObjects = { session, objects, most, count in
            unsafe count?.pointee = most
            return unsafe ScriptedFunctions.at(session).reply(objects, count) { $0 }
        }
        unsafe list.pointee.C_FindObjectsFinal = { session in
            ScriptedFunctions.at(session).endedSearches += 1
            return ReturnValue.ok.rawValue
        }
        unsafe list.pointee.C_Sign = { session, _, _, bytes, count in
            unsafe ScriptedFunctions.at(session).reply(bytes, count) {
                UInt8(truncatingIfNeeded: $0)
            }
        }
        unsafe list.pointee.C_Decrypt = { session, _, _, bytes, count in
            unsafe ScriptedFunctions.at(session).reply(bytes, count) {
                UInt8(truncatingIfNeeded: $0)
            }
        }
    }

    deinit {
        unsafe list.deinitialize(count: 1)
        unsafe list.deallocate()
    }

    /// The session or slot of this object.
    var handle: UInt { unsafe UInt(bitPattern: Unmanaged.passUnretained(self).toOpaque()) }

    /// Reads attributes of the object.
    func read(_ types: [AttributeType]) throws(CryptokiError) -> Attributes {
        defer { withExtendedLifetime(self) {} }
        return try functions.attributes(handle, ObjectHandle(rawValue: 1), types)
    }

    /// Answers as C_GetAttributeValue has to (PKCS#11 v2.40, section 5.7).
    func answerByStandard(_ requests: inout [Request]) -> ReturnValue {
        var returned = ReturnValue.ok
        for index in requests.indices {
            guard let value = values[requests[index].type] else {
                requests[index].length = Self.unavailable
                returned = .attributeTypeInvalid
                continue
            }
            if let capacity = requests[index].capacity, capacity < value.count {
                requests[index].length = Self.unavailable
                returned = .bufferTooSmall
                continue
            }
            requests[index].bytes = value
            requests[index].length = UInt(value.count)
        }
        return returned
    }

    // MARK: The C functions

    private static func at(_ handle: UInt) -> ScriptedFunctions {
        guard let place = unsafe UnsafeRawPointer(bitPattern: handle) else {
            preconditionFailure("the handle is zero")
        }
        return unsafe Unmanaged<ScriptedFunctions>.fromOpaque(place).takeUnretainedValue()
    }

    @unsafe private func getAttributeValue(
        _ attributes: UnsafeMutablePointer<CK_ATTRIBUTE>?, _ count: UInt
    ) -> UInt {
        guard let attributes = unsafe attributes else { return ReturnValue.argumentsBad.rawValue }
        var requests: [Request] = []
        for index in 0..<Int(count) {
            let attribute = unsafe attributes[index]
            let length = unsafe attribute.ulValueLen
            let isSized = unsafe attribute.pValue != nil
            requests.append(
                Request(
                    type: AttributeType(rawValue: unsafe attribute.type),
                    capacity: isSized ? Int(length) : nil, length: length))
        }
        attributeCalls.append(requests)
        let returned = answerAttributes?(self, &requests) ?? answerByStandard(&requests)
        for index in 0..<Int(count) {
            let request = requests[index]
            unsafe attributes[index].ulValueLen = request.length
            guard let place = unsafe attributes[index].pValue else { continue }
            for (offset, byte) in request.bytes.prefix(request.capacity ?? 0).enumerated() {
                unsafe place.storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
            }
        }
        return returned.rawValue
    }

    @unsafe private func reply<Element>(
        _ place: UnsafeMutablePointer<Element>?, _ count: UnsafeMutablePointer<UInt>?,
        _ element: (UInt) -> Element
    ) -> UInt {
        guard let count = unsafe count, let last = replies.last else {
            return ReturnValue.argumentsBad.rawValue
        }
        let reply = calls < replies.count ? replies[calls] : last
        calls += 1
        let most = unsafe count.pointee
        if let place = unsafe place {
            for (index, number) in reply.numbers.prefix(Int(most)).enumerated() {
                unsafe place[index] = element(number)
            }
        }
        unsafe count.pointee = reply.count
        return reply.returned.rawValue
    }
}
