import Testing
import TokencertPlatform

@testable import TokencertIssuance

@Suite struct WeakPINTests {
    private func isWeak(_ text: String) -> Bool {
        reasonPINIsWeak(Secret(copying: Array(text.utf8))) != nil
    }

    // Otherwise the finder of a token could guess the PIN at the first try.
    @Test(
        "A default PIN, a repeated character and a sequence are weak",
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
