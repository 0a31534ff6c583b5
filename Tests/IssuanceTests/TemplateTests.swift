import OpenSSLX509
import Testing
import TokencertTestAuthority

@testable import Cryptoki
@testable import TokencertIssuance
@testable import TokencertTokens

/// The templates for key pairs and certificates.
@Suite struct TemplateTests {
    private static let protection: Set<AttributeType> = [
        AttributeKey.sensitive.type, AttributeKey.extractable.type,
    ]

    private func omitting(
        publicKey: [String] = [], privateKey: [String] = [], certificate: [String] = []
    ) -> DescribedToken {
        DescribedToken.with {
            $0.omits = TokenProfile.Omissions(
                publicKey: publicKey, privateKey: privateKey, certificate: certificate)
        }
    }

    private func requests(
        _ kind: KeyKind, _ token: DescribedToken = DescribedToken()
    ) -> [KeyPairRequest] {
        let new = NewKey(kind: kind, id: [1, 2], label: Array("mail".utf8))
        return keyPairTemplates(new, token)
    }

    // MARK: Key pairs

    // Otherwise a key could be extracted from the token, or could not sign.
    @Test("The first template of a key pair has all required attributes")
    func wholePair() throws {
        for kind in KeyKind.generated {
            let whole = try #require(requests(kind).first)
            let (publicKey, privateKey) = (whole.publicKey, whole.privateKey)
            #expect(publicKey[.token] == true && publicKey[.verify] == true, "\(kind)")
            #expect(publicKey[.private] == nil, "\(kind)")
            #expect(privateKey[.token] == true && privateKey[.private] == true, "\(kind)")
            #expect(privateKey[.sensitive] == true && privateKey[.extractable] == false, "\(kind)")
            #expect(privateKey[.sign] == true && whole.demandsProtection, "\(kind)")
            for half in [publicKey, privateKey] {
                #expect(half[.id] == [1, 2] && half[.label] == "mail", "\(kind)")
            }
        }
    }

    @Test("A template names the kind of key by its size, its curve or as Ed25519")
    func kinds() throws {
        for kind in KeyKind.generated {
            let whole = try #require(requests(kind).first)
            let key = whole.publicKey
            switch kind {
            case .rsa(let bits):
                #expect(key[.modulusBits] == UInt(bits) && key[.publicExponent] == [1, 0, 1])
                #expect(key[.ecParams] == nil)
                // E-mail is encrypted with the key.
                #expect(key[.encrypt] == true && whole.privateKey[.decrypt] == true)
            case .ec(let curve):
                #expect(key[.ecParams] == curve.ecParameters, "\(curve)")
            case .ed25519:
                #expect(key[.ecParams] == [0x13, 0x0C] + Array("edwards25519".utf8))
            case .other:
                Testing.Issue.record("this kind of key cannot be generated")
            }
            if case .rsa = kind { continue }
            #expect(key[.modulusBits] == nil && key[.publicExponent] == nil, "\(kind)")
            #expect(key[.encrypt] == nil && whole.privateKey[.decrypt] == nil, "\(kind)")
        }
    }

    /// The groups of optional attributes, the least important first.
    private static let dispensable: [Set<AttributeType>] = [
        [AttributeKey.extractable.type], [AttributeKey.sensitive.type], [AttributeKey.verify.type],
        [AttributeKey.encrypt.type, AttributeKey.decrypt.type],
    ]

    private func attributes(_ request: KeyPairRequest) -> Set<AttributeType> {
        Set(request.publicKey.types + request.privateKey.types)
    }

    // Otherwise one attribute that a module refuses would cost others that it accepts.
    @Test("Every combination of omitted groups is tried once, the smaller ones first")
    func alternatives() throws {
        for kind in KeyKind.generated {
            let requests = requests(kind)
            let whole = try #require(requests.first)
            var count = 3
            if case .rsa = kind { count = 4 }
            #expect(requests.count == 1 << count, "\(kind)")
            var sizes: [Int] = []
            var seen: Set<Set<AttributeType>> = []
            for request in requests {
                let missing = attributes(whole).subtracting(attributes(request))
                let groups = Self.dispensable.filter { !$0.isDisjoint(with: missing) }
                // Only whole groups are omitted.
                let all = groups.reduce(into: Set<AttributeType>()) { $0.formUnion($1) }
                #expect(missing == all.intersection(attributes(whole)), "\(kind)")
                #expect(seen.insert(missing).inserted, "\(kind): \(missing)")
                sizes.append(groups.count)
                // All other values are the same as in the first template.
                #expect(request.publicKey == whole.publicKey.without(missing), "\(kind)")
                #expect(request.privateKey == whole.privateKey.without(missing), "\(kind)")
                let isProtected = missing.isDisjoint(with: Self.protection)
                #expect(request.demandsProtection == isProtected, "\(kind): \(missing)")
            }
            #expect(sizes == sizes.sorted(), "\(kind)")
        }
    }

    @Test("Of two equally large omissions, the less important one is tried first")
    func orderOfAlternatives() throws {
        let requests = requests(.rsa(bits: 2048))
        let whole = try #require(requests.first)
        let missing = requests.map { attributes(whole).subtracting(attributes($0)) }
        try #require(missing.count == 16)
        #expect(missing[0].isEmpty && Array(missing[1...4]) == Self.dispensable)
        let first = Self.dispensable[0]
        #expect(missing[5] == first.union(Self.dispensable[1]))
        #expect(missing[6] == first.union(Self.dispensable[2]))
        #expect(missing[15] == Set(Self.dispensable.flatMap { $0 }))
    }

