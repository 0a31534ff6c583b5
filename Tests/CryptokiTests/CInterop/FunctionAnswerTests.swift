import Testing

@testable import Cryptoki

/// Lists, searches, signatures and messages from a module that may return wrong counts.
@Suite struct FunctionAnswerTests {
    private typealias Reply = ScriptedFunctions.Reply

    private func scripted(_ replies: Reply...) -> ScriptedFunctions {
        let module = ScriptedFunctions()
        module.replies = replies
        return module
    }

    private let mechanism = Mechanism(.ecdsa)

    // MARK: Lists

    private func mechanisms(_ module: ScriptedFunctions) throws(CryptokiError) -> [UInt] {
        defer { withExtendedLifetime(module) {} }
        return try module.functions.mechanismList(module.handle)
    }

    @Test("A list contains the numbers that the second call returns")
    func lists() throws {
        let plain = scripted(.count(3), .numbers([1, 2, 3]))
        #expect(try mechanisms(plain) == [1, 2, 3])
        let shrunk = scripted(.count(3), .numbers([7]))
        #expect(try mechanisms(shrunk) == [7])
        let empty = scripted(.count(0))
        #expect(try mechanisms(empty).isEmpty && empty.calls == 1)
        let emptied = scripted(.count(2), .count(0))
        #expect(try mechanisms(emptied).isEmpty)
    }

    // Otherwise plugging in a reader between the two calls would make the program fail.
    @Test("A list that grows between the two calls is read again a limited number of times")
    func growing() throws {
        let grown = scripted(
            .count(1), .count(2, .bufferTooSmall), .count(2), .numbers([4, 5]))
        #expect(try mechanisms(grown) == [4, 5])
        let endless = ScriptedFunctions()
        endless.replies = (1...100).flatMap { (count: UInt) -> [Reply] in
            [.count(count), .count(count + 1, .bufferTooSmall)]
        }
        let error = #expect(throws: CryptokiError.self) { _ = try mechanisms(endless) }
        #expect(error?.code == .malformedAnswer && error?.function == "C_GetMechanismList")
        #expect(endless.calls < 50)
    }

    // Otherwise the program would exhaust memory or read beyond the buffer.
    @Test("A count that is impossible or exceeds the announced one is an error")
    func impossibleCounts() throws {
        for count in [(1 << 16) + 1, UInt(Int.max), ScriptedFunctions.unavailable] as [UInt] {
            let module = scripted(.count(count))
            let error = #expect(throws: CryptokiError.self) { _ = try mechanisms(module) }
            #expect(error?.code == .malformedAnswer, "\(count)")
            #expect(module.calls == 1, "\(count)")
        }
        for count in [3, ScriptedFunctions.unavailable] {
            let module = scripted(.count(2), Reply(numbers: [1, 2], count: count))
            let error = #expect(throws: CryptokiError.self) { _ = try mechanisms(module) }
            #expect(error?.code == .malformedAnswer, "\(count)")
        }
        let largest = [UInt](repeating: 9, count: 1 << 16)
        #expect(try mechanisms(scripted(.count(1 << 16), .numbers(largest))) == largest)
    }

    @Test("If either call fails, the error has its return value")
    func refusals() throws {
        for module in [
            scripted(.count(0, .deviceRemoved)), scripted(.count(1), .count(1, .deviceRemoved)),
        ] {
            let error = #expect(throws: CryptokiError.self) { _ = try mechanisms(module) }
            #expect(error?.code == .returned && error?.returnValue == .deviceRemoved)
        }
    }

    @Test("The error for a missing function names the function")
    func missing() throws {
        let module = scripted(.count(0))
        defer { withExtendedLifetime(module) {} }
        for (name, call) in [
            ("C_GetSlotList", { _ = try module.functions.slotList(tokenPresent: true) }),
            ("C_CloseSession", { try module.functions.closeSession(1) }),
            ("C_CreateObject", { _ = try module.functions.createObject(1, Template()) }),
            ("C_DestroyObject", { try module.functions.destroyObject(1, .init(rawValue: 1)) }),
        ] as [(String, () throws -> Void)] {
            let error = #expect(throws: CryptokiError.self, "\(name)") { try call() }
            #expect(error?.code == .functionMissing && error?.function == name)
            #expect(error?.description == "the module has no \(name)")
        }
        #expect(module.functions.provided == [.sign])
    }

    // MARK: Searches

