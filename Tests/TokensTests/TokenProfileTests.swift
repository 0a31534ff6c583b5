import Foundation
import OpenSSLX509
import Testing

@testable import TokencertTokens

/// Token profiles in JSON.
@Suite struct TokenProfileTests {
    /// A small profile with additional properties.
    private func json(_ more: String = "") -> String {
        #"{"name": "a", "title": "b", "tested": "c", "match": {"tokenModel": "m"}"#
            + (more.isEmpty ? "" : ", " + more) + "}"
    }

    private func read(_ text: String) throws -> TokenProfile {
        try TokenProfile(json: Array(text.utf8))
    }

    /// The error for a text that is not a profile, or nil.
    private func problem(_ text: String) -> String? {
        do throws(TokenProfileError) {
            _ = try TokenProfile(json: Array(text.utf8))
            return nil
        } catch {
            return error.description
        }
    }

    // MARK: Reading

    @Test("A profile leaves everything that it omits to the standard")
    func small() throws {
        let profile = try read(json())
        let match = TokenProfile.Match(
            libraryDescription: nil, libraryManufacturer: nil, tokenManufacturer: nil,
            tokenModel: "m")
        #expect(
            profile == TokenProfile(name: "a", title: "b", tested: "c", match: match))
        #expect(profile.match.tokenLabel == nil && profile.keyKinds == nil)
        #expect(profile.generates == nil && profile.places == nil && profile.omits == nil)
        #expect(profile.hasFixedLabels == nil && profile.pinTries == nil)
    }

    @Test("Every property is decoded")
    func everyPart() throws {
        let profile = try read(Self.complete)
        #expect(profile.name == "n" && profile.title == "t" && profile.tested == "x")
        #expect(profile.match.libraryDescription == "d*")
        #expect(profile.match.libraryManufacturer == "lm")
        #expect(profile.match.tokenManufacturer == "tm")
        #expect(profile.match.tokenModel == "mo" && profile.match.tokenLabel == "la")
        #expect(profile.notes == ["one", "two"])
        #expect(profile.keyKinds == ["rsa:2048", "ec:p256", "ed25519"])
        #expect(profile.generates == .securityOfficer && profile.writes == .nobody)
        #expect(profile.instead == "use another")
        #expect(profile.securityOfficerPIN?.name == "key")
        #expect(profile.securityOfficerPIN?.hexadecimalDigits == [32, 48])
        #expect(profile.securityOfficerPIN?.otherLengths == [6])
        let places = try #require(profile.places)
        #expect(places.map(\.id) == ["01", "0A"] && places.map(\.name) == ["first", "second"])
        #expect(places.map(\.isOffered) == [nil, false])
        #expect(profile.hasFixedLabels == true && profile.certificatesPerKey == 1)
        #expect(profile.replacesCertificates == false)
        #expect(profile.showsAllKeysSince == "5.30")
        #expect(profile.hidesLaterKeys?.firmwareSince == "5.70")
        #expect(profile.hidesLaterKeys?.libraryBefore == "2.60")
        #expect(profile.largestCertificate == 3052)
        #expect(profile.omits?.publicKey == ["CKA_LOCAL"])
        #expect(profile.omits?.privateKey == ["CKA_EXTRACTABLE"])
        #expect(profile.omits?.certificate == ["CKA_LABEL"])
        #expect(profile.placeholder?.subject == "CN=Slot ")
        #expect(profile.tellsKeysInNewSessions == true && profile.hidesOrigin == false)
        #expect(profile.keepsDestroyedKeys == true)
        #expect(profile.cachesObjects == true && profile.storesPublicKeysInCertificates == true)
        #expect(profile.hasFactorySecurityOfficerPIN == true)
        #expect(profile.newPINTool == "tool" && profile.pinTries == 3)
        #expect(profile.countsPINsTogether == true)
    }

    @Test("A profile survives encoding and decoding")
    func roundTrip() throws {
        for text in [json(), Self.complete] {
            let profile = try read(text)
            let written = try profile.json()
            #expect(try read(written) == profile)
            #expect(try read(written).json() == written)
        }
    }

    /// Otherwise a misspelt property silently has no effect.
    @Test("An unknown property is refused and named by its path")
    func unknownParts() {
        for (more, path) in [
            (#""keykinds": ["rsa:2048"]"#, "keykinds"), (#""Notes": []"#, "Notes"),
            (#""placeholder": {"subject": "CN=a", "issuer": "CN=a"}"#, "placeholder.issuer"),
            (#""places": [{"id": "01", "name": "a", "offered": true}]"#, "places.offered"),
            (#""omits": {"privatekey": []}"#, "omits.privatekey"),
            (#""zz": 1, "aa": 1"#, "aa"),
        ] {
            #expect(problem(json(more)) == "unknown property \"\(path)\"")
        }
    }

    @Test("A missing property is named")
    func missingParts() {
        let all = [
            ("name", #""a""#), ("title", #""b""#), ("tested", #""c""#),
            ("match", #"{"tokenModel": "m"}"#),
        ]
        for (missing, _) in all {
            let parts = all.filter { $0.0 != missing }.map { "\"\($0.0)\": \($0.1)" }
            #expect(
                problem("{" + parts.joined(separator: ", ") + "}")
                    == "property \"\(missing)\" is missing")
        }
        for (more, missing) in [
            (#""places": [{"id": "01"}]"#, "name"), (#""places": [{"name": "a"}]"#, "id"),
            (#""securityOfficerPIN": {}"#, "name"), (#""placeholder": {}"#, "subject"),
            (#""hidesLaterKeys": {"firmwareSince": "1"}"#, "libraryBefore"),
        ] {
            #expect(problem(json(more)) == "property \"\(missing)\" is missing")
        }
    }

    @Test("A property of the wrong type is refused")
    func wrongTypes() {
        for (name, value) in [
            ("notes", #""text""#), ("keyKinds", #""rsa:2048""#), ("generates", "1"),
            ("instead", "[]"), ("hasFixedLabels", #""true""#), ("certificatesPerKey", #""1""#),
            ("showsAllKeysSince", "5.3"), ("pinTries", #""3""#), ("hidesOrigin", "{}"),
            ("omits", "[]"), ("places", "{}"),
        ] {
            let more = "\"\(name)\": \(value)"
            #expect(problem(json(more)) == "\"\(name)\" has the wrong type")
        }
        for more in [#""notes": [1]"#, #""places": [1]"#, #""places": [{"id": 1, "name": ""}]"#] {
            #expect(problem(json(more))?.contains("has the wrong type") == true)
        }
    }

    @Test("Only known roles are accepted")
    func roles() throws {
        for (text, role) in [
            (#""user""#, .user), (#""securityOfficer""#, .securityOfficer),
            (#""nobody""#, .nobody),
        ] as [(String, TokenProfile.Writer)] {
            let more = #""generates": \#(text), "writes": \#(text)"#
            let profile = try read(json(more))
            #expect(profile.generates == role && profile.writes == role)
        }
        for name in ["generates", "writes"] {
            for text in ["User", "so", ""] {
                #expect(
                    problem(json("\"\(name)\": \"\(text)\""))
                        == "\"\(name)\" has an unknown value")
            }
        }
    }

    @Test("Only a JSON object is accepted", arguments: ["", "{", "name", "[]", "1", "null"])
    func noObject(text: String) {
        #expect(problem(text) != nil)
    }

    @Test("Truncated JSON is refused")
    func cut() {
        let text = json(#""pinTries": 3"#)
        #expect(problem(text) == nil)
        for count in 0..<text.count {
            #expect(problem(String(text.prefix(count))) == "it is not a JSON object", "\(count)")
        }
    }

    // MARK: Values

    @Test("Only kinds of keys that can be generated are accepted")
    func keyKinds() {
        for kind in KeyKind.generated.map(\.name) {
            #expect(problem(json("\"keyKinds\": [\"\(kind)\"]")) == nil, "\(kind)")
        }
        for kind in ["rsa", "rsa:", "rsa:0", "rsa:-1", "rsa:2k", "ec", "ec:p224", "dsa:1024", ""] {
            #expect(
                problem(json("\"keyKinds\": [\"ed25519\", \"\(kind)\"]"))
                    == "\"keyKinds\" has an unknown kind of key: \"\(kind)\"")
        }
    }

    /// Otherwise a valid profile silently forbids every key.
    @Test("Every accepted spelling of a kind of key has the same meaning")
    func keyKindForms() throws {
        let profile = try read(
            json(#""keyKinds": ["RSA:2048", "rsa:03072", "rsa:4096", "EC:P256", "Ed25519"]"#))
        #expect(
            profile.keyKinds == ["rsa:2048", "rsa:3072", "rsa:4096", "ec:p256", "ed25519"])
        #expect(
            problem(json(#""keyKinds": [" rsa:2048"]"#))
                == "\"keyKinds\" has an unknown kind of key: \" rsa:2048\"")
    }

    @Test("A property that is null is named")
    func nulls() {
        for (more, path) in [
            (#""keyKinds": null"#, "keyKinds"), (#""notes": ["a", null]"#, "notes"),
            (#""placeholder": {"subject": null}"#, "placeholder.subject"),
            (#""places": [{"id": "01", "name": null}]"#, "places.name"),
            (#""omits": {"certificate": [null]}"#, "omits.certificate"),
            (#""nothing": null"#, "nothing"),
        ] {
            #expect(problem(json(more)) == "\"\(path)\" is null; leave it out")
        }
        #expect(problem("null") == "it is not a JSON object")
        #expect(problem("[]") == "it is not a JSON object")
    }

    @Test("A version consists of numbers")
    func versions() {
        for version in ["5.30", "5", "5.4.3", "255.0"] {
            let later = #"{"firmwareSince": "\#(version)", "libraryBefore": "\#(version)"}"#
            #expect(
                problem(json(#""showsAllKeysSince": "\#(version)", "hidesLaterKeys": \#(later)"#))
                    == nil, "\(version)")
        }
        for version in ["", "v5.30", "5.x", "5.", ".5", "5 ", "-1", "5,30"] {
            #expect(
                problem(json(#""showsAllKeysSince": "\#(version)""#))
                    == "\"showsAllKeysSince\" must be a version such as 5.30", "\(version)")
            let later = #"{"firmwareSince": "5.70", "libraryBefore": "\#(version)"}"#
            #expect(
                problem(json(#""hidesLaterKeys": \#(later)"#))
                    == "\"hidesLaterKeys.libraryBefore\" must be a version such as 5.30",
                "\(version)")
        }
    }

    @Test("The id of a place consists of whole bytes in hexadecimal")
    func places() {
        for id in ["00", "0a", "0A", "ffff", "7aeeaaa77a3183c3"] {
            #expect(
                problem(json(#""places": [{"id": "\#(id)", "name": "a"}]"#)) == nil, "\(id)")
        }
        for id in ["", "1", "0x01", "01:02", "0g", " 01", "001"] {
            #expect(
                problem(json(#""places": [{"id": "\#(id)", "name": "a"}]"#))
                    == "\"\(id)\" is not a hexadecimal id")
        }
    }

    /// Otherwise the token refuses an attribute that the profile should omit.
    @Test("Only standard attributes can be omitted, by their standard names")
    func omissions() {
        for part in ["publicKey", "privateKey", "certificate"] {
            func problem(_ attribute: String) -> String? {
                self.problem(json(#""omits": {"\#(part)": ["\#(attribute)"]}"#))
            }
            #expect(problem("CKA_LABEL") == nil, "\(part)")
            for name in ["CKA_NOTHING", "LABEL", "cka_label", ""] {
                #expect(problem(name) == "unknown attribute \"\(name)\"", "\(part)")
            }
        }
    }

    @Test("The attributes that finding and reading a certificate requires cannot be omitted")
    func neededAttributes() {
        let needed = ["CKA_CLASS", "CKA_VALUE", "CKA_TOKEN", "CKA_CERTIFICATE_TYPE", "CKA_ID"]
        for name in needed {
            #expect(
                problem(json(#""omits": {"certificate": ["CKA_LABEL", "\#(name)"]}"#))
                    == "a certificate cannot omit \(name)")
            #expect(problem(json(#""omits": {"publicKey": ["\#(name)"]}"#)) == nil, "\(name)")
        }
    }

    // MARK: Placeholders

    @Test("Only a self-signed certificate with the subject from the profile is a placeholder")
    func placeholders() throws {
        func content(_ subject: String, _ issuer: String) -> CertificateEntry.Content {
            CertificateEntry.Content(
                subject: subject, issuer: issuer, subjectName: subject, issuerName: issuer,
                serialNumber: "01", notBefore: 0, notAfter: 1, keyKind: .ed25519,
                isAuthority: false)
        }
        let profile = try read(json(#""placeholder": {"subject": "CN=Slot "}"#))
        let without = try read(json())
        for (subject, issuer, isPlaceholder) in [
            ("CN=Slot 9a", "CN=Slot 9a", true), ("CN=Slot ", "CN=Slot ", true),
            ("CN=Slot 9a", "CN=Root", false), ("CN=Slot 9a", "CN=Slot 9b", false),
            ("CN=Slot", "CN=Slot", false), ("CN=My Slot 1", "CN=My Slot 1", false),
            ("cn=slot 9a", "cn=slot 9a", false),
        ] {
            let shown = content(subject, issuer)
            #expect(profile.isPlaceholder(shown) == isPlaceholder, "\(subject), \(issuer)")
            #expect(!without.isPlaceholder(shown))
        }
    }

    // MARK: Built-in profiles

    /// Otherwise a built-in profile that is not valid is silently ignored.
    @Test("Every built-in profile is valid, and the order of the profiles is fixed")
    func builtIn() {
        #expect(
            TokenProfile.builtIn.map(\.name) == [
                "softhsm2", "ykcs11", "opensc-piv", "opensc-openpgp", "opensc-sc-hsm",
                "opensc-pkcs15", "tpm2", "opencryptoki", "nss", "yubihsm2", "nethsm", "cloudhsm",
                "p11-kit-client",
            ])
    }

    @Test("Every profile file is a built-in profile")
    func files() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Sources/Tokens/Profiles/BuiltIn").standardized
        let files = try FileManager.default.contentsOfDirectory(
            at: folder, includingPropertiesForKeys: nil)
        #expect(files.count == TokenProfile.builtIn.count)
        for file in files {
            let profile = try TokenProfile(json: [UInt8](Data(contentsOf: file)))
            #expect(TokenProfile.builtIn.contains(profile), "\(file.lastPathComponent)")
        }
    }

    @Test("Every built-in profile survives encoding and decoding")
    func builtInRoundTrip() throws {
        for profile in TokenProfile.builtIn {
            #expect(try read(try profile.json()) == profile, "\(profile.name)")
        }
    }

    @Test("Every built-in profile names its tokens and, if it cannot write, an alternative")
    func builtInSense() {
        for profile in TokenProfile.builtIn {
            let match = profile.match
            let patterns = [
                match.libraryDescription, match.libraryManufacturer, match.tokenManufacturer,
                match.tokenModel, match.tokenLabel,
            ]
            let given = patterns.compactMap { $0 }
            #expect(!given.isEmpty, "\(profile.name) matches nothing")
            #expect(!given.contains("*") && !given.contains(""), "\(profile.name)")
            #expect(!profile.title.isEmpty && !profile.tested.isEmpty)
            #expect((profile.writes == .nobody) == (profile.instead != nil), "\(profile.name)")
            let ids = (profile.places ?? []).map { $0.id.lowercased() }
            #expect(Set(ids).count == ids.count, "\(profile.name) has a place twice")
            let isOffered = (profile.places ?? []).contains { $0.isOffered != false }
            #expect(profile.places == nil || isOffered, "\(profile.name) offers no place")
        }
    }

    /// The first matching profile is used, so a general one would hide the others.
    @Test("The profile for all PKCS#15 cards comes after those for specific cards")
    func generalProfileLast() throws {
        let all = TokenProfile.builtIn
        let general = try #require(all.firstIndex { $0.name == "opensc-pkcs15" })
        for (index, profile) in all.enumerated() where index != general {
            if profile.match.tokenModel?.hasPrefix("PKCS#15") == true {
                #expect(index < general, "\(profile.name)")
            }
        }
    }

    private static let complete = """
        {
          "name": "n", "title": "t", "tested": "x",
          "match": {
            "libraryDescription": "d*", "libraryManufacturer": "lm", "tokenManufacturer": "tm",
            "tokenModel": "mo", "tokenLabel": "la"
          },
          "notes": ["one", "two"],
          "keyKinds": ["rsa:2048", "ec:p256", "ed25519"],
          "generates": "securityOfficer", "writes": "nobody", "instead": "use another",
          "securityOfficerPIN": {
            "name": "key", "hexadecimalDigits": [32, 48], "otherLengths": [6]
          },
          "places": [
            {"id": "01", "name": "first"}, {"id": "0A", "name": "second", "isOffered": false}
          ],
          "hasFixedLabels": true, "certificatesPerKey": 1, "replacesCertificates": false,
          "showsAllKeysSince": "5.30",
          "hidesLaterKeys": {"firmwareSince": "5.70", "libraryBefore": "2.60"},
          "largestCertificate": 3052,
          "omits": {
            "publicKey": ["CKA_LOCAL"], "privateKey": ["CKA_EXTRACTABLE"],
            "certificate": ["CKA_LABEL"]
          },
          "placeholder": {"subject": "CN=Slot "},
          "tellsKeysInNewSessions": true, "hidesOrigin": false, "keepsDestroyedKeys": true, "cachesObjects": true,
          "storesPublicKeysInCertificates": true,
          "hasFactorySecurityOfficerPIN": true, "newPINTool": "tool", "pinTries": 3,
          "countsPINsTogether": true
        }
        """
}
