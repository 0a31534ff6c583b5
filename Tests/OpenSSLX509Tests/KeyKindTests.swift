import Testing
import TokencertTestAuthority

@testable import OpenSSLX509

/// The kinds of key, their names and their signatures.
@Suite struct KeyKindTests {
    @Test("Each kind is found by its name, in upper or lower case")
    func names() {
        let names = [
            "rsa:2048", "rsa:3072", "rsa:4096", "ec:p256", "ec:p384", "ec:p521", "ed25519",
        ]
        #expect(KeyKind.generated.map(\.name) == names)
        for (name, kind) in zip(names, KeyKind.generated) {
            #expect(KeyKind(name: name) == kind && KeyKind(name: name.uppercased()) == kind)
        }
        // Sizes that are not offered are refused later, with the reason.
        #expect(KeyKind(name: "rsa:1024") == .rsa(bits: 1024))
        #expect(KeyKind(name: "RSA:1") == .rsa(bits: 1))
    }

    @Test("Any other text is not the name of a kind")
    func unknownNames() {
        for name in [
            "", "rsa", "rsa:", "rsa:0", "rsa:-2048", "rsa:+2048", "rsa: 2048", "rsa:2048 ",
            "rsa:2048.0",
            "rsa:2k", "rsa:99999999999999999999", "rsa2048", " rsa:2048", "ec", "ec:", "ec:p-256",
            "ec:p224", "ec:secp256k1", "p256", "P-256", "ed448", "ed25519 ", "ed25519:", "RSA 2048",
            "1.3.101.112",
        ] {
            #expect(KeyKind(name: name) == nil, "\(name)")
        }
    }

    @Test("A kind is shown with its usual name")
    func descriptions() {
        let kinds: [(KeyKind, String)] = [
            (.rsa(bits: 3072), "RSA 3072"), (.ec(.p256), "EC P-256"), (.ec(.p521), "EC P-521"),
            (.ed25519, "Ed25519"), (.other("1.2.3"), "1.2.3"),
        ]
        for (kind, text) in kinds { #expect(kind.description == text) }
        #expect(KeyKind.other("1.2.3").name == "1.2.3")
    }

    // The identifiers and lengths come from RFC 5480 and SEC 2.
    @Test("A curve has its object identifier, its ECParameters and the length of a coordinate")
    func curves() {
        let curves: [(NamedCurve, [UInt8], Int)] = [
            (.p256, [6, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7], 32),
            (.p384, [6, 5, 0x2B, 0x81, 4, 0, 0x22], 48),
            (.p521, [6, 5, 0x2B, 0x81, 4, 0, 0x23], 66),
        ]
        for (curve, parameters, length) in curves {
            #expect(curve.ecParameters == parameters && curve.coordinateLength == length)
            #expect(NamedCurve(ecParameters: parameters) == curve)
            for wrong in [parameters + [0], Array(parameters.dropLast()), [], [5, 0], [0x30, 0]] {
                #expect(NamedCurve(ecParameters: wrong) == nil, "\(wrong)")
            }
        }
    }

    // CAs refuse a key of 2047 bits.
    @Test("The size of an RSA key is that of its modulus without leading zeros")
    func rsaBits() {
        let zeros = [UInt8](repeating: 0, count: 255)
        let moduli: [([UInt8], Int)] = [
            ([0x80] + zeros, 2048), ([0xFF] + zeros, 2048), ([0x7F] + zeros, 2047),
            ([0x01] + zeros, 2041), ([0, 0, 0x80] + zeros, 2048), ([0x80] + zeros + zeros, 4088),
            ([3], 2), ([1], 1),
        ]
        for (modulus, bits) in moduli {
            let key = PublicKey(rsaModulus: modulus, publicExponent: [1, 0, 1])
            #expect(key.kind == .rsa(bits: bits), "\(bits)")
            #expect(key.rsaNumbers?.modulus == Array(modulus.drop { $0 == 0 }))
            #expect(key.rsaNumbers?.publicExponent == [1, 0, 1])
        }
    }

    // A token may return empty attributes.
    @Test("An RSA key without numbers cannot sign, but has a key identifier")
    func emptyRSA() {
        let key = PublicKey(rsaModulus: [], publicExponent: [])
        #expect(SignatureAlgorithm(for: key.kind) == nil)
        #expect(
            key.keyIdentifier.count == 20 && key == PublicKey(rsaModulus: [0], publicExponent: []))
    }