    private func find(_ module: ScriptedFunctions) throws(CryptokiError) -> [UInt] {
        defer { withExtendedLifetime(module) {} }
        return try module.functions.findObjects(module.handle, Template()).map(\.rawValue)
    }

    @Test("A search returns each object once, in the module's order")
    func searches() throws {
        let module = scripted(
            .numbers([5, 3]), .numbers([9]), .numbers([3, 1]), .numbers([]))
        #expect(try find(module) == [5, 3, 9, 1])
        #expect(module.endedSearches == 1)
        #expect(try find(scripted(.count(0))).isEmpty)
    }

    // Otherwise every later search in the session would fail.
    @Test("A search is ended even if it fails")
    func endedSearches() throws {
        let refused = scripted(.numbers([1]), .count(0, .deviceError))
        let error = #expect(throws: CryptokiError.self) { _ = try find(refused) }
        #expect(error?.returnValue == .deviceError && error?.function == "C_FindObjects")
        #expect(refused.endedSearches == 1)
        for count in [513, ScriptedFunctions.unavailable] {
            let module = scripted(.count(count))
            let error = #expect(throws: CryptokiError.self) { _ = try find(module) }
            #expect(error?.code == .malformedAnswer && module.endedSearches == 1, "\(count)")
        }
    }

    @Test("A search that returns the same objects repeatedly ends with an error")
    func endlessSearch() throws {
        let module = scripted(.numbers([1, 2, 3]))
        let error = #expect(throws: CryptokiError.self) { _ = try find(module) }
        #expect(error?.code == .malformedAnswer && error?.function == "C_FindObjects")
        #expect(module.endedSearches == 1)
    }

    // MARK: Signatures and messages

    private func sign(_ module: ScriptedFunctions) throws(CryptokiError) -> [UInt8] {
        defer { withExtendedLifetime(module) {} }
        return try module.functions.sign(module.handle, [1, 2], mechanism)
    }

    @Test("A signature of any valid length is read whole")
    func signatures() throws {
        #expect(try sign(scripted(.numbers([1, 2, 3]))) == [1, 2, 3])
        let long = (0..<2000).map { UInt($0 & 0xFF) }
        let module = scripted(.count(2000, .bufferTooSmall), .numbers(long))
        #expect(try sign(module) == long.map { UInt8($0) })
        #expect(module.calls == 2)
    }

    @Test("A signature of an impossible length is an error")
    func impossibleSignatures() throws {
        for count in [1025, UInt(Int.max), ScriptedFunctions.unavailable] {
            let error = #expect(throws: CryptokiError.self, "\(count)") {
                _ = try sign(scripted(.count(count)))
            }
            #expect(error?.code == .malformedAnswer)
        }
        // The module reports a buffer that is too small repeatedly, or for no reason.
        for replies: [Reply] in [
            [.count(2000, .bufferTooSmall), .count(3000, .bufferTooSmall)],
            [.count(100, .bufferTooSmall)], [.count(1 << 20, .bufferTooSmall)],
            [.count(ScriptedFunctions.unavailable, .bufferTooSmall)],
        ] {
            let module = ScriptedFunctions()
            module.replies = replies
            #expect(throws: CryptokiError.self) { _ = try sign(module) }
            #expect(module.calls <= 2)
        }
        let refused = #expect(throws: CryptokiError.self) {
            _ = try sign(scripted(.count(0, .userNotLoggedIn)))
        }
        #expect(refused?.returnValue == .userNotLoggedIn && refused?.context == "CKM_ECDSA")
    }

    @Test("A message longer than its ciphertext is an error")
    func messages() throws {
        func decrypt(_ length: Int, _ reply: Reply) throws(CryptokiError) -> [UInt8] {
            let module = scripted(reply)
            defer { withExtendedLifetime(module) {} }
            return try module.functions.decrypt(
                module.handle, [UInt8](repeating: 0, count: length), mechanism)
        }
        #expect(try decrypt(4, .numbers([1, 2, 3, 4])) == [1, 2, 3, 4])
        #expect(try decrypt(4, .numbers([1])) == [1])
        #expect(try decrypt(4, .numbers([])).isEmpty)
        for count in [5, ScriptedFunctions.unavailable] {
            let error = #expect(throws: CryptokiError.self, "\(count)") {
                _ = try decrypt(4, .count(count))
            }
            #expect(error?.code == .malformedAnswer)
        }
    }
}
