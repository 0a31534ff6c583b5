import OpenSSLX509
import Testing

@testable import Cryptoki
@testable import TokencertIssuance
@testable import TokencertTokens

/// The kind of a key that is generated in place of an older one.
@Suite struct NewKeyKindTests {
    /// The kind of key that is generated, or the error.
    private enum Choice: Equatable {
        case kind(KeyKind)
        case refused(IssuanceError.Code)
    }

    private func choice(
        _ old: KeyKind, _ preferred: KeyKind?, _ token: DescribedToken,
        _ acceptance: KeyAcceptance
    ) -> Choice {
        do throws(IssuanceError) {
            return .kind(
                try newKeyKind(atLeast: old, preferring: preferred, token, acceptance))
        } catch {
            return .refused(error.code)
        }
    }

    private static func token(_ mechanisms: Set<MechanismType>) -> DescribedToken {
        DescribedToken(mechanisms: mechanisms)
    }

    private static let rsaMechanisms: Set<MechanismType> = [.rsaPKCSKeyPairGen, .sha256RSAPKCS]
    private static let ecMechanisms: Set<MechanismType> = [.ecKeyPairGen, .ecdsa]
    private static let edwardsMechanisms: Set<MechanismType> = [.ecEdwardsKeyPairGen, .eddsa]

    private static let (small, usual, large) = (
        KeyKind.rsa(bits: 2048), KeyKind.rsa(bits: 3072), KeyKind.rsa(bits: 4096)
    )

    @Test("A new key has the preferred kind, the default or the old kind, and is not weaker")
    func kinds() {
        let all = DescribedToken()
        let upTo2048 = DescribedToken(keySizes: [.rsaPKCSKeyPairGen: 1024...2048])
        let curves = Self.token(Self.ecMechanisms)
        let nothing = Self.token([])
        let ecOnly = KeyAcceptance(rsa: false, ec: true, ed25519: false)
        let none = KeyAcceptance(rsa: false, ec: false, ed25519: false)
        let (small, usual, large) = (Self.small, Self.usual, Self.large)
        let cases: [(KeyKind, KeyKind?, DescribedToken, KeyAcceptance, Choice)] = [
            // The default is used if it is stronger, otherwise the kind stays the same.
            (small, nil, all, .cacert, .kind(usual)), (usual, nil, all, .cacert, .kind(usual)),
            (large, nil, all, .cacert, .kind(large)),
            (.rsa(bits: 1024), nil, all, .cacert, .kind(usual)),
            (.rsa(bits: 1024), nil, upTo2048, .cacert, .kind(small)),
            (.ec(.p256), nil, all, .anything, .kind(.ec(.p256))),
            (.ec(.p521), nil, all, .anything, .kind(.ec(.p521))),
            (.ed25519, nil, all, .anything, .kind(.ed25519)),
            (.other("1.2.3"), nil, all, .anything, .kind(usual)),
            // A preferred kind is used unless it is weaker.
            (small, large, all, .cacert, .kind(large)), (small, small, all, .cacert, .kind(small)),
            (usual, small, all, .cacert, .kind(usual)),
            (large, small, all, .cacert, .kind(large)),
            (large, .ec(.p256), all, .anything, .kind(.ec(.p256))),
            (.ec(.p384), .ec(.p256), all, .anything, .kind(.ec(.p384))),
            (small, .ec(.p256), all, .cacert, .refused(.keyNotAccepted)),
            (small, large, upTo2048, .cacert, .refused(.tokenUnsuitable)),
            // If the token or the CA does not support the old kind, one as strong is used.
            (.ec(.p256), nil, all, .cacert, .kind(usual)),
            (small, nil, all, ecOnly, .kind(.ec(.p256))),
            (usual, nil, curves, .anything, .kind(.ec(.p256))),
            (.ec(.p384), nil, all, .cacert, .refused(.keyTooWeak)),
            (usual, nil, upTo2048, .cacert, .refused(.keyTooWeak)),
            (usual, small, upTo2048, .cacert, .refused(.keyTooWeak)),
            (small, nil, all, none, .refused(.keyNotAccepted)),
            (small, nil, nothing, .cacert, .refused(.tokenUnsuitable)),
        ]
        for (index, (old, preferred, token, acceptance, expected)) in cases.enumerated() {
            #expect(choice(old, preferred, token, acceptance) == expected, "case \(index)")
        }
    }

