package import TokencertPlatform

/// The reason to reject a new PIN, or nil: it is a factory default or easily guessed.
package func reasonPINIsWeak(_ pin: borrowing Secret) -> String? {
    let isKnown = pin.withBytes { bytes in
        factoryPINs.contains { known in
            let known = Array(known.utf8)
            guard known.count == bytes.count else { return false }
            var differences: UInt8 = 0
            for index in bytes.indices { differences |= bytes[index] ^ known[index] }
            return differences == 0
        }
    }
    if isKnown { return "a factory default" }
    let steps = pin.withBytes { bytes -> Set<Int> in
        var steps: Set<Int> = []
        for index in bytes.indices.dropFirst() {
            steps.insert(Int(bytes[index]) - Int(bytes[index - 1]))
        }
        return steps
    }
    if steps.isEmpty || steps == [0] { return "too easy to guess: one character repeated" }
    guard steps == [1] || steps == [-1] else { return nil }
    let isNumber = pin.withBytes { bytes in
        for index in bytes.indices where !(0x30...0x39).contains(bytes[index]) { return false }
        return true
    }
    return "too easy to guess: \(isNumber ? "digits" : "characters") in order"
}

/// PINs, PUKs and management keys that are factory defaults.
private let factoryPINs = [
    // Smartcards, YubiKey's PIV and OpenPGP, Nitrokey.
    "123456", "12345678", "1234", "0000", "000000", "00000000", "654321",
    // SmartCard-HSM.
    "648219", "3537363231383830",
    // YubiKey's PIV management key; YubiHSM 2's password with its key's number.
    "010203040506070801020304050607080102030405060708", "0001password",
    // Feitian, SafeNet, Gemalto.
    "1234567890", "0123456789", "password", "11111111", "222222",
]
