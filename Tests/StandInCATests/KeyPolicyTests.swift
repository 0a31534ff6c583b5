import Testing
import TokencertTestSupport

@testable import TokencertStandInCA

/// The keys that the stand-in accepts. If it accepts other keys than CAcert, tests do not notice a
/// key that CAcert refuses.
@Suite struct KeyPolicyTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    /// The output of OpenSSL for an RSA key.
    private static func rsa(_ bits: Int, _ exponent: String = "65537 (0x10001)") -> String {
        """
        Certificate Request:
            Data:
                Subject: CN = ignored
                Subject Public Key Info:
                    Public Key Algorithm: rsaEncryption
                        Public-Key: (\(bits) bit)
                        Modulus:
                            00:c1:02
                        Exponent: \(exponent)
        Modulus=C102
        """
    }

    private static func key(_ algorithm: String) -> String {
        "    Public Key Algorithm: \(algorithm)\n        Public-Key: (256 bit)\n"
    }

    private func verdict(
        _ text: String, acceptingCurves: Bool = false, weakKeys: Set<String>? = []
    ) throws -> KeyPolicy.Verdict {
        let key = try #require(RequestedKey(text))
        let policy = KeyPolicy(acceptsEllipticCurves: acceptingCurves, weakKeys: weakKeys)
        return try policy.verdict(key, in: WorkFolder(in: folder.path))
    }

    @Test("An RSA key needs at least 2048 bits and an exponent of at least 65537")
    func bounds() throws {
        for (bits, exponent, expected) in [
            (2048, "65537 (0x10001)", .accepted), (2047, "65537 (0x10001)", .refused(.small)),
            (1024, "65537 (0x10001)", .refused(.small)), (0, "65537 (0x10001)", .refused(.small)),
            (4096, "65537 (0x10001)", .accepted), (2048, "65536 (0x10000)", .refused(.exponent)),
            (2048, "3 (0x3)", .refused(.exponent)), (2048, "1 (0x1)", .refused(.exponent)),
            (2048, "65539 (0x10003)", .accepted),
            (2048, "18446744073709551615 (0xffffffffffffffff)", .accepted),
            // More than 64 bits.
            (2048, "18446744073709551616 (0x1)", .refused(.failed)), (2048, "", .refused(.failed)),
        ] as [(Int, String, KeyPolicy.Verdict)] {
            #expect(try verdict(Self.rsa(bits, exponent)) == expected, "\(bits), \(exponent)")
        }
    }

    @Test("The size is checked before the list of weak keys, and the exponent after it")
    func order() throws {
        let small = try verdict(Self.rsa(1024, "3 (0x3)"), weakKeys: nil)
        #expect(small == .refused(.small))
        let undecided = try verdict(Self.rsa(2048, "3 (0x3)"), weakKeys: nil)
        #expect(undecided == .serverError)
        #expect(try verdict(Self.rsa(2048), weakKeys: nil) == .serverError)
    }

    @Test("Keys other than RSA are refused, unless elliptic curves are enabled")
    func otherKeys() throws {
        for algorithm in ["id-ecPublicKey", "ED25519", "rsassaPss", "dsaEncryption", "ED448"] {
            let isOnCurve = ["id-ecPublicKey", "ED25519"].contains(algorithm)
            let refused = try verdict(Self.key(algorithm))
            #expect(refused == .refused(.unrecognized), "\(algorithm)")
            // The list of weak keys applies only to RSA keys.
            let onRequest = try verdict(
                Self.key(algorithm), acceptingCurves: true, weakKeys: nil)
            #expect(
                onRequest == (isOnCurve ? .accepted : .refused(.unrecognized)), "\(algorithm)")
        }
        #expect(try verdict(Self.rsa(2047), acceptingCurves: true) == .refused(.small))
    }

    @Test("OpenSSL's output for a key is read, and other text is rejected")
    func reading() throws {
        let key = try #require(RequestedKey(Self.rsa(3072)))
        #expect(key.algorithm == "rsaEncryption" && key.bits == 3072 && key.exponent == 65537)
        #expect(key.modulusLine == "Modulus=C102")
        let edwards = try #require(
            RequestedKey("Public Key Algorithm: ED25519\nED25519 Public-Key:"))
        #expect(edwards.bits == nil && edwards.exponent == nil && edwards.modulusLine.isEmpty)
        for text in [
            "", "Public-Key: (2048 bit)\nModulus=C102", "Subject: Public Key Algorithm: x",
        ] {
            #expect(RequestedKey(text)?.algorithm == nil, "\(text)")
        }
        // The first line of each kind is used.
        let twice = try #require(RequestedKey(Self.rsa(1024) + "\n" + Self.rsa(4096)))
        #expect(twice.bits == 1024)
    }

    @Test("Every refusal begins with 403 in every language")
    func texts() {
        let all: [KeyText] = [.noRequest, .unrecognized, .small, .weak, .exponent, .failed]
        let languages: [KeyText.Language] = [.english, .german]
        for language in languages {
            let texts = all.map { $0.answer(in: language) }
            #expect(texts.allSatisfy { $0.hasPrefix("403, ") && !$0.contains("\n") })
            #expect(Set(texts).count == all.count)
        }
        #expect(all.allSatisfy { $0.answer(in: .english) != $0.answer(in: .german) })
    }
}
