import OpenSSLX509
import Testing
import TokencertLedger
import TokencertTestAuthority
import TokencertTestSupport

@testable import Cryptoki
@testable import TokencertIssuance
@testable import TokencertTokens

/// The choice of the key, as far as it does not need a token.
@Suite struct KeyPlanTests {
    private func token(_ mechanisms: MechanismType...) -> DescribedToken {
        DescribedToken(mechanisms: Set(mechanisms))
    }

    /// A token that generates RSA keys of some sizes only.
    private func making(_ least: Int, _ most: Int) -> DescribedToken {
        DescribedToken(keySizes: [.rsaPKCSKeyPairGen: least...most])
    }

    /// The kind of key that is generated, or the error.
    private enum Choice: Equatable {
        case kind(KeyKind)
        case refused(IssuanceError.Code)
    }

    private func choice(
        _ wanted: KeyKind?, _ token: DescribedToken, _ acceptance: KeyAcceptance
    ) -> Choice {
        do throws(IssuanceError) {
            return .kind(try newKeyKind(wanted, token, acceptance))
        } catch {
            return .refused(error.code)
        }
    }

    // Otherwise the CA would refuse the key, or it would be weaker than necessary.
    @Test("A new key has a kind that both the token and the CA support")
    func kinds() {
        let none = KeyAcceptance(rsa: false, ec: false, ed25519: false)
        let ecOnly = KeyAcceptance(rsa: false, ec: true, ed25519: false)
        let all = DescribedToken()
        let rsaOnly = token(.rsaPKCSKeyPairGen, .sha256RSAPKCS)
        let curvesOnly = token(.ecKeyPairGen, .ecdsa)
        let (small, large) = (KeyKind.rsa(bits: 2048), KeyKind.rsa(bits: 3072))
        let cases: [(KeyKind?, DescribedToken, KeyAcceptance, Choice)] = [
            // By default, the largest RSA key that the token generates.
            (nil, all, .cacert, .kind(large)), (nil, all, .anything, .kind(large)),
            (nil, making(1024, 2048), .cacert, .kind(small)),
            (nil, making(2048, 3071), .cacert, .kind(small)),
            (nil, making(3072, 4096), .cacert, .kind(large)),
            (nil, making(512, 1024), .cacert, .refused(.tokenUnsuitable)),
            (nil, making(4096, 4096), .cacert, .refused(.tokenUnsuitable)),
            (nil, rsaOnly, .cacert, .kind(large)),
            // An elliptic curve key is generated only on request.
            (nil, curvesOnly, .anything, .refused(.tokenUnsuitable)),
            (nil, all, ecOnly, .refused(.keyNotAccepted)),
            (nil, all, none, .refused(.keyNotAccepted)),
            // A requested kind.
            (small, all, .cacert, .kind(small)), (large, all, .cacert, .kind(large)),
            (.rsa(bits: 4096), all, .cacert, .kind(.rsa(bits: 4096))),
            (.rsa(bits: 1024), all, .anything, .refused(.keyNotAccepted)),
            (.rsa(bits: 2047), all, .cacert, .refused(.keyNotAccepted)),
            (.ec(.p256), all, .cacert, .refused(.keyNotAccepted)),
            (.ed25519, all, .cacert, .refused(.keyNotAccepted)),
            (.ec(.p256), all, .anything, .kind(.ec(.p256))),
            (.ec(.p521), curvesOnly, ecOnly, .kind(.ec(.p521))),
            (.ed25519, all, .anything, .kind(.ed25519)),
            (.ed25519, all, ecOnly, .refused(.keyNotAccepted)),
            (small, all, ecOnly, .refused(.keyNotAccepted)),
            (.ec(.p256), rsaOnly, .anything, .refused(.tokenUnsuitable)),
            (large, curvesOnly, .cacert, .refused(.tokenUnsuitable)),
            (large, making(1024, 2048), .cacert, .refused(.tokenUnsuitable)),
            (.other("1.2.3"), all, .anything, .refused(.keyNotAccepted)),
        ]
        for (index, (wanted, token, acceptance, expected)) in cases.enumerated() {
            #expect(choice(wanted, token, acceptance) == expected, "case \(index)")
        }
    }

