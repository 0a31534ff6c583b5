import Testing
import TokencertTestSupport

@testable import TokencertStandInCA

/// The keys that the stand-in accepts. If it accepts keys that CAcert refuses, tests do not notice
/// such a key.
@Suite struct KeyPolicyTests {
    private static func rsa(_ bits: Int, _ exponent: UInt64? = 65537) -> RequestedKey {
        RequestedKey(algorithm: "rsaEncryption", bits: bits, exponent: exponent, modulus: "C102")
    }

    private static func key(_ algorithm: String) -> RequestedKey {
        RequestedKey(algorithm: algorithm, bits: 256, exponent: nil, modulus: nil)
    }

    private func verdict(
        _ key: RequestedKey, acceptingCurves: Bool = false, weakKeys: Set<String>? = []
    ) -> KeyPolicy.Verdict {
        KeyPolicy(acceptsEllipticCurves: acceptingCurves, weakKeys: weakKeys).verdict(key)
    }

    @Test("An RSA key needs at least 2048 bits and an exponent of at least 65537")
    func bounds() {
        for (bits, exponent, expected) in [
            (2048, 65537, .accepted), (2047, 65537, .refused(.small)),
            (1024, 65537, .refused(.small)), (0, 65537, .refused(.small)),
            (4096, 65537, .accepted), (2048, 65536, .refused(.exponent)),
            (2048, 3, .refused(.exponent)), (2048, 1, .refused(.exponent)),
            (2048, 65539, .accepted), (2048, .max, .accepted),
            // More than 64 bits.
            (2048, nil, .refused(.failed)),
        ] as [(Int, UInt64?, KeyPolicy.Verdict)] {
            #expect(
                verdict(Self.rsa(bits, exponent)) == expected,
                "\(bits), \(String(describing: exponent))")
        }
    }

    @Test("The size is checked before the list of weak keys, and the exponent after it")
    func order() {
        let small = verdict(Self.rsa(1024, 3), weakKeys: nil)
        #expect(small == .refused(.small))
        let undecided = verdict(Self.rsa(2048, 3), weakKeys: nil)
        #expect(undecided == .serverError)
        #expect(verdict(Self.rsa(2048), weakKeys: nil) == .serverError)
    }

    @Test("Keys other than RSA are refused, unless elliptic curves are enabled")
    func otherKeys() {
        for algorithm in ["id-ecPublicKey", "ED25519", "rsassaPss", "dsaEncryption", "ED448"] {
            let isOnCurve = ["id-ecPublicKey", "ED25519"].contains(algorithm)
            let refused = verdict(Self.key(algorithm))
            #expect(refused == .refused(.unrecognized), "\(algorithm)")
            // The list of weak keys applies only to RSA keys.
            let onRequest = verdict(
                Self.key(algorithm), acceptingCurves: true, weakKeys: nil)
            #expect(
                onRequest == (isOnCurve ? .accepted : .refused(.unrecognized)), "\(algorithm)")
        }
        #expect(verdict(Self.rsa(2047), acceptingCurves: true) == .refused(.small))
    }

    @Test("A key in the list of weak keys is refused after its size is checked")
    func weakKeys() {
        // printf 'Modulus=C102\n' | sha1sum
        let weak = "6d227b8e091f22ee5378ee6fbf0ba2eeaea54ef8"
        #expect(Self.rsa(2048).weakKeyHash == weak)
        let list = [String(weak.suffix(20))] as Set
        #expect(verdict(Self.rsa(2048, 3), weakKeys: list) == .refused(.weak))
        #expect(verdict(Self.rsa(1024), weakKeys: list) == .refused(.small))
        #expect(verdict(Self.rsa(2048), weakKeys: ["0123456789abcdef0123"]) == .accepted)
        #expect(Self.key("ED25519").weakKeyHash == nil)
    }

    @Test("The key of a request is read with OpenSSL's names")
    func reading() throws {
        for (key, algorithm, bits, exponent) in [
            (["RSA", "-pkeyopt", "rsa_keygen_bits:3072"], "rsaEncryption", 3072, 65537),
            (["RSA", "-pkeyopt", "rsa_keygen_pubexp:3"], "rsaEncryption", 2048, 3),
            (
                ["RSA", "-pkeyopt", "rsa_keygen_pubexp:18446744073709551617"], "rsaEncryption",
                2048, nil
            ),
            (["RSA-PSS"], "rsassaPss", 2048, 65537), (["ED25519"], "ED25519", 256, nil),
            (["EC", "-pkeyopt", "ec_paramgen_curve:P-384"], "id-ecPublicKey", 384, nil),
        ] as [([String], String, Int, UInt64?)] {
            let folder = try TemporaryFolder()
            let file = folder.file("key.pem")
            let made = try run("openssl", ["genpkey", "-algorithm"] + key + ["-out", file])
            try #require(made.status == 0, "\(made.errors)")
            let pem = try run("openssl", ["req", "-new", "-key", file, "-subj", "/CN=x"]).output
            let read = try CertificateRequest(pem: Array(pem.utf8)).key
            #expect(read.algorithm == algorithm && read.bits == bits, "\(key)")
            #expect(read.exponent == exponent, "\(key)")
            guard algorithm == "rsaEncryption" else { continue }
            let modulus = try run("openssl", ["rsa", "-in", file, "-noout", "-modulus"]).output
            #expect("Modulus=\(try #require(read.modulus))\n" == modulus, "\(key)")
        }
    }

    @Test("A NUL before the end of a request makes it unreadable, as in a file")
    func zeros() throws {
        let folder = try TemporaryFolder()
        try run("openssl", ["genpkey", "-algorithm", "ED25519", "-out", folder.file("key.pem")])
        let pem = try run(
            "openssl", ["req", "-new", "-key", folder.file("key.pem"), "-subj", "/CN=x"]
        ).output
        for (text, isReadable) in [
            (pem, true), ("text\n" + pem, true), (pem + "\0", true), ("\0\n" + pem, false),
            (pem.replacing("\n", with: "\0\n"), false), (pem.replacing("E", with: "F"), false),
        ] {
            switch ReadRequest(Array(text.utf8)) {
            case .request: #expect(isReadable, "\(text)")
            case .unreadable, .notPEM: #expect(!isReadable, "\(text)")
            }
        }
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
