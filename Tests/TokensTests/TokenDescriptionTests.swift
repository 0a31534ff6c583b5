import OpenSSLX509
import Testing
import TokencertTestAuthority

@testable import Cryptoki
@testable import TokencertTokens

/// A token with the properties that a test sets.
private struct DescribedToken: TokenDescription {
    var info = TokenInfo.with()
    var moduleInfo = ModuleInfo.with()
    var profile: TokenProfile?
    var mechanisms: Set<MechanismType> = everyMechanism
    var keySizes: [MechanismType: ClosedRange<Int>] = [:]
    var missingFunctions: Set<CryptokiFunction> = []

    func provides(_ function: CryptokiFunction) -> Bool { !missingFunctions.contains(function) }

    /// A token with a profile for all tokens.
    static func with(_ change: (inout TokenProfile) -> Void) -> DescribedToken {
        var profile = TokenProfile(name: "a", title: "The token", tested: "", match: .all)
        change(&profile)
        return DescribedToken(profile: profile)
    }

    /// A token with some mechanisms.
    static func having(_ mechanisms: MechanismType...) -> DescribedToken {
        DescribedToken(mechanisms: Set(mechanisms))
    }

    /// A token that reports the key sizes of a mechanism.
    static func making(
        _ sizes: ClosedRange<Int>, with mechanism: MechanismType
    ) -> DescribedToken {
        DescribedToken(keySizes: [mechanism: sizes])
    }
}

extension TokenInfo {
    fileprivate static func with(
        label: String = "label", manufacturer: String = "token maker", model: String = "model",
        firmwareVersion: String = "1.0", freePublicMemory: Int? = nil
    ) -> TokenInfo {
        TokenInfo(
            label: label, labelBytes: Array(label.utf8), manufacturer: manufacturer, model: model,
            serialNumber: "1", flags: [], pinLengths: 4...8, freePublicMemory: freePublicMemory,
            freePrivateMemory: nil, hardwareVersion: "1.0", firmwareVersion: firmwareVersion)
    }
}

extension ModuleInfo {
    fileprivate static func with(
        manufacturer: String = "module maker", libraryDescription: String = "library",
        libraryVersion: String = "1.0"
    ) -> ModuleInfo {
        ModuleInfo(
            cryptokiVersion: "2.40", manufacturer: manufacturer,
            libraryDescription: libraryDescription, libraryVersion: libraryVersion)
    }
}

private let generators: Set<MechanismType> = [
    .rsaPKCSKeyPairGen, .ecKeyPairGen, .ecEdwardsKeyPairGen,
]
private let everyMechanism = generators.union([
    .sha256RSAPKCS, .rsaPKCS, .rsaX509, .ecdsa, .ecdsaSHA256, .ecdsaSHA384, .ecdsaSHA512, .eddsa,
])
private let rsaKinds: [KeyKind] = [.rsa(bits: 2048), .rsa(bits: 3072), .rsa(bits: 4096)]
private let ecKinds: [KeyKind] = [.ec(.p256), .ec(.p384), .ec(.p521)]

/// What a token can do, according to its own information, its module and its profile.
@Suite struct TokenDescriptionTests {
    // MARK: Kinds of keys

    // Otherwise a key is generated that cannot sign, or a supported kind is refused.
    @Test("A token supports the kinds of keys that it both generates and signs with")
    func keyKinds() {
        let cases: [(DescribedToken, [KeyKind])] = [
            (DescribedToken(), KeyKind.generated), (.having(), []),
            (.having(.rsaPKCSKeyPairGen, .sha256RSAPKCS), rsaKinds),
            (.having(.rsaPKCSKeyPairGen, .rsaPKCS), rsaKinds),
            (.having(.rsaPKCSKeyPairGen, .rsaX509), rsaKinds),
            (.having(.ecKeyPairGen, .ecdsa), ecKinds),
            // A mechanism that hashes is used only for the curve of the same strength.
            (.having(.ecKeyPairGen, .ecdsaSHA256), [.ec(.p256)]),
            (.having(.ecKeyPairGen, .ecdsaSHA384), [.ec(.p384)]),
            (.having(.ecKeyPairGen, .ecdsaSHA512), [.ec(.p521)]),
            (.having(.ecEdwardsKeyPairGen, .eddsa), [.ed25519]),
            (.having(.rsaPKCSKeyPairGen, .ecdsa, .eddsa), []),
            (.having(.ecKeyPairGen, .sha256RSAPKCS, .eddsa), []),
            (.having(.ecEdwardsKeyPairGen, .ecdsa, .rsaPKCS), []),
            (DescribedToken(mechanisms: generators), []),
            (DescribedToken(mechanisms: everyMechanism.subtracting(generators)), []),
        ]
        for (token, kinds) in cases {
            #expect(token.keyKinds == kinds, "\(token.mechanisms)")
        }
    }