    @Test("An Ed25519 key is read with or without a wrapper, and with each name of its curve")
    func ed25519() throws {
        let point: [UInt8] = Array(1...32)
        let names: [[UInt8]] = [
            [0x13, 12] + Array("edwards25519".utf8), [6, 3, 0x2B, 0x65, 0x70],
            [6, 9, 0x2B, 6, 1, 4, 1, 0xDA, 0x47, 15, 1],
        ]
        #expect(PublicKey.ed25519PrintableName == names[0])
        let wrong: [[UInt8]] = [
            [], Array(point.dropLast()), point + [0], [4, 31] + Array(point.dropLast()),
            [4, 33] + point + [0], [3, 33, 1] + point, [3, 32] + point, [4, 32] + point + [0],
            [5, 32] + point,
        ]
        for name in names {
            for form in [point, [4, 32] + point, [3, 33, 0] + point] {
                let key = try PublicKey(ecParameters: name, point: form)
                #expect(key.kind == .ed25519)
                let info: [UInt8] = [0x30, 0x2A, 0x30, 5, 6, 3, 0x2B, 0x65, 0x70, 3, 33, 0] + point
                #expect(key.subjectPublicKeyInfo == info)
            }
            for form in wrong {
                let error = #expect(throws: X509Error.self, "\(form)") {
                    _ = try PublicKey(ecParameters: name, point: form)
                }
                #expect(error?.code == .malformed)
            }
        }
    }

    @Test("An unknown curve is unsupported, whatever the point")
    func unknownCurves() {
        for parameters: [UInt8] in [
            [], [5, 0], [6, 5, 0x2B, 0x81, 4, 0, 10], [6, 3, 0x2B, 0x65, 0x71],
            [0x13, 10] + Array("edwards448".utf8), [0x13, 12] + Array("Edwards25519".utf8),
            Array("edwards25519".utf8), [0x30, 0], [0x30, 3, 2, 1, 1],
        ] {
            let error = #expect(throws: X509Error.self, "\(parameters)") {
                _ = try PublicKey(ecParameters: parameters, point: [UInt8](repeating: 1, count: 32))
            }
            #expect(error?.code == .unsupported, "\(parameters)")
        }
    }

    // MARK: Signatures

    // Otherwise the CA refuses the request.
    @Test("Each kind signs with a hash of its strength and the identifier from its RFC")
    func algorithms() {
        // RFC 4055 requires NULL; RFC 5758 and RFC 8410 require absent parameters.
        let ecdsa: [UInt8] = [0x30, 10, 6, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3]
        let rsa: [UInt8] = [
            0x30, 13, 6, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 11, 5, 0,
        ]
        let cases: [(KeyKind, SignatureAlgorithm, Digest?, [UInt8])] = [
            (.rsa(bits: 2048), .sha256WithRSAEncryption, .sha256, rsa),
            (.rsa(bits: 8192), .sha256WithRSAEncryption, .sha256, rsa),
            (.ec(.p256), .ecdsaWithSHA256, .sha256, ecdsa + [2]),
            (.ec(.p384), .ecdsaWithSHA384, .sha384, ecdsa + [3]),
            (.ec(.p521), .ecdsaWithSHA512, .sha512, ecdsa + [4]),
            (.ed25519, .ed25519, nil, [0x30, 5, 6, 3, 0x2B, 0x65, 0x70]),
        ]
        for (kind, algorithm, digest, identifier) in cases {
            #expect(SignatureAlgorithm(for: kind) == algorithm, "\(kind)")
            #expect(algorithm.digest == digest && algorithm.algorithmIdentifier == identifier)
        }
        #expect(SignatureAlgorithm(for: .other("1.2.3")) == nil)
    }

    @Test("Both halves of an ECDSA signature become unsigned numbers, whatever their first bits")
    func ecdsa() throws {
        let cases: [([UInt8], [UInt8])] = [
            ([1, 2], [0x30, 6, 2, 1, 1, 2, 1, 2]), ([0, 0], [0x30, 6, 2, 1, 0, 2, 1, 0]),
            ([0x80, 0x7F], [0x30, 7, 2, 2, 0, 0x80, 2, 1, 0x7F]),
            ([0, 0x80, 0, 1], [0x30, 7, 2, 2, 0, 0x80, 2, 1, 1]),
            ([0x7F, 0xFF, 0xFF, 0x7F], [0x30, 9, 2, 2, 0x7F, 0xFF, 2, 3, 0, 0xFF, 0x7F]),
        ]
        for (concatenation, der) in cases {
            #expect(try SignatureForm.ecdsaDER(fromConcatenation: concatenation) == der)
        }
        // A P-521 signature has more than 127 bytes.
        let half: [UInt8] = [1] + [UInt8](repeating: 0xFF, count: 65)
        let expected: [UInt8] = [0x30, 0x81, 0x88, 2, 66] + half + [2, 66] + half
        #expect(try SignatureForm.ecdsaDER(fromConcatenation: half + half) == expected)
        for count in [0, 1, 63, 131] {
            let error = #expect(throws: X509Error.self, "\(count)") {
                let bytes = [UInt8](repeating: 1, count: count)
                _ = try SignatureForm.ecdsaDER(fromConcatenation: bytes)
            }
            #expect(error?.code == .malformed)
        }
    }

    @Test("A signature survives the conversion to a token's format and back, and verifies")
    func roundTrip() throws {
        let message = Array("challenge".utf8)
        for curve in NamedCurve.allCases {
            let key = try HostPrivateKey.generate(.ec(curve))
            let signature = try key.sign(message)
            let numbers = try #require(DER.readWhole(0x30, signature))
            let r = try #require(DER.read(numbers[...]))
            let s = try #require(DER.read(r.rest))
            let halves = [r, s].flatMap { number -> [UInt8] in
                let digits = Array(number.content.drop { $0 == 0 })
                return [UInt8](repeating: 0, count: curve.coordinateLength - digits.count) + digits
            }
            let again = try SignatureForm.ecdsaDER(fromConcatenation: halves)
            #expect(again == signature)
            try key.publicKey.verify(again, over: message, key.signatureAlgorithm)
            let swapped = try SignatureForm.ecdsaDER(
                fromConcatenation: Array(halves.suffix(halves.count / 2))
                    + halves.prefix(halves.count / 2))
            for wrong in [swapped, halves, [], signature + [0]] {
                let error = #expect(throws: X509Error.self) {
                    try key.publicKey.verify(wrong, over: message, key.signatureAlgorithm)
                }
                #expect(error?.code == .badSignature)
            }
        }
    }

    // RFC 8017, section 9.2, requires at least eight bytes FF.
    @Test("The block for a token without padding has the size of the modulus")
    func padding() throws {
        let hash = Digest.sha256.hash(Array("message".utf8))
        let info = SignatureForm.digestInfo(sha256: hash)
        #expect(info.count == 51 && info.suffix(32).elementsEqual(hash))
        for length in [62, 63, 256, 384] {
            let key = PublicKey(
                rsaModulus: [UInt8](repeating: 0xC3, count: length), publicExponent: [1, 0, 1])
            let block = try SignatureForm.paddedDigestInfo(sha256: hash, for: key)
            let filling = [UInt8](repeating: 0xFF, count: length - 54)
            #expect(block == [0, 1] + filling + [0] + info, "\(length)")
        }
        let short = PublicKey(
            rsaModulus: [UInt8](repeating: 0xC3, count: 61), publicExponent: [1, 0, 1])
        let curve = try HostPrivateKey.generate(.ec(.p256)).publicKey
        for key in [short, curve, PublicKey(rsaModulus: [], publicExponent: [])] {
            let error = #expect(throws: X509Error.self) {
                _ = try SignatureForm.paddedDigestInfo(sha256: hash, for: key)
            }
            #expect(error?.code == .unsupported)
        }
    }

    @Test("Only an RSA key encrypts a challenge, and only one that is short enough")
    func encryption() throws {
        let key = PublicKey(
            rsaModulus: [UInt8](repeating: 0xC3, count: 256), publicExponent: [1, 0, 1])
        for count in [1, 245] {
            let message = [UInt8](repeating: 1, count: count)
            let encrypted = try key.encrypt(message)
            #expect(encrypted.count == 256)
            // The padding is random.
            #expect(try key.encrypt(message) != encrypted)
        }
        let long = #expect(throws: X509Error.self) {
            _ = try key.encrypt([UInt8](repeating: 1, count: 246))
        }
        #expect(long?.code == .failed)
        let curve = try HostPrivateKey.generate(.ec(.p256)).publicKey
        let other = #expect(throws: X509Error.self) { _ = try curve.encrypt([1]) }
        #expect(other?.code == .unsupported && other?.context.contains("EC P-256") == true)
    }
}
