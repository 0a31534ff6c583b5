import Testing
import TokencertPlatform

@testable import TokencertIssuance

/// The reasons for weak PINs, and the limits of the rules.
@Suite struct WeakPINReasonTests {
    private func reason(_ bytes: [UInt8]) -> String? { reasonPINIsWeak(Secret(copying: bytes)) }

    private func reason(_ text: String) -> String? { reason(Array(text.utf8)) }

    @Test("The reason for a default PIN takes precedence over its pattern")
    func precedence() {
        for known in ["123456", "0000", "654321", "11111111", "password"] {
            #expect(reason(known) == "a factory default", "\(known)")
        }
        #expect(reason("1111") == "too easy to guess: one character repeated")
        #expect(reason("2345") == "too easy to guess: digits in order")
        #expect(reason("bcde") == "too easy to guess: characters in order")
        #expect(reason("5432") == "too easy to guess: digits in order")
    }

    // A PIN that differs in one byte from a default PIN must not be refused for that reason.
    @Test("Only an exact match counts as a default PIN")
    func wholePIN() {
        for other in ["6482190", "648218", "Password", "passwor", "0001passwor", "1234a"] {
            #expect(reason(other) == nil, "\(other)")
        }
    }

    @Test("A PIN of at most one character is weak, and so are two equal or adjacent ones")
    func short() {
        for weak in ["", "7"] {
            #expect(reason(weak) == "too easy to guess: one character repeated", "\(weak)")
        }
        #expect(reason("77") == "too easy to guess: one character repeated")
        #expect(reason("78") == "too easy to guess: digits in order")
        #expect(reason("87") == "too easy to guess: digits in order")
        #expect(reason("79") == nil && reason("97") == nil)
    }

    @Test("A sequence does not wrap around from the last byte and has steps of one")
    func steps() {
        #expect(reason([254, 255, 0, 1]) == nil)
        #expect(reason([252, 253, 254, 255]) == "too easy to guess: characters in order")
        #expect(reason("2468") == nil && reason("8901") == nil && reason("1232") == nil)
    }
}
