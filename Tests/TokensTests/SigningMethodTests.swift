import Cryptoki
import OpenSSLX509
import Testing

@testable import TokencertTokens

/// How a token creates the signature that X.509 requires.
@Suite struct SigningMethodTests {
    private static let message: [UInt8] = [1, 2, 3]
    private static let key = PublicKey(
        rsaModulus: [UInt8](repeating: 0xC1, count: 256), publicExponent: [1, 0, 1])

    private func method(_ mechanism: MechanismType, _ kind: KeyKind) throws -> SigningMethod {
        let method = SigningMethod.methods(for: kind).first { $0.mechanism == mechanism }
        return try #require(method, "\(mechanism), \(kind)")
    }

    // Otherwise more than necessary is done outside the token, or a mechanism is not tried.
    @Test("Each kind of key has its methods in the order of preference")
    func order() {
        let cases: [(KeyKind, [MechanismType])] = [
            (.rsa(bits: 2048), [.sha256RSAPKCS, .rsaPKCS, .rsaX509]),
            (.rsa(bits: 4096), [.sha256RSAPKCS, .rsaPKCS, .rsaX509]),
            (.ec(.p256), [.ecdsa, .ecdsaSHA256]), (.ec(.p384), [.ecdsa, .ecdsaSHA384]),
            (.ec(.p521), [.ecdsa, .ecdsaSHA512]), (.ed25519, [.eddsa]), (.other("1.2.3"), []),
        ]
        for (kind, mechanisms) in cases {
            #expect(SigningMethod.methods(for: kind).map(\.mechanism) == mechanisms, "\(kind)")
        }
    }

    // Otherwise the wrong bytes are signed.
    @Test("A mechanism that hashes gets the message, and any other one the RSA input")
    func rsaInput() throws {
        let kind = KeyKind.rsa(bits: 2048)
        let hash = Digest.sha256.hash(Self.message)
        // DigestInfo for SHA-256: RFC 8017, section 9.2, note 1.
        let start = try #require(bytes(hexadecimal: "3031300d060960864801650304020105000420"))
        let whole = try method(.sha256RSAPKCS, kind).input(Self.message, Self.key)
        #expect(whole == Self.message)
        let info = try method(.rsaPKCS, kind).input(Self.message, Self.key)
        #expect(info == start + hash)
        let block = try method(.rsaX509, kind).input(Self.message, Self.key)
        #expect(block.count == 256 && Array(block.prefix(2)) == [0, 1])
        #expect(Array(block.suffix(52)) == [0] + start + hash)
        #expect(block.dropFirst(2).dropLast(52).allSatisfy { $0 == 0xFF })
        for mechanism in [MechanismType.sha256RSAPKCS, .rsaPKCS, .rsaX509] {
            let output = try method(mechanism, kind).output([7, 8, 9])
            #expect(output == [7, 8, 9], "\(mechanism)")
        }
    }

    @Test("A key that is too short for the padding is refused")
    func shortKey() throws {
        let method = try method(.rsaX509, .rsa(bits: 2048))
        // 51 bytes of DigestInfo and 11 of padding.
        for (count, isLongEnough) in [(61, false), (62, true)] {
            let key = PublicKey(
                rsaModulus: [UInt8](repeating: 0xC1, count: count), publicExponent: [1, 0, 1])
            let input = try? method.input(Self.message, key)
            #expect((input != nil) == isLongEnough, "\(count)")
        }
    }

    @Test("An ECDSA key signs the hash of its curve's strength, or the message if the token hashes")
    func ecdsaInput() throws {
        let cases: [(NamedCurve, MechanismType, Digest)] = [
            (.p256, .ecdsaSHA256, .sha256), (.p384, .ecdsaSHA384, .sha384),
            (.p521, .ecdsaSHA512, .sha512),
        ]
        #expect(cases.count == NamedCurve.allCases.count)
        for (curve, hashing, digest) in cases {
            let hash = try method(.ecdsa, .ec(curve)).input(Self.message, Self.key)
            #expect(hash == digest.hash(Self.message), "\(curve)")
            let whole = try method(hashing, .ec(curve)).input(Self.message, Self.key)
            #expect(whole == Self.message, "\(curve)")
            for mechanism in [MechanismType.ecdsa, hashing] {
                let method = try method(mechanism, .ec(curve))
                // Two numbers of one byte each: DER requires a zero before 0x80.
                let output = try method.output([0x01, 0x80])
                #expect(output == [0x30, 7, 2, 1, 1, 2, 2, 0, 0x80], "\(curve), \(mechanism)")
                for signature in [[], [1], [1, 2, 3]] as [[UInt8]] {
                    #expect(throws: X509Error.self, "\(curve), \(mechanism), \(signature)") {
                        _ = try method.output(signature)
                    }
                }
            }
        }
    }

    @Test("Ed25519 signs the message, and its signature is not converted")
    func ed25519() throws {
        let method = try method(.eddsa, .ed25519)
        let input = try method.input(Self.message, Self.key)
        let output = try method.output([9, 8])
        #expect(input == Self.message && output == [9, 8])
    }
}