    @Test("A token supports no kind of key without the functions that generate keys and sign")
    func functions() {
        let needed: Set<CryptokiFunction> = [.generateKeyPair, .signInit, .sign]
        for function in CryptokiFunction.allCases {
            let token = DescribedToken(missingFunctions: [function])
            let reason = token.missingSupport(for: .rsa(bits: 2048))
            let expected: String? =
                needed.contains(function)
                ? "this PKCS#11 module cannot generate key pairs and sign with them "
                    + "(\(function.rawValue) is missing)" : nil
            #expect(reason == expected, "\(function)")
            #expect(token.keyKinds.isEmpty == needed.contains(function), "\(function)")
        }
    }

    @Test("The first missing function is named")
    func missingFunctions() {
        let token = DescribedToken(missingFunctions: [.sign, .createObject])
        #expect(token.missing(.createObject, .sign) == "C_CreateObject")
        #expect(token.missing(.sign, .createObject) == "C_Sign")
        #expect(token.missing(.destroyObject, .signInit, .sign) == "C_Sign")
        #expect(token.missing(.destroyObject, .signInit, .generateKeyPair) == nil)
        #expect(token.missing() == nil)
    }

    // Otherwise the user does not learn why a kind of key cannot be used.
    @Test("The reason why a kind of key is not supported names what is missing")
    func reasons() {
        let noPairs = "this PKCS#11 module cannot generate key pairs"
        let ec = MechanismType.ecKeyPairGen.description
        let edwards = MechanismType.ecEdwardsKeyPairGen.description
        let noGenerator = "\(noPairs) (CKM_RSA_PKCS_KEY_PAIR_GEN and \(ec) are missing)"
        let noCurves = "the token cannot generate keys of kind EC P-256 (\(ec) is missing)"
        let noRSA =
            "the token cannot generate keys of kind RSA 3072 (CKM_RSA_PKCS_KEY_PAIR_GEN is missing)"
        let noEd25519 = "the token cannot generate keys of kind Ed25519 (\(edwards) is missing)"
        let noSignature = "the token cannot sign with keys of kind RSA 2048"
        let unusable = "The token generates no usable keys of kind"
        let rsaOnly = DescribedToken.having(.rsaPKCSKeyPairGen, .sha256RSAPKCS)
        let ecOnly = DescribedToken.having(.ecKeyPairGen, .ecdsa)
        let some = DescribedToken.with { $0.keyKinds = ["rsa:2048", "ec:p384"] }
        let cases: [(DescribedToken, KeyKind, String?)] = [
            (.having(.sha256RSAPKCS), .rsa(bits: 2048), noGenerator),
            (.with { $0.generates = .nobody }, .rsa(bits: 2048), noPairs),
            (.with { $0.generates = .securityOfficer }, .rsa(bits: 2048), nil),
            (.with { $0.generates = .user }, .rsa(bits: 2048), nil),
            // Writing certificates does not matter here.
            (.with { $0.writes = .nobody }, .rsa(bits: 2048), nil),
            (rsaOnly, .ec(.p256), noCurves), (ecOnly, .rsa(bits: 3072), noRSA),
            (ecOnly, .ed25519, noEd25519),
            (DescribedToken(), .other("1.2.3"), "the token cannot generate keys of kind 1.2.3"),
            (.having(.rsaPKCSKeyPairGen, .ecdsa), .rsa(bits: 2048), noSignature),
            (some, .rsa(bits: 2048), nil), (some, .ec(.p384), nil),
            (some, .rsa(bits: 3072), "\(unusable) RSA 3072"),
            (some, .ec(.p256), "\(unusable) EC P-256"),
            (.with { $0.keyKinds = [] }, .ed25519, "\(unusable) Ed25519"),
        ]
        for (token, kind, reason) in cases {
            #expect(token.missingSupport(for: kind) == reason, "\(kind)")
        }
    }

