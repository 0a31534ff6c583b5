import Cryptoki
import Foundation
import OpenSSLX509
import Testing
import TokencertTestAuthority
import TokencertTestSupport

@testable import TokencertCommands
@testable import TokencertIssuance
@testable import TokencertTokens

/// The JSON of a report, parsed.
func jsonObject(_ value: some Encodable) throws -> [String: Any] {
    let parsed = try JSONSerialization.jsonObject(with: Data(try jsonText(value).utf8))
    return try #require(parsed as? [String: Any])
}

/// The output about an issued certificate.
@Suite struct IssueReportTests {
    /// The parameters of a sample certificate on a token.
    private struct Sample {
        var name = "Anna"
        var uri = "pkcs11:id=%01"
        var wasThere = false
        var chain: [String] = []
        var proof = Possession.signature
        var differences: [Difference] = []
        var retired: String?
        var keyRemarks: [String] = []
        var remarks: [String] = []

        func report() throws -> IssueReport {
            let key = try HostPrivateKey.generate(.ec(.p256))
            let certificate = try key.issue(
                CertificateContent(
                    subject: [NameAttribute(.commonName, name)], publicKey: key.publicKey,
                    serialNumber: [0x0A, 0xFF], notBefore: 1_700_000_000,
                    notAfter: 1_800_000_000, extensions: []), issuer: nil)
            let tokenKey = TokenKey(
                handle: ObjectHandle(rawValue: 1), publicKey: key.publicKey, id: [0x01, 0xAB],
                labelBytes: [0x6D, 0xE4], uri: uri + ";type=private", isNew: true,
                needsPINForEachUse: false, maySign: true, mayDecrypt: false,
                tellsPublicKey: true, remarks: keyRemarks)
            return IssueReport(
                IssuedCertificate(
                    certificate: certificate, key: tokenKey, uri: uri + ";type=cert",
                    wasThere: wasThere, chain: chain, proof: proof, differences: differences,
                    order: 7, unrecorded: nil, retired: retired, remarks: remarks))
        }
    }

