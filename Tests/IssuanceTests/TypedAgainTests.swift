import Synchronization
import Testing
import TokencertPlatform

@testable import Cryptoki
@testable import TokencertIssuance

/// PINs that the user types again after the token refused one. A PIN that is sent twice costs two
/// tries.
@Suite struct TypedAgainTests {
    private final class Answers: Sendable {
        let typed: Mutex<[String]>
        init(_ typed: [String]) { self.typed = Mutex(typed) }

        func next() -> Secret? {
            let text = typed.withLock { $0.isEmpty ? nil : $0.removeFirst() }
            guard let text else { return nil }
            return Secret(copying: Array(text.utf8))
        }
    }

    private struct Login: Equatable {
        let pins: [String]
        let isIn: Bool

        init(_ pins: [String], _ isIn: Bool) {
            self.pins = pins
            self.isIn = isIn
        }
    }

    // Otherwise a wrong PIN is recorded as right, and lent to other programs.
    @Test("A PIN that was not checked, since the user was logged in already, is not accepted")
    func alreadyLoggedIn() throws {
        let outcomes = Mutex<[PINOutcome]>([])
        let pins = TokenPINs(
            of: [.user], user: Secret(copying: Array("any".utf8)),
            watch: PINWatch(
                willSend: { _ in nil },
                didSend: { _, outcome in outcomes.withLock { $0.append(outcome) } }))
        for isProof in [false, true] {
            let isOurs = try pins.send(.user, at: .plan, proving: \.self) { _ in isProof }
            #expect(isOurs == isProof && pins.wasAccepted(.user) == isProof)
        }
        #expect(outcomes.withLock { $0 } == [.unknown, .accepted])
        // A PIN that was accepted before stays accepted.
        _ = try pins.send(.user, at: .plan, proving: \.self) { _ in false }
        #expect(pins.wasAccepted(.user) && outcomes.withLock { $0.count } == 2)
    }

    /// The PINs that are sent to a token with the PIN "right", and whether the login succeeds.
    private func sent(
        _ first: String, _ typed: [String], returning value: ReturnValue = .pinIncorrect
    ) -> Login {
        let answers = Answers(typed)
        let pins = TokenPINs(
            of: [.user], user: Secret(copying: Array(first.utf8)),
            watch: PINWatch(
                willSend: { _ in nil }, didSend: { _, _ in }, nextPIN: { _ in answers.next() }))
        var all: [String] = []
        do {
            try pins.send(.user, at: .plan) { pin in
                let text = pin.withBytes { bytes in
                    var copy: [UInt8] = []
                    for index in bytes.indices { copy.append(bytes[index]) }
                    return String(decoding: copy, as: UTF8.self)
                }
                all.append(text)
                guard text == "right" else {
                    throw CryptokiError(.returned, function: "C_Login", returnValue: value)
                }
            }
            // Later calls use the PIN that was accepted.
            try pins.lend(.user, at: .plan) { pin in #expect(pin.count == 5) }
            return Login(all, true)
        } catch {
            return Login(all, false)
        }
    }

    @Test("A PIN that is typed after a refusal is sent, until none is typed")
    func again() {
        #expect(sent("right", ["wrong"]) == Login(["right"], true))
        #expect(sent("wrong", ["right"]) == Login(["wrong", "right"], true))
        #expect(sent("wrong", ["other", "right"]) == Login(["wrong", "other", "right"], true))
        #expect(sent("wrong", []) == Login(["wrong"], false))
    }

    @Test("A PIN that the token refused is never sent again")
    func refused() {
        #expect(sent("wrong", ["wrong", "right"]) == Login(["wrong"], false))
        #expect(sent("wrong", ["other", "wrong"]) == Login(["wrong", "other"], false))
        #expect(sent("wrong", ["other", "other"]) == Login(["wrong", "other"], false))
    }

    @Test("A locked or expired PIN cannot be typed again")
    func otherReasons() {
        for value: ReturnValue in [.pinLocked, .pinExpired, .pinLenRange, .deviceRemoved] {
            #expect(
                sent("wrong", ["right"], returning: value) == Login(["wrong"], false), "\(value)")
        }
    }
}