    // Otherwise an unsupported key is requested, or a supported one is refused.
    @Test("RSA keys have sizes within the bounds that the token reports, inclusive")
    func rsaSizes() {
        let cases: [(smallest: Int, largest: Int, bits: Int, isMade: Bool)] = [
            (2048, 4096, 2048, true), (2048, 4096, 3072, true), (2048, 4096, 4096, true),
            (2048, 4096, 2047, false), (2048, 4096, 4097, false), (2048, 2048, 2048, true),
            (2048, 2048, 3072, false), (3072, 3072, 2048, false), (0, 16384, 4096, true),
            (512, 1024, 2048, false),
        ]
        for (smallest, largest, bits, isMade) in cases {
            let token = DescribedToken.making(smallest...largest, with: .rsaPKCSKeyPairGen)
            let refusal =
                "the token generates RSA keys of \(smallest) to \(largest) bits, not \(bits)"
            let reason = token.missingSupport(for: .rsa(bits: bits))
            #expect(reason == (isMade ? nil : refusal), "\(smallest), \(largest), \(bits)")
        }
        for kind in rsaKinds { #expect(DescribedToken().missingSupport(for: kind) == nil) }
        let small = DescribedToken.making(512...1024, with: .rsaPKCSKeyPairGen)
        #expect(small.keyKinds == ecKinds + [.ed25519])
    }

    @Test(
        "EC keys have sizes within the bounds that the token reports in bits, inclusive")
    func curveSizes() {
        let (p256, p384, p521) = (KeyKind.ec(.p256), KeyKind.ec(.p384), KeyKind.ec(.p521))
        let cases: [(smallest: Int, largest: Int, kinds: [KeyKind])] = [
            (256, 521, [p256, p384, p521]), (256, 520, [p256, p384]), (256, 384, [p256, p384]),
            (256, 383, [p256]), (256, 256, [p256]), (257, 521, [p384, p521]),
            (385, 521, [p521]), (521, 521, [p521]), (522, 600, []), (112, 255, []), (65, 65, []),
            // Sizes that can only be in bytes are ignored.
            (32, 64, ecKinds), (0, 64, ecKinds), (1, 1, ecKinds),
        ]
        for (smallest, largest, kinds) in cases {
            let token = DescribedToken.making(smallest...largest, with: .ecKeyPairGen)
            #expect(token.keyKinds == rsaKinds + kinds + [.ed25519], "\(smallest), \(largest)")
        }
        let token = DescribedToken.making(256...384, with: .ecKeyPairGen)
        #expect(
            token.missingSupport(for: .ec(.p521))
                == "the token generates EC keys of 256 to 384 bits, not 521")
        // Ed25519 has one size, whatever the token reports.
        let edwards = DescribedToken.making(500...600, with: .ecEdwardsKeyPairGen)
        #expect(edwards.keyKinds == KeyKind.generated)
    }

    @Test("Each kind of key has its mechanism and its type")
    func mechanisms() {
        for kind in rsaKinds {
            #expect(kind.generationMechanism == .rsaPKCSKeyPairGen && kind.keyType == .rsa)
        }
        for kind in ecKinds {
            #expect(kind.generationMechanism == .ecKeyPairGen && kind.keyType == .ec)
        }
        #expect(KeyKind.ed25519.generationMechanism == .ecEdwardsKeyPairGen)
        #expect(KeyKind.ed25519.keyType == .ecEdwards)
        let other = KeyKind.other("1.2.3")
        #expect(other.generationMechanism == nil && other.keyType == nil)
        #expect(KeyKind.generated == rsaKinds + ecKinds + [.ed25519])
    }

    // MARK: Roles

    @Test("The user generates keys and writes unless the profile names another role")
    func roles() {
        let writers: [TokenProfile.Writer?] = [nil, .user, .securityOfficer, .nobody]
        for generates in writers {
            for writes in writers {
                let token = DescribedToken.with {
                    $0.generates = generates
                    $0.writes = writes
                }
                let place = "\(String(describing: generates)), \(String(describing: writes))"
                #expect(token.generator == generates ?? .user, "\(place)")
                #expect(token.writer == writes ?? .user, "\(place)")
                let changes = generates == .securityOfficer || writes == .securityOfficer
                #expect(token.changesRoles == changes, "\(place)")
            }
        }
        let token = DescribedToken()
        #expect(token.generator == .user && token.writer == .user && !token.changesRoles)
    }

    // MARK: Ids, labels and certificates

    @Test("Without a profile every id, label and number of certificates is possible")
    func noProfile() {
        let token = DescribedToken()
        #expect(token.places == nil && token.reasonPlacesAreUnknown == nil)
        #expect(token.keepsLabels && token.certificatesPerKey == nil)
        #expect(!token.replacesCertificates && token.largestCertificate == nil)
        #expect(token.omittedFromPublicKeys.isEmpty && token.omittedFromPrivateKeys.isEmpty)
        #expect(token.omittedFromCertificates.isEmpty)
    }

