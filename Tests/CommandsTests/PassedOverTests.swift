import Cryptoki
import Foundation
import OpenSSLX509
import Testing
import TokencertTestSupport

@testable import TokencertCommands
@testable import TokencertIssuance
@testable import TokencertTokens

/// Messages about certificates and keys that are skipped.
@Suite struct PassedOverTests {
    private static let token = try! PKCS11URI(parsing: "pkcs11:token=work")

    private func entry(_ content: CertificateEntry.Content?) -> CertificateEntry {
        CertificateEntry(
            record: ObjectRecord(
                handle: ObjectHandle(rawValue: 1), objectClass: .certificate, id: [1],
                labelBytes: Array("mail".utf8), on: ObjectURIs(token: Self.token)),
            valueHash: [], content: content, obstacle: content == nil ? .pem : nil,
            certificate: nil)
    }

    private var content: CertificateEntry.Content {
        CertificateEntry.Content(
            subject: "CN=Anna", issuer: "CN=b", subjectName: "Anna", issuerName: "b",
            serialNumber: "0a", notBefore: 0, notAfter: 1, keyKind: .ed25519,
            isAuthority: false)
    }

    private let none = TitlesByURI(TokenInventory(keys: [], certificates: [], otherObjects: 0))

    @Test(
        "The message about a certificate has its subject and serial number, or else its label and id"
    )
    func lines() {
        let named = PassedOver(entry(content), "it is old")
        #expect(named.text(none) == "CN=Anna (serial number 0a) was skipped: it is old")
        let advised = PassedOver(entry(content), "it is old", advice: .issue)
        #expect(
            advised.text(none)
                == named.text(none) + "; to get a new key and certificate: tokencert issue")
        #expect(
            PassedOver(entry(nil), "it is text").text(none)
                == "mail, id 01 was skipped: it is text")
        let key = PassedOver(key: Self.token, "it is alone", advice: .resume(7))
        #expect(
            key.text(none)
                == "the key 'pkcs11:token=work' was skipped: it is alone; "
                + "to finish its order: tokencert resume 7")
        let lost = PassedOver(
            key: Self.token, "it is alone", advice: .certify(key: Self.token))
        let text = lost.text(none)
        #expect(text.hasSuffix("tokencert issue --key 'pkcs11:token=work'"), "\(text)")
    }

    /// A key with these certificates; without a login only its public half is seen.
    private func key(_ certificates: [CertificateEntry]) -> KeyEntry {
        var key = KeyEntry()
        key.publicKey = ObjectRecord(
            handle: ObjectHandle(rawValue: 7), objectClass: .publicKey, id: [1],
            labelBytes: Array("mail".utf8), on: ObjectURIs(token: Self.token))
        key.certificates = certificates
        return key
    }

    // Users cannot type URIs of 145 characters, and would take one certificate for another.
    @Test("A key and its only certificate are named by label, others by serial number")
    func titles() {
        let only = entry(content)
        let privateKey = "pkcs11:token=work;id=%01;object=mail;type=private"
        func titles(_ keys: [KeyEntry], _ lone: [CertificateEntry] = []) -> TitlesByURI {
            TitlesByURI(
                TokenInventory(keys: keys, certificates: lone, otherObjects: 0),
                selection: " --token work")
        }
        let single = titles([key([only])])
        #expect(
            PassedOver(only, "it is old").text(single)
                == "mail (Anna, valid to 1970-01-01) was skipped: it is old")
        #expect(single.argument(only.record.uri) == "mail --token work")
        #expect(single.argument(privateKey) == "mail --token work")
        #expect(single.title(privateKey) == "mail (Anna, valid to 1970-01-01)")
        let alone = titles([], [only])
        #expect(alone.title(only.record.uri) == "0a (Anna, valid to 1970-01-01)")
        #expect(alone.argument(only.record.uri, serialNumber: "0a") == "0a --token work")
        // What cannot be told apart keeps its URI.
        let twins = titles([], [only, only])
        #expect(twins.title(only.record.uri) == nil)
        #expect(
            twins.argument(only.record.uri, serialNumber: "0a")
                == "'\(only.record.uri)' --serial 0a")
        #expect(single.title("pkcs11:token=work;object=other") == nil)
        #expect(
            titles([key([])]).argument(privateKey) == "mail --token work")
    }

    // A report of many certificates would break lines, and hide which one was not renewed.
    @Test("The table of a renewal names what was not renewed, and why, in 80 columns")
    func table() throws {
        var found = Renewals()
        let only = entry(content)
        found.inventory = TokenInventory(
            keys: [key([only])], certificates: [], otherObjects: 0)
        let reason =
            "order 2 was refused on 2026-11-28T00:00:00Z (the CA refused the order: Invalid or "
            + "missing CSR); no other order is placed automatically before 2026-12-05T00:00:00Z"
        found.passedOver = [PassedOver(only, reason)]
        var tally = RenewalTally(of: found, makesKeys: false, on: .init())
        tally.untried = ["other"]
        var report = RenewalReport(isBatch: true, isDryRun: false)
        report.add(tally)
        let style = Style(.standardOutput, choice: .never, symbols: .ascii)
        let lines = report.table(width: 80).lines(style, width: 80)
        #expect(lines[0] == "CERTIFICATE                       NEW SERIAL   VALID TO")
        #expect(lines[1] == "other                             not renewed")
        #expect(lines[2] == "  not tried after this failure")
        #expect(lines[3] == "mail (Anna, valid to 1970-01-01)  not renewed")
        #expect(lines.count == 7 && lines.allSatisfy { displayWidth($0) <= 80 }, "\(lines)")
        #expect(
            lines[4...].map { $0.drop { $0 == " " } }.joined(separator: " ") == reason, "\(lines)")
    }

    // Otherwise the table is a line of titles, and a user of several tokens does not see which failed.
    @Test("The table of a renewal names each token whose certificates were not renewed")
    func tableOfFailures() throws {
        var report = RenewalReport(isBatch: true, isDryRun: false)
        for label in ["work", "home"] {
            report.add(Failure(.tokenFailed, "the token was removed", hints: []), ofToken: label)
        }
        let style = Style(.standardOutput, choice: .never, symbols: .ascii)
        let lines = report.table(width: 80).lines(style, width: 80)
        #expect(lines.count == 5, "\(lines)")
        for (index, label) in [(1, "work"), (3, "home")] {
            #expect(lines[index].hasPrefix("all          \(label) "), "\(lines)")
            #expect(lines[index + 1] == "  the token was removed", "\(lines)")
        }
    }

    @Test("Control characters from a certificate are not printed")
    func printing() {
        let hostile = CertificateEntry.Content(
            subject: "CN=a\u{1B}[2Jb", issuer: "", subjectName: "", issuerName: "",
            serialNumber: "01", notBefore: 0, notAfter: 1, keyKind: .ed25519,
            isAuthority: false)
        let text = PassedOver(entry(hostile), "reason").text(none)
        #expect(!text.unicodeScalars.contains("\u{1B}") && text.contains(#"\u{1B}[2Jb"#))
    }

    @Test("Only a key that cannot sign leads to a hint about --new-key")
    func failures() {
        var passedOver = PassedOver(entry(content), "it does not chain to a trust anchor")
        let plain = Failure(renewal: .passedOver(passedOver), none)
        #expect(plain.status == .noSuchObject && plain.code == "noSuchObject")
        #expect(
            plain.message
                == "cannot renew CN=Anna (serial number 0a): it does not chain to a trust anchor")
        #expect(plain.hints.count == 1 && !plain.hints[0].contains("--new-key"))
        passedOver.needsNewKey = true
        let unusable = Failure(renewal: .passedOver(passedOver), none)
        #expect(unusable.status == .cannotCreate && unusable.code == "keyUnusable")
        #expect(unusable.hints.count == 3 && unusable.hints[0].contains("--new-key"))
    }

    // Otherwise a key that may be compromised would get another certificate.
    @Test("The failure for a revoked certificate suggests a new key, and no import")
    func revoked() {
        let passedOver = PassedOver(entry(content), revocationRecordedAt: 0)
        let failure = Failure(renewal: .passedOver(passedOver), none)
        #expect(failure.status == .cannotCreate && failure.code == "keyUnusable")
        #expect(
            failure.message
                == "cannot renew CN=Anna (serial number 0a): it is revoked (recorded on 1970-01-01)"
        )
        #expect(failure.hints.count == 2 && failure.hints[0].contains("--new-key"))
        #expect(!failure.hints.contains { $0.contains("import") })
    }

    @Test("Certificates and keys are counted separately, in the singular and in the plural")
    func counts() {
        let certificate = PassedOver(entry(content), "r")
        let key = PassedOver(key: Self.token, "r", advice: .issue)
        for (all, text) in [
            ([certificate], "1 certificate was skipped"),
            ([certificate, certificate], "2 certificates were skipped"),
            ([key], "1 key without a certificate was skipped"),
            ([key, key, key], "3 keys without a certificate were skipped"),
            (
                [key, certificate],
                "1 certificate and 1 key without a certificate were skipped"
            ),
            (
                [certificate, key, certificate, key],
                "2 certificates and 2 keys without a certificate were skipped"
            ),
        ] {
            #expect(PassedOver.count(all) == text)
        }
    }

    /// Programs that read the JSON rely on these names.
    @Test("The JSON contains only the fields that are known")
    func json() throws {
        func object(_ passedOver: PassedOver) throws -> [String: Any] {
            let data = try JSONEncoder().encode(PassedOverReport(passedOver))
            let parsed = try JSONSerialization.jsonObject(with: data)
            return try #require(parsed as? [String: Any])
        }
        var certificate = PassedOver(entry(content), "it is old", advice: .issue)
        certificate.needsNewKey = true
        let first = try object(certificate)
        #expect(
            Set(first.keys) == [
                "certificate", "reason", "advice", "needsAction",
            ])
        #expect(first.certificate("subject") == "CN=Anna")
        #expect(first.certificate("serialNumber") == "0a" && first.certificate("id") == "01")
        #expect(first["reason"] as? String == "it is old")
        #expect(
            first["advice"] as? String == "to get a new key and certificate: tokencert issue")
        #expect(first["needsAction"] as? Bool == true)
        let second = try object(PassedOver(entry(nil), "it is text", needsAction: false))
        #expect(Set(second.keys) == ["certificate", "reason", "needsAction"])
        #expect(second.certificate("label") == "mail" && second.certificate("subject") == nil)
        #expect(second["needsAction"] as? Bool == false)
        let third = try object(PassedOver(key: Self.token, "it is alone", advice: .resume(7)))
        #expect(Set(third.keys) == ["key", "reason", "advice", "needsAction"])
        #expect(third["key"] as? String == "pkcs11:token=work")
    }

    @Test("If a URI matches several keys or certificates, each is listed")
    func several() {
        let keys = Failure(renewal: .severalKeys([Self.token, Self.token]), none)
        #expect(keys.status == .noSuchObject && keys.message == "more than one key matches")
        #expect(keys.hints == Array(repeating: "one of them: 'pkcs11:token=work'", count: 2))
        let certificates = Failure(
            renewal: .severalCertificates([entry(content), entry(content)], Self.token), none)
        #expect(certificates.code == "severalObjects" && certificates.hints.count == 2)
        #expect(certificates.hints[0].hasPrefix("one of them: "), "\(certificates.hints)")
        let other = PassedOver(entry(content), "it is old")
        let failure = Failure(renewal: .noneFits(Self.token, [other], keys: []), none)
        #expect(failure.message.hasSuffix("matches pkcs11:token=work"))
        #expect(failure.hints.first == other.text(none) && failure.hints.count == 2)
    }
}