    @Test("A token that cannot generate keys is refused in the plan, with an alternative")
    func instead() throws {
        let token = DescribedToken.with {
            $0.generates = .nobody
            $0.instead = "another module"
        }
        for wanted in [nil, KeyKind.rsa(bits: 2048)] {
            let error = try #require(throws: IssuanceError.self) {
                _ = try newKeyKind(wanted, token, .cacert)
            }
            #expect(error.code == .tokenUnsuitable && error.step == .plan)
            #expect(error.choices == ["another module"])
            #expect(error.reason == token.missingSupport(for: .rsa(bits: 2048)))
        }
    }

    // MARK: Ids

    private let card = DescribedToken.with {
        $0.places = [
            TokenProfile.Place(id: "03", name: "first"),
            TokenProfile.Place(id: "01", name: "second", isOffered: false),
            TokenProfile.Place(id: "02", name: "third", isOffered: true),
        ]
        $0.showsAllKeysSince = "5.30"
    }

    // Otherwise a key would be generated in a place that the token does not have.
    @Test("An id is refused if the token has fixed places and none has this id")
    func places() throws {
        for id in [[3], [1], [2]] as [[UInt8]] { try requirePlace(id, card) }
        for id in [[4], [], [0, 3], [3, 0]] as [[UInt8]] {
            let error = try #require(throws: IssuanceError.self) { try requirePlace(id, card) }
            #expect(error.code == .noSuchPlace && error.step == .plan)
            #expect(error.choices == ["03 (first)", "01 (second)", "02 (third)"])
            try requirePlace(id, DescribedToken())
        }
    }

    @Test("A new key gets one of the offered places, in order")
    func offered() throws {
        var token = card
        for firmware in ["5.30", "5.31", "6.0"] {
            token.firmwareVersion = firmware
            #expect(try offeredIDs(token) == [[3], [2]], "\(firmware)")
        }
        #expect(try offeredIDs(DescribedToken()) == nil)
    }

    @Test("No place is chosen for a new key if the token may hide other keys")
    func unknownPlaces() throws {
        var token = card
        token.firmwareVersion = "5.29"
        let error = try #require(throws: IssuanceError.self) { _ = try offeredIDs(token) }
        #expect(error.code == .noSuchPlace && error.step == .plan)
        #expect(error.choices == ["03 (first)", "01 (second)", "02 (third)"])
        #expect(error.reason == token.reasonPlacesAreUnknown)
        // A place that the user names is used.
        try requirePlace([2], token)
    }

    // MARK: Labels

    @Test("A new key has the given label, that of the replaced key, or the default")
    func labels() throws {
        let key = try HostPrivateKey.generate(.ec(.p256))
        let old = try key.issue(
            CertificateContent(
                subject: [.init(.commonName, "Anna")], publicKey: key.publicKey,
                serialNumber: [1], notBefore: 0, notAfter: 86_400, extensions: []), issuer: nil)
        let replacement = TokencertIssuance.Replacement(old, isRetired: false, isForced: false)
        func label(_ bytes: [UInt8]?, _ replacement: TokencertIssuance.Replacement? = nil) -> String
        {
            var request = IssuanceRequest()
            request.labelBytes = bytes
            request.replacement = replacement
            return switch request.labelOfNewKey(default: "mail") {
            case .given(let label): "given \(hexadecimal(label))"
            case .chosen(let label): "chosen \(text(ofLabel: label))"
            case .shared(let label): "shared \(hexadecimal(label))"
            }
        }
        #expect(label(nil) == "chosen mail")
        #expect(label([0xFF]) == "given ff")
        #expect(label([]) == "shared ")
        #expect(label([0xFF], replacement) == "shared ff")
        #expect(label([], replacement) == "shared ")
        #expect(label(nil, replacement) == "chosen mail")
    }

    @Test("A remark appears only if a key does not have the default label")
    func remarks() {
        let (mail, second) = (Array("mail".utf8), Array("mail 2".utf8))
        #expect(NewKeyLabel.chosen(mail).remarks(on: mail).isEmpty)
        #expect(NewKeyLabel.given(mail).remarks(on: second).isEmpty)
        #expect(NewKeyLabel.shared(mail).remarks(on: second).isEmpty)
        #expect(
            NewKeyLabel.chosen(mail).remarks(on: second) == [
                "another key on the token has the label \"mail\", so the new key has the label "
                    + "\"mail 2\""
            ])
    }

    // Otherwise two keys could not be distinguished by their labels.
    @Test("A label in use gets the first free number")
    func numbers() {
        func number(_ name: String, _ taken: String...) -> String {
            // One object has no label.
            var labels: Set<[UInt8]?> = [nil]
            for label in taken { labels.insert(Array(label.utf8)) }
            return text(ofLabel: numbered(Array(name.utf8), avoiding: labels))
        }
        #expect(number("mail") == "mail")
        #expect(number("mail", "Mail", "mail 2", "mail ") == "mail")
        #expect(number("mail", "mail") == "mail 2")
        #expect(number("mail", "mail", "mail 3") == "mail 2")
        #expect(number("mail", "mail", "mail 2", "mail 3") == "mail 4")
        #expect(number("mail 2", "mail 2") == "mail 2 2")
        #expect(number("", "") == " 2")
        #expect(number("mail", "mail", "mail 02", "mail2") == "mail 2")
        // Bytes that are not UTF-8 are unchanged.
        #expect(numbered([0xFF], avoiding: [[0xFF]]) == [0xFF, 0x20, 0x32])
    }

    // MARK: Orders

    private func beginning(
        _ newKeyKind: String?, id: String, on token: String = "pkcs11:token=work"
    ) -> OrderEvent.Beginning {
        let key: OrderEvent.Key =
            newKeyKind.map { .new(kind: $0) } ?? .existing(publicKeyHash: "aa")
        return .example(.issue(.example(key)), on: token, id: id)
    }

    // Otherwise an order would continue with a different key.
    @Test("An order continues with the key that its first event names")
    func fromBeginning() throws {
        for kind in KeyKind.generated {
            guard case .generate(let new) = try KeyPlan(beginning(kind.name, id: "01ff")) else {
                Testing.Issue.record("no new key: \(kind)")
                continue
            }
            #expect(new == NewKey(kind: kind, id: [1, 0xFF], label: Array("mail".utf8)))
        }
        for (newKeyKind, id) in [(nil, "01ff"), (nil, ""), ("dsa:1024", "01ff")]
            as [(String?, String)]
        {
            guard case .existing(let uri, let hash) = try KeyPlan(beginning(newKeyKind, id: id))
            else {
                Testing.Issue.record("a new key: \(id)")
                continue
            }
            #expect(hash == (newKeyKind == nil ? "aa" : nil))
            let object = uri.objectAttributes
            #expect(uri.tokenLabel == "work" && object[.class] == .privateKey)
            #expect(object[.label] == "mail" && object[.id] == (id.isEmpty ? nil : [1, 0xFF]))
        }
    }

    @Test("An order without a token URI is refused")
    func noToken() throws {
        let beginning = beginning(nil, id: "01", on: "work")
        let error = try #require(throws: IssuanceError.self) { _ = try KeyPlan(beginning) }
        #expect(error.code == .noSuchObject && error.step == .plan)
    }

    @Test("A key is generated only if the plan has a new one")
    func operations() throws {
        #expect(KeyPlan.generate(NewKey(kind: .ed25519, id: [1], label: [])).makesKey)
        #expect(try !KeyPlan(beginning(nil, id: "01")).makesKey)
    }

    // Otherwise the user would enter a needless PIN, or the job would stop half-way.
    @Test("A job performs only the operations that it needs")
    func jobs() {
        for (job, operations) in [
            (.look, [.read]), (.certify(newKey: false), [.read, .sign, .write]),
            (.certify(newKey: true), [.read, .generate, .sign, .write]),
            (.request(newKey: false), [.read, .sign]),
            (.request(newKey: true), [.read, .generate, .sign]), (.evidence, [.read, .sign]),
            (.remove(onlyCertificates: true), [.read, .write]),
            (.remove(onlyCertificates: false), [.read, .generate, .write]),
            (.probe, Set(TokenOperation.allCases)),
        ] as [(Set<TokenOperation>, Set<TokenOperation>)] {
            #expect(job == operations)
        }
    }
}
