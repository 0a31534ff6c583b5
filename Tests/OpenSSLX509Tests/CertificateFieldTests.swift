import Testing
import TokencertTestAuthority

@testable import OpenSSLX509

/// Names, numbers, times and extensions, in certificates that the tests create.
@Suite struct CertificateFieldTests {
    private let key: HostPrivateKey

    init() throws { key = try HostPrivateKey.generate(.ec(.p256)) }

    private func certificate(
        _ subject: [NameAttribute] = [.init(.commonName, "x")], serialNumber: [UInt8] = [1],
        from notBefore: Int64 = 1_700_000_000, to notAfter: Int64 = 1_900_000_000,
        extensions: [CertificateExtension] = []
    ) throws -> Certificate {
        try key.issue(
            CertificateContent(
                subject: subject, publicKey: key.publicKey, serialNumber: serialNumber,
                notBefore: notBefore, notAfter: notAfter, extensions: extensions), issuer: nil)
    }

    // MARK: Names

    @Test("The attributes of a name are read in order")
    func parts() throws {
        let name = try certificate([
            .init(.organization, "Club"), .init(.organizationalUnit, "Desk"),
            .init(.commonName, "first"), .init(.emailAddress, "a@example.org"),
            .init(.commonName, "last"), .init(.emailAddress, "b@example.org"),
        ]).subject
        #expect(name.commonNames == ["first", "last"])
        #expect(name.emailAddresses == ["a@example.org", "b@example.org"])
        #expect(name.hasOtherParts)
        #expect(
            name.text
                == "O=Club; OU=Desk; CN=first; emailAddress=a@example.org; CN=last; "
                + "emailAddress=b@example.org")
        #expect(name.description == name.text)
        let plain = try certificate([
            .init(.commonName, "Anna"), .init(.emailAddress, "a@example.org"),
        ]).subject
        #expect(!plain.hasOtherParts)
    }

    @Test("An empty name has no attributes and is an empty SEQUENCE")
    func emptyName() throws {
        let name = try certificate([]).subject
        #expect(name.der == [0x30, 0] && name.text == "" && !name.hasOtherParts)
        #expect(name.commonNames.isEmpty && name.emailAddresses.isEmpty)
    }

    // Otherwise a name in a certificate can clear the screen or forge a line of output.
    @Test("The text of a name escapes control characters and keeps all others")
    func controlCharacters() throws {
        for value in ["a\nb", "a\rb", "a\u{1B}[2Jb", "a\u{7}b", "a\tb", "a\u{7F}b", "\u{1}"] {
            let name = try certificate([.init(.commonName, value)]).subject
            #expect(name.commonNames == [value])
            #expect(name.text.hasPrefix("CN="))
            let isClean = name.text.unicodeScalars.allSatisfy {
                $0.value >= 0x20 && $0.value != 0x7F
            }
            #expect(isClean, "\(name.text.debugDescription)")
        }
        for value in ["Anna Müller", "Ωμέγα", "日本 語", "🔑", "a@b.c:/?!'()*-_."] {
            let name = try certificate([.init(.commonName, value)]).subject
            #expect(name.text == "CN=" + value && name.commonNames == [value])
        }
    }

    // Otherwise a common name can fake an organization that the certificate does not have.
    @Test("The text of a name shows a value as one attribute, whatever characters it has")
    func separators() throws {
        for value in ["x; O=Bank", "x, O=Bank", "x + O=Bank", "x\\", "\"x\"", "#0102", " x", "x "] {
            let one = try certificate([.init(.commonName, value)]).subject
            let two = try certificate([
                .init(.commonName, "x"), .init(.organization, "Bank"),
            ]).subject
            #expect(one.text != two.text && one != two)
            #expect(one.commonNames == [value] && !one.hasOtherParts)
            #expect(one.text != "CN=" + value, "\(one.text)")
        }
    }

    @Test("Names are equal only if their attributes, order and characters are equal")
    func equality() throws {
        let (name, mail) = (NameAttribute(.commonName, "a"), NameAttribute(.emailAddress, "b@c"))
        let one = try certificate([name, mail])
        #expect(try one.subject == certificate([name, mail], serialNumber: [2]).subject)
        #expect(one.subject == one.issuer && one.subject.hashValue == one.issuer.hashValue)
        let others: [[NameAttribute]] = [
            [mail, name], [name], [], [NameAttribute(.commonName, "A"), mail],
        ]
        for other in others {
            #expect(try one.subject != certificate(other).subject, "\(other)")
        }
    }

    @Test("A common name has at most 64 characters, of any number of bytes")
    func longNames() throws {
        for character in ["a", "ü", "🔑"] {
            let longest = String(repeating: character, count: 64)
            let name = try certificate([.init(.commonName, longest)]).subject
            #expect(name.commonNames == [longest])
            let error = #expect(throws: X509Error.self) {
                _ = try certificate([.init(.commonName, longest + "a")])
            }
            #expect(error?.code == .malformed)
        }
    }

    // MARK: Numbers and times

    // Otherwise the CA is asked about the wrong certificate, or the token's is not found.
    @Test("A serial number has two digits for each byte and the DER of an unsigned number")
    func serialNumbers() throws {
        let twenty = [UInt8](repeating: 0xFF, count: 20)
        let cases: [([UInt8], String, [UInt8])] = [
            ([0], "00", [2, 1, 0]), ([1], "01", [2, 1, 1]), ([0x7F], "7f", [2, 1, 0x7F]),
            ([0x80], "80", [2, 2, 0, 0x80]), ([0, 0, 5], "05", [2, 1, 5]),
            ([1, 0], "0100", [2, 2, 1, 0]), ([0x0A, 0xBC], "0abc", [2, 2, 0x0A, 0xBC]),
            (twenty, String(repeating: "f", count: 40), [2, 21, 0] + twenty),
        ]
        for (number, text, der) in cases {
            let certificate = try certificate(serialNumber: number)
            #expect(certificate.serialNumber == text)
            #expect(certificate.serialNumberDER == der, "\(text)")
        }
    }

    // RFC 5280 uses a different form of time from 2050.
    @Test("Times before 1970, in 2049, from 2050 and at the end of 9999 are read")
    func times() throws {
        let times: [Int64] = [
            -631_152_000, -1, 0, 1, 1_709_164_800, 2_524_607_999, 2_524_608_000, 4_102_444_800,
            253_402_300_799,
        ]
        for (first, last) in zip(times, times.dropFirst()) {
            let certificate = try certificate(from: first, to: last)
            #expect(certificate.notBefore == first && certificate.notAfter == last)
            #expect(certificate.isValid(at: first) && certificate.isValid(at: last))
            #expect(!certificate.isValid(at: first - 1) && !certificate.isValid(at: last + 1))
        }
        let never = try certificate(from: 100, to: 50)
        #expect(![49, 50, 75, 100, 101].contains { never.isValid(at: $0) })
    }

    // MARK: Extensions

    // RFC 5280, section 4.2.1.3: bit 0 is the most significant, and unused bits are counted.
    @Test("Key usages are written as the bits of RFC 5280")
    func keyUsage() throws {
        let cases: [(Set<KeyUsage>, [UInt8])] = [
            ([.digitalSignature], [3, 2, 7, 0x80]), ([.contentCommitment], [3, 2, 6, 0x40]),
            ([.keyEncipherment], [3, 2, 5, 0x20]), ([.keyAgreement], [3, 2, 3, 0x08]),
            ([.keyCertSign], [3, 2, 2, 0x04]), ([.cRLSign], [3, 2, 1, 0x02]),
            ([.digitalSignature, .keyEncipherment], [3, 2, 5, 0xA0]),
            ([.keyCertSign, .cRLSign], [3, 2, 1, 0x06]),
        ]
        let all: Set<KeyUsage> = [
            .digitalSignature, .contentCommitment, .keyEncipherment, .keyAgreement, .keyCertSign,
            .cRLSign,
        ]
        for (usages, value) in cases {
            let element = CertificateExtension.keyUsage(usages)
            #expect(element.value == value && element.isCritical, "\(usages)")
            #expect(element.identifier == "2.5.29.15")
            let certificate = try certificate(extensions: [element])
            for usage in all {
                #expect(certificate.allows(usage) == usages.contains(usage), "\(usage)")
            }
        }
        let unlimited = try certificate()
        for usage in all { #expect(unlimited.allows(usage) == nil) }
    }

    @Test("Extended key usages keep their order, including unknown ones")
    func extendedKeyUsage() throws {
        let own = try ExtendedKeyUsage(objectIdentifier: "1.3.6.1.4.1.99999.1")
        let usages = [own, .emailProtection, .clientAuth, .any]
        let read = try certificate(extensions: [.extendedKeyUsage(usages)])
        #expect(read.extendedKeyUsages == usages && read.malformedExtensions.isEmpty)
        let names = read.extendedKeyUsages.map(\.description)
        #expect(
            names == [
                "1.3.6.1.4.1.99999.1", "emailProtection", "clientAuth", "anyExtendedKeyUsage",
            ])
        #expect(try ExtendedKeyUsage(objectIdentifier: "1.3.6.1.5.5.7.3.2") == .clientAuth)
        #expect(try certificate().extendedKeyUsages.isEmpty)
    }

    // Otherwise a server's certificate is accepted as a personal one.
    @Test("All alternative names are read, and e-mail addresses are distinguished from other types")
    func alternativeNames() throws {
        let mail = try CertificateExtension.subjectAlternativeName(
            emailAddresses: ["a@example.org", "b@example.org"])
        let person = try certificate(extensions: [mail])
        #expect(person.emailAddresses == ["a@example.org", "b@example.org"])
        #expect(!person.hasOtherAlternativeNames && person.subjectAlternativeNames.count == 2)
        let server = CertificateExtension.subjectAlternativeName(
            serverNames: ["example.org"], addresses: [[127, 0, 0, 1]])
        let host = try certificate(extensions: [server])
        #expect(host.emailAddresses.isEmpty && host.hasOtherAlternativeNames)
        let expected: Set<[UInt8]> = [
            [0x82, 11] + Array("example.org".utf8), [0x87, 4, 127, 0, 0, 1],
        ]
        #expect(host.subjectAlternativeNames == expected)
        let mixed = try CertificateExtension(
            identifier: "2.5.29.17", isCritical: true,
            value: DER.sequence(
                DER.element(0x82, Array("x.org".utf8)), DER.element(0x81, Array("c@d".utf8))))
        let both = try certificate(extensions: [mixed])
        #expect(both.emailAddresses == ["c@d"] && both.hasOtherAlternativeNames)
        let none = try certificate()
        #expect(none.emailAddresses.isEmpty && !none.hasOtherAlternativeNames)
    }

    @Test("An address with a character that rfc822Name cannot hold is an error that names it")
    func addresses() throws {
        for address in ["ü@example.org", "a b@example.org", "a@example.org\n", "a\0@b", "\u{7F}@b"]
        {
            let error = #expect(throws: X509Error.self, "\(address)") {
                _ = try CertificateExtension.subjectAlternativeName(
                    emailAddresses: ["a@example.org", address])
            }
            #expect(error?.code == .malformed && error?.context.contains(address) == true)
        }
    }

    // OpenSSL accepts all of these as lists without usages or names, which permits everything.
    @Test("An extension's value is one element, and a list of usages or names is not empty")
    func usableValues() {
        let (keyUsage, extended, names) = ("2.5.29.15", "2.5.29.37", "2.5.29.17")
        let cases: [([UInt8], String, Bool)] = [
            ([3, 2, 7, 0x80], keyUsage, true), ([3, 3, 7, 0, 0x80], keyUsage, true),
            ([3, 2, 7, 0], keyUsage, false), ([3, 1, 0], keyUsage, false),
            ([3, 0], keyUsage, false),
            ([3, 3, 7, 0, 0], keyUsage, false), ([3, 2, 7, 0x80, 0], keyUsage, false),
            ([0x30, 3, 6, 1, 42], extended, true), ([0x30, 0], extended, false),
            ([0x30, 2, 0x81, 0], names, true), ([0x30, 0], names, false), ([], names, false),
            ([5, 0], "1.2.3", true), ([0x30, 0], "1.2.3", true), ([5, 0, 0], "1.2.3", false),
            ([5], "1.2.3", false), ([], "1.2.3", false),
        ]
        for (value, identifier, isUsable) in cases {
            #expect(
                CertificateExtension.isUsable(value, identifier) == isUsable,
                "\(value), \(identifier)")
        }
    }

    // MARK: Revocation

    private func access(_ entries: [(method: String, url: String)]) throws -> CertificateExtension {
        let descriptions = entries.map {
            DER.sequence(DER.objectIdentifier($0.method), DER.element(0x86, Array($0.url.utf8)))
        }
        return try CertificateExtension(
            identifier: "1.3.6.1.5.5.7.1.1", isCritical: false,
            value: DER.element(0x30, descriptions.flatMap { $0 }))
    }

    @Test("The OCSP responders are read in order, without other addresses")
    func responders() throws {
        let (ocsp, issuers) = ("1.3.6.1.5.5.7.48.1", "1.3.6.1.5.5.7.48.2")
        let read = try certificate(extensions: [
            access([
                (issuers, "http://ca.example/root.crt"), (ocsp, "http://one.example/"),
                (ocsp, "http://two.example/"),
            ])
        ])
        #expect(read.ocspAddresses == ["http://one.example/", "http://two.example/"])
        let other = try certificate(extensions: [access([(issuers, "http://ca.example/")])])
        #expect(other.ocspAddresses.isEmpty)
        #expect(try certificate().ocspAddresses.isEmpty)
    }

    // Responders that sign their responses in advance do not answer requests with a nonce.
    @Test("An OCSP request identifies the issuer by hashes and has no nonce")
    func question() throws {
        // The certificate is its own issuer.
        let issuer = try certificate()
        let asked = try certificate(serialNumber: [0x12, 0x34, 0x56])
        let der = try OCSPQuestion(about: asked, issuedBy: issuer).der
        #expect(try OCSPQuestion(about: asked, issuedBy: issuer).der == der)
        for part in [
            Digest.sha1.hash(issuer.subject.der), issuer.publicKey.keyIdentifier,
            asked.serialNumberDER,
        ] {
            #expect(der.firstRange(of: part) != nil, "\(part)")
        }
        #expect(der.firstRange(of: DER.objectIdentifier("1.3.6.1.5.5.7.48.1.2")) == nil)
    }

    private func refusal(_ answer: [UInt8]) throws -> X509Error? {
        let asked = try certificate()
        let question = try OCSPQuestion(about: asked, issuedBy: asked)
        return #expect(throws: X509Error.self) { _ = try question.status(in: answer) }
    }

    // Otherwise a responder's error counts as "not revoked".
    @Test("An error of the responder is reported with its name from RFC 6960")
    func responderErrors() throws {
        for (status, name) in [
            (1, "malformedrequest"), (2, "internalerror"), (3, "trylater"), (5, "sigrequired"),
            (6, "unauthorized"),
        ] as [(UInt8, String)] {
            let error = try refusal([0x30, 3, 0x0A, 1, status])
            #expect(error?.code == .failed, "\(name)")
            #expect(error?.context == "the OCSP responder reports an error: \(name)")
        }
    }

    @Test("A response that is truncated, followed by bytes or without a status is malformed")
    func malformedAnswers() throws {
        // A response of a type other than id-pkix-ocsp-basic.
        let other = DER.sequence(
            [0x0A, 1, 0],
            DER.element(
                0xA0, DER.sequence(DER.objectIdentifier("1.2.3.4"), DER.octetString([5, 0]))))
        // A response of this type with invalid content.
        let wrong = DER.sequence(
            [0x0A, 1, 0],
            DER.element(
                0xA0,
                DER.sequence(
                    DER.objectIdentifier("1.3.6.1.5.5.7.48.1.1"), DER.octetString([5, 0]))))
        var answers: [[UInt8]] = [
            other, wrong, [0x30, 3, 0x0A, 1, 3, 0], [0x30, 3, 2, 1, 0], [5, 0],
        ]
        answers += wrong.indices.map { Array(wrong.prefix($0)) }
        for answer in answers {
            #expect(try refusal(answer)?.code == .malformed, "\(answer)")
        }
    }

    @Test("The text of an error has OpenSSL's reasons in brackets, if there are any")
    func errors() {
        let plain = X509Error(.malformed, "not a certificate")
        #expect(plain.description == "not a certificate")
        let detailed = X509Error(.failed, "a name", reasons: ["too long", "no name"])
        #expect(detailed.description == "a name (too long; no name)")
    }
}
