import Testing
import TokencertPlatform

@testable import TokencertIssuance

@Suite struct WeakPINTests {
    private func isWeak(_ text: String) -> Bool {
        reasonPINIsWeak(Secret(copying: Array(text.utf8))) != nil
    }

    // A token that is found would be open to the first guess.
    @Test(
        "A PIN that tokens come with, that repeats one character or only counts is weak",
        arguments: [
            "123456", "12345678", "0000", "9999", "aaaaaaaa", "3456", "9876", "87654321", "abcd",
            "648219", "3537363231383830", "password",
        ])
    func weak(pin: String) {
        #expect(isWeak(pin))
    }

    @Test("Other PINs are not weak", arguments: ["31415926", "1357", "1223", "12345677", "0001"])
    func strong(pin: String) {
        #expect(!isWeak(pin))
    }
}
