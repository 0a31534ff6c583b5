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
            #expect(reason(known) == "it is a factory default", "\(known)")
        }
        #expect(reason("1111") == "it repeats one character")
        #expect(reason("2345") == "its characters are consecutive")
        #expect(reason("5432") == "its characters are consecutive")
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
            #expect(reason(weak) == "it repeats one character", "\(weak)")
        }
        #expect(reason("77") == "it repeats one character")
        #expect(reason("78") == "its characters are consecutive")
        #expect(reason("87") == "its characters are consecutive")
        #expect(reason("79") == nil && reason("97") == nil)
    }

    @Test("A sequence does not wrap around from the last byte and has steps of one")
    func steps() {
        #expect(reason([254, 255, 0, 1]) == nil)
        #expect(reason([252, 253, 254, 255]) == "its characters are consecutive")
        #expect(reason("2468") == nil && reason("8901") == nil && reason("1232") == nil)
    }
}