    @Test("The places of a profile keep their order and are offered unless the profile says no")
    func places() throws {
        let token = DescribedToken.with {
            $0.places = [
                .init(id: "0a", name: "first", isOffered: nil),
                .init(id: "01FF", name: "second", isOffered: false),
                .init(id: "02", name: "third", isOffered: true),
            ]
        }
        let places = try #require(token.places)
        #expect(places.map { $0.id } == [[0x0A], [0x01, 0xFF], [0x02]])
        #expect(places.map { $0.name } == ["first", "second", "third"])
        #expect(places.map { $0.isOffered } == [true, false, true])
    }

    // Otherwise a key that the module does not show is overwritten.
    @Test("The free places are unknown if the token or its module hides keys")
    func hiddenKeys() {
        let hidden = TokenProfile.HiddenKeys(firmwareSince: "5.70", libraryBefore: "2.60")
        // The reason: the firmware or the library is too old.
        enum Reason { case firmware, library }
        let cases: [(String?, TokenProfile.HiddenKeys?, String, String, Reason?)] = [
            (nil, nil, "0.0", "0.0", nil),
            ("5.30", nil, "5.29", "9.0", .firmware), ("5.30", nil, "5.30", "0.1", nil),
            ("5.30", nil, "5.31", "0.1", nil), ("5.30", nil, "4.99", "9.0", .firmware),
            ("5.30", nil, "6.0", "0.1", nil),
            // Versions are compared number by number.
            ("5.30", nil, "5.4", "9.0", .firmware), ("5.30", nil, "10.0", "9.0", nil),
            (nil, hidden, "5.69", "2.59", nil), (nil, hidden, "5.70", "2.59", .library),
            (nil, hidden, "5.70", "2.60", nil), (nil, hidden, "5.70", "2.61", nil),
            (nil, hidden, "6.0", "1.99", .library), (nil, hidden, "6.0", "3.0", nil),
            (nil, hidden, "5.8", "2.59", nil),
            ("5.30", hidden, "5.29", "2.59", .firmware), ("5.30", hidden, "5.40", "2.59", nil),
            ("5.30", hidden, "5.70", "2.59", .library), ("5.30", hidden, "5.70", "2.60", nil),
        ]
        for (since, hidden, firmware, library, expected) in cases {
            var token = DescribedToken.with {
                $0.showsAllKeysSince = since
                $0.hidesLaterKeys = hidden
            }
            token.info = .with(firmwareVersion: firmware)
            token.moduleInfo = .with(libraryVersion: library)
            let reason = token.reasonPlacesAreUnknown
            let place = "\(since ?? ""), \(firmware), \(library): \(reason ?? "")"
            #expect((reason == nil) == (expected == nil), "\(place)")
            guard let reason, let expected else { continue }
            #expect(reason.contains("firmware \(firmware)"), "\(place)")
            #expect(
                reason.contains("the module, version \(library)") == (expected == .library),
                "\(place)")
            #expect(reason.hasPrefix("the token") == (expected == .firmware), "\(place)")
        }
    }

    @Test("A profile determines the labels and the number of certificates of a key")
    func certificates() {
        for value in [nil, false, true] {
            let token = DescribedToken.with {
                $0.hasFixedLabels = value
                $0.replacesCertificates = value
            }
            #expect(token.keepsLabels == (value != true))
            #expect(token.replacesCertificates == (value == true))
        }
        for count in [nil, 1, 2] {
            #expect(
                DescribedToken.with { $0.certificatesPerKey = count }.certificatesPerKey == count)
        }
    }

    // Otherwise a certificate is truncated, or refused although it fits.
    @Test("The size of a certificate is limited by the profile and by the free memory")
    func largestCertificate() {
        let cases: [(Int?, Int?, Int?)] = [
            (nil, nil, nil), (3052, nil, 3052), (nil, 4000, 4000), (3052, 4000, 3052),
            (3052, 2000, 2000), (2000, 2000, 2000),
            // Some modules report 0 or 1 for an unknown size.
            (nil, 0, nil), (nil, 1, nil), (nil, 127, nil), (nil, 128, 128), (3052, 0, 3052),
            (3052, 127, 3052), (3052, 128, 128), (100, 4000, 100),
        ]
        for (profile, free, expected) in cases {
            var token = DescribedToken.with { $0.largestCertificate = profile }
            token.info = .with(freePublicMemory: free)
            #expect(
                token.largestCertificate == expected,
                "\(String(describing: profile)), \(String(describing: free))")
        }
        let token = DescribedToken(info: .with(freePublicMemory: 500))
        #expect(token.largestCertificate == 500)
    }

    @Test("An attribute is omitted only from the kind of object for which the profile names it")
    func omissions() {
        let token = DescribedToken.with {
            $0.omits = TokenProfile.Omissions(
                publicKey: ["CKA_VERIFY", "CKA_ENCRYPT"], privateKey: ["CKA_EXTRACTABLE"],
                certificate: ["CKA_SUBJECT", "CKA_NOTHING"])
        }
        #expect(
            token.omittedFromPublicKeys == [AttributeKey.verify.type, AttributeKey.encrypt.type])
        #expect(token.omittedFromPrivateKeys == [AttributeKey.extractable.type])
        #expect(token.omittedFromCertificates == [AttributeKey<[UInt8]>.subject.type])
        let empty = DescribedToken.with { $0.omits = TokenProfile.Omissions() }
        #expect(empty.omittedFromPublicKeys.isEmpty && empty.omittedFromPrivateKeys.isEmpty)
        #expect(empty.omittedFromCertificates.isEmpty)
    }

    @Test("Only a profile makes a certificate a placeholder")
    func placeholders() throws {
        let key = try HostPrivateKey.generate(.ec(.p256))
        let certificate = try key.issue(
            CertificateContent(
                subject: [.init(.commonName, "YubiKey PIV Slot 9a")], publicKey: key.publicKey,
                serialNumber: [1], notBefore: 0, notAfter: 86_400, extensions: []), issuer: nil)
        let subject = CertificateEntry.Content(certificate).subject
        #expect(!subject.isEmpty)
        for (placeholder, expected) in [
            (subject, true), (String(subject.dropLast()), true), ("CN=Anna", false), (nil, false),
        ] as [(String?, Bool)] {
            let token = DescribedToken.with {
                $0.placeholder = placeholder.map { TokenProfile.Placeholder(subject: $0) }
            }
            #expect(token.isPlaceholder(certificate) == expected, "\(placeholder ?? "")")
        }
        #expect(!DescribedToken().isPlaceholder(certificate))
    }

    // MARK: Profiles

    // Otherwise a token is used according to the profile of another one.
    @Test("A profile applies to a token if it has patterns and all of them match")
    func matching() {
        let names: [WritableKeyPath<TokenProfile.Match, String?>] = [
            \.libraryDescription, \.libraryManufacturer, \.tokenManufacturer, \.tokenModel,
            \.tokenLabel,
        ]
        let own = ["library", "module maker", "token maker", "model", "label"]
        func isFor(_ patterns: [(Int, String)]) -> Bool {
            var match = TokenProfile.Match(
                libraryDescription: nil, libraryManufacturer: nil, tokenManufacturer: nil,
                tokenModel: nil)
            for (index, pattern) in patterns { match[keyPath: names[index]] = pattern }
            return TokenProfile(name: "a", title: "b", tested: "c", match: match)
                .matches(.with(), of: .with())
        }
        #expect(!isFor([]))
        for (index, text) in own.enumerated() {
            for pattern in [text, "*", String(text.prefix(3)) + "*", text + "*"] {
                #expect(isFor([(index, pattern)]), "\(text), \(pattern)")
            }
            for pattern in ["", String(text.prefix(3)), text + "s", text.uppercased(), "x*"] {
                #expect(!isFor([(index, pattern)]), "\(text), \(pattern)")
            }
            // The text of another field does not count.
            let other = own[(index + 1) % own.count]
            #expect(!isFor([(index, other)]), "\(text), \(other)")
            // One pattern that does not match is enough.
            let others = own.enumerated().map { ($0.offset, $0.element) }
            #expect(isFor(others), "\(text)")
            #expect(!isFor(others + [(index, "x")]), "\(text)")
        }
        let all = TokenProfile(name: "a", title: "b", tested: "c", match: .all)
        #expect(all.matches(.with(), of: .with()))
    }

    @Test("The tokens of three profiles require several roles, and one profile generates no keys")
    func builtInRoles() {
        let tokens = TokenProfile.builtIn.map { DescribedToken(profile: $0) }
        #expect(!tokens.isEmpty)
        for token in tokens {
            let name = token.profile?.name ?? ""
            let isOfficer = ["ykcs11", "opensc-openpgp", "nethsm"].contains(name)
            #expect(token.changesRoles == isOfficer, "\(name)")
            // A token that cannot generate keys supports no kind of key.
            #expect((token.generator == .nobody) == token.keyKinds.isEmpty, "\(name)")
        }
    }
}