    // Otherwise the user could rely on a key that never signed anything.
    @Test("The report mentions a proof only if the token gave one")
    func proof() throws {
        let proved: [Possession] = [.signature, .decryption]
        for proof in proved {
            let new = try Sample(proof: proof).report().lines
            #expect(
                new[0] == "The certificate is on the token, and the token has proved that it "
                    + "holds its key.")
            let old = try Sample(wasThere: true, proof: proof).report().lines
            #expect(
                old[0] == "The certificate was already on the token, and the token has proved "
                    + "its key.")
            #expect(max(displayWidth(new[0]), displayWidth(old[0])) <= 80)
        }
        let new = try Sample(proof: .none).report().lines
        #expect(new[0] == "The certificate is on the token.")
        let old = try Sample(wasThere: true, proof: .none).report().lines
        #expect(old[0] == "The certificate was already on the token.")
    }

    @Test("Chain, remarks, removals and changes are printed, with the remarks of the key first")
    func lines() throws {
        let plain = try Sample().report().lines
        let markers = ["  chain  ", "  remark  ", "  removed  ", "  changed  "]
        for marker in markers {
            #expect(!plain.contains { $0.hasPrefix(marker) }, "\(plain)")
        }
        let lines = try Sample(
            chain: ["CN=a", "CN=b"],
            differences: [Difference(subject: "name", asked: "Anna", got: "WoT User")],
            retired: "CN=old", keyRemarks: ["r1"], remarks: ["r2"]
        ).report().lines
        let added = [
            "  chain        CN=a", "  chain        CN=b", "  remark       r1",
            "  remark       r2", "  removed      CN=old",
            "  changed      name: requested \"Anna\", got \"WoT User\"",
        ]
        #expect(Array(lines.dropFirst(plain.count)) == added)
        #expect(lines.contains("  valid        2023-11-14T22:13:20Z to 2027-01-15T08:00:00Z"))
        #expect(lines.contains("  serial       0aff"))
        #expect(lines.contains("  key          EC P-256, id 01ab"))
        #expect(lines.contains(#"  label        m\xE4"#))
        #expect(lines.contains("  order        7 in the ledger"))
        #expect(!lines.contains { $0.contains("pkcs11:") }, "\(lines)")
    }

    // Otherwise a URI with a quotation mark could run a command when the user pastes it.
    @Test("URIs are quoted for the shell")
    func quotedURIs() throws {
        let lines = try Sample(uri: "pkcs11:object=it's$(id)").report().uriLines
        let uri = #"'pkcs11:object=it'\''s$(id)"#
        #expect(lines.contains("  private key  \(uri);type=private'"), "\(lines)")
        #expect(lines.contains("  certificate  \(uri);type=cert'"), "\(lines)")
    }

    // Otherwise a name in a certificate could forge a line of output or look like another name.
    @Test("Characters that move the cursor or change the writing direction are not printed")
    func hostile() throws {
        let bad = "a\u{1B}[2J\u{202E}b\nc\u{9B}d\u{200B}e"
        let report = try Sample(
            name: "Anna\u{202E}nnA", uri: bad, chain: [bad],
            differences: [Difference(subject: bad, asked: bad, got: bad)], retired: bad,
            keyRemarks: [bad], remarks: [bad]
        ).report()
        let lines = report.lines + report.uriLines
        for line in lines { #expect(printable(line) == line, "\(line)") }
        let escaped = lines.filter { $0.contains(#"\u{1B}[2J"#) }
        // Both URIs, the chain, two remarks, the removed certificate and the change.
        #expect(escaped.count == 7, "\(lines)")
    }

    /// Programs that read the JSON rely on these names.
    @Test(
        "The fields of the JSON are always the same, except for the removed certificate"
    )
    func json() throws {
        let names: Set<String> = [
            "id", "label", "keyKind", "isNewKey", "key", "certificate", "proof", "changes",
            "remarks", "order", "wasThere", "chain",
        ]
        let plain = try jsonObject(Sample().report())
        #expect(Set(plain.keys) == names)
        #expect(plain.certificate("uri") == "pkcs11:id=%01;type=cert")
        #expect(plain.certificate("id") == "01" && plain.certificate("label") == "")
        #expect(plain.certificate("serialNumber") == "0aff")
        #expect(plain.certificate("pem")?.hasPrefix("-----BEGIN CERTIFICATE-----\n") == true)
        #expect(plain["proof"] as? String == "signature")
        #expect(plain["order"] as? Int == 7 && plain["isNewKey"] as? Bool == true)
        // Bytes that are not UTF-8 are escaped and not replaced.
        #expect(plain["label"] as? String == #"m\xE4"#)
        #expect((plain["changes"] as? [Any])?.isEmpty == true)
        let change = Difference(subject: "name", asked: "a", got: "b")
        let full = try jsonObject(Sample(differences: [change], retired: "CN=old").report())
        #expect(Set(full.keys) == names.union(["retired"]))
        let changes = full["changes"] as? [[String: String]]
        #expect(changes == [["subject": "name", "asked": "a", "got": "b"]])
    }
}

/// Keys and certificates in JSON.
@Suite struct ObjectReportTests {
    private static let now: Int64 = 1_800_000_000
    private static let token = try! PKCS11URI(parsing: "pkcs11:token=work")

    private func record(
        _ number: UInt, _ objectClass: ObjectClass, label: String = "mail"
    ) -> ObjectRecord {
        ObjectRecord(
            handle: ObjectHandle(rawValue: number), objectClass: objectClass, id: [1],
            labelBytes: Array(label.utf8), on: ObjectURIs(token: Self.token))
    }

    private func entry(
        _ number: UInt, _ certificate: Certificate?,
        _ obstacle: CertificateEntry.Obstacle? = nil
    ) -> CertificateEntry {
        CertificateEntry(
            record: record(number, .certificate), valueHash: [],
            content: certificate.map { CertificateEntry.Content($0) }, obstacle: obstacle,
            certificate: certificate)
    }

    private func key(_ value: PublicKey?, protection: KeyProtection? = nil) -> KeyEntry {
        var key = KeyEntry()
        key.privateKey = record(1, .privateKey)
        key.publicKey = record(2, .publicKey)
        key.value = value
        key.kind = value?.kind
        key.protection = protection
        return key
    }

    private func health(
        _ keys: [KeyEntry] = [], _ certificates: [CertificateEntry] = []
    ) -> TokenHealth {
        Health(now: Self.now, sawPrivateObjects: true)
            .of(TokenInventory(keys: keys, certificates: certificates, otherObjects: 0))
    }

    private func rsa(_ exponent: [UInt8]) -> PublicKey {
        PublicKey(
            rsaModulus: [0xC0] + [UInt8](repeating: 7, count: 255), publicExponent: exponent)
    }

    // MARK: Keys

    @Test("An attribute that the token does not return is absent in JSON and not false")
    func silentKey() throws {
        var bare = KeyEntry()
        bare.publicKey = record(2, .publicKey)
        let shown = try jsonObject(KeyReport(bare, health([bare])))
        #expect(
            Set(shown.keys) == ["kind", "label", "id", "publicKey", "findings", "certificates"])
        #expect(shown["kind"] as? String == "unknown")
        let silent = KeyProtection(
            isLocal: nil, isSensitive: nil, isExtractable: false, isNeverExtractable: nil)
        let some = key(nil, protection: silent)
        let partly = try jsonObject(KeyReport(some, health([some])))
        #expect(partly["isExtractable"] as? Bool == false)
        for name in ["isLocal", "isSensitive", "isNeverExtractable", "sha256", "publicExponent"] {
            #expect(partly[name] == nil, "\(name)")
        }
        let line = try jsonObject(ListReport.Key(bare, health([bare])))
        #expect(
            Set(line.keys) == [
                "kind", "label", "id", "publicKey", "certificates", "mismatchedCertificates",
                "findings",
            ])
    }

    @Test("The attributes that the token returns are reported")
    func loudKey() throws {
        let protection = KeyProtection(
            isLocal: true, isSensitive: false, isExtractable: true, isNeverExtractable: false)
        let loud = key(rsa([1, 0, 1]), protection: protection)
        let shown = try jsonObject(KeyReport(loud, health([loud])))
        #expect(shown["isLocal"] as? Bool == true && shown["isSensitive"] as? Bool == false)
        #expect(
            shown["isExtractable"] as? Bool == true
                && shown["isNeverExtractable"] as? Bool == false)
        #expect(shown["kind"] as? String == "RSA 2048")
        #expect(shown["privateKey"] as? String == loud.privateKey?.uri)
        #expect(
            shown["sha256"] as? String
                == loud.value.map { hexadecimal($0.sha256Fingerprint) })
        let line = try jsonObject(ListReport.Key(loud, health([loud])))
        for object in [shown, line] {
            let kinds = try #require(object["findings"] as? [String])
            #expect(kinds.contains("exportable"), "\(kinds)")
        }
    }

    @Test("A public exponent is a number, or hexadecimal if it does not fit into 64 bits")
    func exponents() {
        let cases: [([UInt8], String)] = [
            ([3], "3"), ([1, 0, 1], "65537"),
            ([UInt8](repeating: 0xFF, count: 8), "18446744073709551615"),
            ([1] + [UInt8](repeating: 0, count: 8), "0x010000000000000000"),
        ]
        for (bytes, text) in cases {
            let report = KeyReport(key(rsa(bytes)), health())
            #expect(report.publicExponent == text)
        }
    }

    @Test("A key of unknown size is not reported with 0 bits")
    func kinds() {
        let cases: [(KeyKind?, String)] = [
            (.rsa(bits: 0), "RSA"), (.rsa(bits: 2048), "RSA 2048"), (nil, "unknown"),
            (.other("1.2.3"), "1.2.3"), (.ed25519, "Ed25519"),
        ]
        for (kind, name) in cases { #expect(ListReport.name(kind) == name) }
    }

    // MARK: Certificates

    private func certificate(
        until notAfter: Int64, _ extensions: [CertificateExtension] = []
    ) throws -> Certificate {
        let key = try HostPrivateKey.generate(.ec(.p256))
        return try key.issue(
            CertificateContent(
                subject: [NameAttribute(.commonName, "Anna")], publicKey: key.publicKey,
                serialNumber: [0x0A], notBefore: 1_700_000_000, notAfter: notAfter,
                extensions: extensions), issuer: nil)
    }

    // Otherwise a script could mistake another object for a certificate with empty names.
    @Test("An unreadable certificate has only the fields that identify the object")
    func unreadable() throws {
        let obstacles: [CertificateEntry.Obstacle] = [.malformed, .pem, .url, .noValue]
        for obstacle in obstacles {
            let bad = entry(3, nil, obstacle)
            let findings = health([], [bad]).findings(bad, of: nil)
            for isInFull in [true, false] {
                let shown = try jsonObject(
                    CertificateReport(bad, Self.now, findings, isInFull: isInFull))
                #expect(Set(shown.keys) == ["uri", "label", "id", "findings"], "\(obstacle)")
                #expect((shown["findings"] as? [String])?.isEmpty == false, "\(obstacle)")
            }
        }
    }

    @Test("An expired certificate has negative days left")
    func validity() throws {
        let ends: [(Int64, Int)] = [
            (Self.now + 86_400, 1), (Self.now, 0), (Self.now - 1, -1), (Self.now - 86_401, -2),
        ]
        for (end, days) in ends {
            let known = entry(3, try certificate(until: end))
            let report = CertificateReport(
                known, Self.now, health([], [known]).findings(known, of: nil))
            #expect(report.daysLeft == days && report.notAfter == timestamp(end))
            #expect(report.serialNumber == "0a" && report.keyKind == "EC P-256")
            let isExpired = report.findings?.contains(.expired)
            #expect(isExpired == (days < 0), "\(days)")
        }
    }

    @Test("The JSON of a certificate has no fields that are only for display")
    func certificateNames() throws {
        let extensions = [
            try CertificateExtension.subjectAlternativeName(emailAddresses: ["anna@example.org"]),
            CertificateExtension.extendedKeyUsage([.emailProtection]),
        ]
        let known = entry(3, try certificate(until: Self.now, extensions))
        let shown = try jsonObject(CertificateReport(known, Self.now, [], isInFull: true))
        #expect(shown["title"] == nil)
        #expect(shown["emailAddresses"] as? [String] == ["anna@example.org"])
        #expect((shown["extendedKeyUsages"] as? [String])?.count == 1)
        #expect(shown["isAuthority"] as? Bool == false)
        // The certificate has no such extension, so the field is absent and not empty.
        #expect(shown["subjectKeyIdentifier"] == nil)
        #expect(shown["pem"] as? String == known.certificate?.pem)
        let full = ["extendedKeyUsages", "ocsp", "pem"]
        let listed = try jsonObject(CertificateReport(known, Self.now, []))
        #expect(Set(listed.keys) == Set(shown.keys).subtracting(full))
    }

    // Otherwise a script would need other names for each command.
    @Test("A certificate has the same names wherever it comes from, as far as it is known")
    func oneForm() throws {
        let own = try certificate(until: Self.now)
        let known = entry(3, own)
        let uri = known.record.uri
        let onToken = CertificateReport(known, Self.now, isInFull: true)
        #expect(
            try jsonText(CertificateReport(own, uri: uri, Self.now)) == jsonText(onToken))
        #expect(
            try jsonText(CertificateReport(known.content, uri: uri, Self.now))
                == jsonText(CertificateReport(known, Self.now)))
        let anchor = try jsonObject(CertificateReport(own, Self.now))
        let all = try jsonObject(onToken)
        #expect(Set(anchor.keys) == Set(all.keys).subtracting(["uri", "label", "id"]))
    }
}

/// When a certificate expires, in words.
@Suite struct ExpiryTextTests {
    @Test("Only whole days are counted, and the last second is still valid")
    func days() {
        for (seconds, text) in [
            (14 * 86_400, "expires in 14 days"), (2 * 86_400 - 1, "expires in 1 day"),
            (86_399, "expires in less than a day"), (0, "expires in less than a day"),
            (-1, "expired less than a day ago"), (-86_400, "expired 1 day ago"),
            (-3 * 86_400, "expired 3 days ago"),
        ] as [(Int64, String)] {
            #expect(ExpiringLine.expiry(1_800_000_000 + seconds, at: 1_800_000_000) == text)
        }
    }
}