    @Test("Attributes that the token profile omits are in no template and cause no duplicates")
    func omittedFromPairs() throws {
        let token = omitting(publicKey: ["CKA_VERIFY"], privateKey: ["CKA_EXTRACTABLE"])
        let requests = requests(.ec(.p256), token)
        // Only CKA_SENSITIVE can still be omitted.
        #expect(requests.count == 2)
        for request in requests {
            #expect(request.publicKey[.verify] == nil && request.privateKey[.extractable] == nil)
            #expect(!request.demandsProtection)
            #expect(request.privateKey[.sign] == true && request.privateKey[.private] == true)
        }
        #expect(requests.map { $0.privateKey[.sensitive] } == [true, nil])
        // Each half has its own omissions.
        let half = try #require(
            self.requests(.rsa(bits: 2048), omitting(publicKey: ["CKA_ID"])).first)
        #expect(half.publicKey[.id] == nil && half.privateKey[.id] == [1, 2])
    }

    @Test("Only a refused attribute leads to the next template")
    func refusals() {
        let template: [ReturnValue] = [
            .attributeTypeInvalid, .attributeValueInvalid, .attributeReadOnly,
            .templateInconsistent, .templateIncomplete,
        ]
        let others: [ReturnValue] = [
            .pinIncorrect, .userNotLoggedIn, .deviceRemoved, .deviceMemory, .sessionReadOnly,
        ]
        for value in template + others {
            let error = CryptokiError(
                .returned, function: "C_GenerateKeyPair", returnValue: value)
            #expect(error.concernsTemplate == template.contains(value), "\(value)")
        }
        #expect(!CryptokiError(.functionMissing, function: "C_Sign").concernsTemplate)
    }

    // MARK: Certificates

    private func certificate() throws -> Certificate {
        let key = try HostPrivateKey.generate(.ec(.p256))
        return try key.issue(
            CertificateContent(
                subject: [.init(.commonName, "Anna")], publicKey: key.publicKey,
                serialNumber: [0x80], notBefore: 0, notAfter: 86_400, extensions: []), issuer: nil)
    }

    // Otherwise other software does not find the certificate or its key.
    @Test("The first template of a certificate has all attributes from the certificate")
    func wholeCertificate() throws {
        let certificate = try certificate()
        let templates = certificateTemplates(
            certificate, id: [1, 2], label: Array("mail".utf8), DescribedToken())
        let whole = try #require(templates.first)
        #expect(whole[.class] == .certificate && whole[.certificateType] == .x509)
        #expect(whole[.token] == true && whole[.private] == false)
        #expect(whole[.id] == [1, 2] && whole[.label] == "mail")
        #expect(whole[.value] == certificate.der)
        #expect(whole[.subject] == certificate.subject.der)
        #expect(whole[.issuer] == certificate.issuer.der)
        // A DER INTEGER with its tag.
        let serialNumber = certificate.serialNumberDER
        #expect(whole[.serialNumber] == serialNumber && serialNumber.first == 2)
    }

    @Test("A certificate without an id or label is written without that attribute")
    func emptyNames() throws {
        let certificate = try certificate()
        for (id, label) in [([], [0x61]), ([1], []), ([], [])] as [([UInt8], [UInt8])] {
            let templates = certificateTemplates(
                certificate, id: id, label: label, DescribedToken())
            for template in templates {
                #expect(template[.id] == (id.isEmpty ? nil : id), "\(id), \(label)")
                #expect(
                    template.bytes(of: AttributeKey<String>.label.type)
                        == (label.isEmpty ? nil : label), "\(id), \(label)")
            }
        }
    }

    @Test("Attributes that a module can read from the certificate are omitted one by one")
    func certificateAlternatives() throws {
        let certificate = try certificate()
        let (issuer, serial) = (
            AttributeKey<[UInt8]>.issuer.type, AttributeKey<[UInt8]>.serialNumber.type
        )
        let (subject, isPrivate) = (
            AttributeKey<[UInt8]>.subject.type, AttributeKey<Bool>.private.type
        )
        let steps: [Set<AttributeType>] = [
            [], [issuer, serial], [issuer, serial, subject],
            [issuer, serial, subject, isPrivate],
        ]
        let cases: [([String], [Set<AttributeType>])] = [
            ([], steps), (["CKA_LABEL"], steps),
            // A template that omits nothing more is not tried.
            (["CKA_SUBJECT"], [steps[0], steps[1], steps[3]]),
            (["CKA_PRIVATE"], Array(steps.prefix(3))),
            (["CKA_ISSUER", "CKA_SERIAL_NUMBER"], [steps[0], steps[2], steps[3]]),
            (["CKA_ISSUER"], steps),
            (["CKA_ISSUER", "CKA_SERIAL_NUMBER", "CKA_SUBJECT", "CKA_PRIVATE"], [[]]),
        ]
        let all = certificateTemplates(certificate, id: [1], label: [0x61], DescribedToken())
        let whole = try #require(all.first)
        for (names, omitted) in cases {
            let templates = certificateTemplates(
                certificate, id: [1], label: [0x61], omitting(certificate: names))
            let without = whole.without(Set(names.compactMap { AttributeType(name: $0) }))
            #expect(templates == omitted.map { without.without($0) }, "\(names)")
            for template in templates {
                #expect(template[.value] == certificate.der && template[.id] == [1])
                #expect(template[.class] == .certificate && template[.token] == true)
            }
        }
    }
}