    @Test("If only weaker kinds are possible, the error lists them")
    func choices() throws {
        let token = DescribedToken(keySizes: [.rsaPKCSKeyPairGen: 1024...3072])
        let error = try #require(throws: IssuanceError.self) {
            _ = try newKeyKind(atLeast: Self.large, preferring: nil, token, .cacert)
        }
        #expect(error.code == .keyTooWeak && error.step == .plan)
        #expect(error.choices == ["rsa:2048", "rsa:3072"])
        #expect(error.reason.contains("RSA 4096"), "\(error.reason)")
    }

    /// Tokens with each set of mechanisms and several sizes of RSA keys.
    private static var tokens: [DescribedToken] {
        let sizes: [ClosedRange<Int>?] = [nil, 1024...2048, 2048...3072, 4096...4096]
        return (0..<8).flatMap { number in
            var mechanisms: Set<MechanismType> = []
            for (bit, part) in [rsaMechanisms, ecMechanisms, edwardsMechanisms].enumerated()
            where number & (1 << bit) != 0 {
                mechanisms.formUnion(part)
            }
            return sizes.map { range in
                var token = Self.token(mechanisms)
                if let range { token.keySizes = [.rsaPKCSKeyPairGen: range] }
                return token
            }
        }
    }

    private static var acceptances: [KeyAcceptance] {
        (0..<8).map { number in
            KeyAcceptance(rsa: number & 1 != 0, ec: number & 2 != 0, ed25519: number & 4 != 0)
        }
    }

    // Otherwise an unattended renewal would make a key that is easier to break.
    @Test("For each old key, token and CA, the new key is possible and not weaker, or none is")
    func neverWeaker() {
        let olds = KeyKind.generated + [.rsa(bits: 1024), .rsa(bits: 8192), .other("1.2.3")]
        let preferences: [KeyKind?] = [nil, Self.small, .ec(.p384)]
        var wrong: [String] = []
        for token in Self.tokens {
            for acceptance in Self.acceptances {
                func isPossible(_ kind: KeyKind) -> Bool {
                    acceptance.contains(kind) && token.missingSupport(for: kind) == nil
                }
                for old in olds {
                    for preferred in preferences {
                        let isRight: Bool
                        switch choice(old, preferred, token, acceptance) {
                        case .kind(let kind):
                            isRight = isPossible(kind) && !kind.isWeaker(than: old)
                        case .refused:
                            // A preferred kind that is strong enough has no substitute.
                            let isPreferred = preferred.map { !$0.isWeaker(than: old) } ?? false
                            isRight =
                                isPreferred
                                || (KeyKind.generated + [old]).allSatisfy {
                                    $0.isWeaker(than: old) || !isPossible($0)
                                }
                        }
                        if !isRight { wrong.append("\(old), \(acceptance), \(token)") }
                    }
                }
            }
        }
        #expect(wrong.isEmpty, "\(wrong.count): \(wrong.first ?? "")")
    }

    @Test("RSA keys are compared by size, others by the strength in NIST SP 800-57")
    func strengths() {
        let rising: [[KeyKind]] = [
            [.other("1.2.3")], [.rsa(bits: 1024)], [Self.small],
            [Self.usual, .ec(.p256), .ed25519], [.rsa(bits: 7680), .ec(.p384)],
            [.rsa(bits: 15360), .ec(.p521)],
        ]
        for (index, kinds) in rising.enumerated() {
            for (otherIndex, others) in rising.enumerated() {
                for kind in kinds {
                    for other in others {
                        #expect(
                            kind.isWeaker(than: other) == (index < otherIndex),
                            "\(kind), \(other)")
                    }
                }
            }
        }
        #expect(Self.usual.isWeaker(than: Self.large) && !Self.large.isWeaker(than: .ec(.p256)))
    }
}
