import CTokencertP11Kit

@testable import Cryptoki

/// A function table whose results a test defines. No module is loaded.
///
/// The session handle and the slot number are the address of this object.
@safe final class ScriptedFunctions {
    /// One attribute in a call to C_GetAttributeValue.
    struct Request {
        let type: AttributeType
        /// The size of the buffer; nil for a null pointer.
        let capacity: Int?
        /// The bytes to write to the buffer, cut to its size.
        var bytes: [UInt8] = []
        /// The length to return.
        var length: UInt
    }

    /// The result of one call to a function that returns a list or bytes.
    struct Reply {
        var returned = ReturnValue.ok
        /// The numbers or bytes to write, cut to the size of the buffer.
        var numbers: [UInt] = []
        /// The count to return.
        var count: UInt

        static func count(_ count: UInt, _ returned: ReturnValue = .ok) -> Reply {
            Reply(returned: returned, count: count)
        }

        static func numbers(_ numbers: [UInt]) -> Reply {
            Reply(numbers: numbers, count: UInt(numbers.count))
        }
    }

    /// `CK_UNAVAILABLE_INFORMATION`.
    static let unavailable = UInt.max

    /// The attributes of the object.
    var values: [AttributeType: [UInt8]] = [:]
    /// Replaces the standard behaviour of C_GetAttributeValue.
    var answerAttributes: ((ScriptedFunctions, inout [Request]) -> ReturnValue)?
    /// The calls to C_GetAttributeValue, in order.
    private(set) var attributeCalls: [[Request]] = []

    /// The results of successive calls to a list function, C_Sign or C_Decrypt. The last one
    /// repeats.
    var replies: [Reply] = []
    /// The number of calls that used ``replies``.
    private(set) var calls = 0
    /// The number of calls to C_FindObjectsFinal.
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

    /// The session handle and slot number.
    var handle: UInt { unsafe UInt(bitPattern: Unmanaged.passUnretained(self).toOpaque()) }

    func read(_ types: [AttributeType]) throws(CryptokiError) -> Attributes {
        defer { withExtendedLifetime(self) {} }
        return try functions.attributes(handle, ObjectHandle(rawValue: 1), types)
    }

    /// Behaves as the standard requires of C_GetAttributeValue (PKCS#11 v2.40, section 5.7).
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
