import Cryptoki
import Foundation
import OpenSSLX509
import Testing

@testable import TokencertCommands
@testable import TokencertIssuance
@testable import TokencertTokens

/// Messages about certificates and keys that are passed over.
@Suite struct PassedOverTests {
    private static let token = try! PKCS11URI(parsing: "pkcs11:token=work")

    private func entry(_ content: CertificateEntry.Content?) -> CertificateEntry {
        CertificateEntry(
            record: ObjectRecord(
                handle: ObjectHandle(rawValue: 1), objectClass: .certificate, id: [1],
                labelBytes: Array("mail".utf8), token: Self.token),
            valueHash: [], content: content, obstacle: content == nil ? .pem : nil,
            certificate: nil)
    }

    private var content: CertificateEntry.Content {
        CertificateEntry.Content(
            subject: "CN=Anna", issuer: "CN=b", subjectName: "Anna", issuerName: "b",
            serialNumber: "0a", notBefore: 0, notAfter: 1, keyKind: .ed25519,
            isAuthority: false)
    }

    @Test("The message about a certificate has its subject and serial number, or else its URI")
    func lines() {
        let named = PassedOver(entry(content), "it is old")
        #expect(named.text == "CN=Anna, serial number 0a, was passed over: it is old")
        let advised = PassedOver(entry(content), "it is old", advice: .issue)
        #expect(advised.text == named.text + "; to get a new key and certificate: tokencert issue")
        let unread = entry(nil)
        #expect(
            PassedOver(unread, "it is text").text
                == "'\(unread.record.uri)' was passed over: it is text")
        let key = PassedOver(key: Self.token, "it is alone", advice: .resume(7))
        #expect(
            key.text
                == "the key 'pkcs11:token=work' was passed over: it is alone; "
                + "to finish its order: tokencert resume 7")
        let lost = PassedOver(
            key: Self.token, "it is alone", advice: .certify(key: Self.token))
        #expect(lost.text.hasSuffix("tokencert issue --key 'pkcs11:token=work'"), "\(lost.text)")
    }

    @Test("Control characters from a certificate are not printed")
    func printing() {
        let hostile = CertificateEntry.Content(
            subject: "CN=a\u{1B}[2Jb", issuer: "", subjectName: "", issuerName: "",
            serialNumber: "01", notBefore: 0, notAfter: 1, keyKind: .ed25519,
            isAuthority: false)
        let text = PassedOver(entry(hostile), "reason").text
        #expect(!text.unicodeScalars.contains("\u{1B}") && text.contains(#"\u{1B}[2Jb"#))
    }

    @Test("Only a key that cannot sign leads to a hint about --new-key")
    func failures() {
        var passedOver = PassedOver(entry(content), "it leads to no trust anchor")
        let plain = Failure(renewal: .passedOver(passedOver))
        #expect(plain.status == .noSuchObject && plain.code == "noSuchObject")
        #expect(
            plain.message
                == "cannot renew CN=Anna, serial number 0a: it leads to no trust anchor")
        #expect(plain.hints.count == 1 && !plain.hints[0].contains("--new-key"))
        passedOver.needsNewKey = true
        let unusable = Failure(renewal: .passedOver(passedOver))
        #expect(unusable.status == .cannotCreate && unusable.code == "keyUnusable")
        #expect(unusable.hints.count == 3 && unusable.hints[0].contains("--new-key"))
    }

    @Test("Certificates and keys are counted separately, in the singular and in the plural")
    func counts() {
        let certificate = PassedOver(entry(content), "r")
        let key = PassedOver(key: Self.token, "r", advice: .issue)
        for (all, text) in [
            ([certificate], "1 certificate was passed over"),
            ([certificate, certificate], "2 certificates were passed over"),
            ([key], "1 key without a certificate was passed over"),
            ([key, key, key], "3 keys without a certificate were passed over"),
            (
                [key, certificate],
                "1 certificate and 1 key without a certificate were passed over"
            ),
            (
                [certificate, key, certificate, key],
                "2 certificates and 2 keys without a certificate were passed over"
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
                "subject", "serialNumber", "certificate", "reason", "advice", "needsAction",
            ])
        #expect(first["reason"] as? String == "it is old")
        #expect(
            first["advice"] as? String == "to get a new key and certificate: tokencert issue")
        #expect(first["needsAction"] as? Bool == true)
        let second = try object(PassedOver(entry(nil), "it is text", needsAction: false))
        #expect(Set(second.keys) == ["certificate", "reason", "needsAction"])
        #expect(second["needsAction"] as? Bool == false)
        let third = try object(PassedOver(key: Self.token, "it is alone", advice: .resume(7)))
        #expect(Set(third.keys) == ["key", "reason", "advice", "needsAction"])
        #expect(third["key"] as? String == "pkcs11:token=work")
    }

    @Test("If a URI matches several keys or certificates, each is listed")
    func several() {
        let keys = Failure(renewal: .severalKeys([Self.token, Self.token]))
        #expect(keys.status == .noSuchObject && keys.message == "more than one key matches")
        #expect(keys.hints == Array(repeating: "one of them: 'pkcs11:token=work'", count: 2))
        let certificates = Failure(
            renewal: .severalCertificates([entry(content), entry(content)], Self.token))
        #expect(certificates.code == "severalObjects" && certificates.hints.count == 2)
        #expect(certificates.hints[0].hasPrefix("one of them: "), "\(certificates.hints)")
        let other = PassedOver(entry(content), "it is old")
        let none = Failure(renewal: .noneFits(Self.token, [other], keys: []))
        #expect(none.message.hasSuffix("matches pkcs11:token=work"))
        #expect(none.hints.first == other.text && none.hints.count == 2)
    }
}
