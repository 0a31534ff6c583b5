import OpenSSLX509
import Testing
import TokencertPlatform
import TokencertTestAuthority

@testable import TokencertConsumers

/// What is written for mail, and what is refused. Otherwise mail is signed with a certificate that its
/// readers reject.
@Suite struct MailTests {
    private func used(
        key kind: KeyKind = .ec(.p256), address: String? = "anna@example.org",
        _ extensions: [CertificateExtension] = []
    ) throws -> UsedCertificate {
        let key = try HostPrivateKey.generate(kind)
        var all = extensions + [.basicConstraints(isAuthority: false)]
        if let address { all.append(try .subjectAlternativeName(emailAddresses: [address])) }
        let certificate = try key.issue(
            CertificateContent(
                subject: [.init(.commonName, "anna")], publicKey: key.publicKey,
                serialNumber: [1], notBefore: 1_700_000_000, notAfter: 1_900_000_000,
                extensions: all), issuer: nil)
        return UsedCertificate(
            certificate: certificate, issuers: [certificate],
            key: .init(
                id: [0xAB, 0x01], label: "mail", certificateLabel: "mail",
                needsPINForEachUse: false),
            token: .init(
                modulePath: "/opt/module.so", slot: 1, uri: "pkcs11:serial=1;token=work",
                label: "work", serialNumber: "1"))
    }

    private func refusal(_ used: UsedCertificate) -> ConsumerError.Code? {
        do {
            try Mail().requireFit(used)
            return nil
        } catch let error as ConsumerError {
            return error.code
        } catch { return .checkFailed }
    }

    @Test("A certificate without an e-mail address, or not for e-mail, is refused")
    func unfit() throws {
        #expect(refusal(try used()) == nil)
        #expect(refusal(try used([.extendedKeyUsage([.clientAuth, .emailProtection])])) == nil)
        #expect(refusal(try used([.extendedKeyUsage([.clientAuth])])) == .certificateUnfit)
        #expect(refusal(try used(address: nil)) == .certificateUnfit)
    }

    @Test("A certificate of which the key usage does not allow signatures is refused")
    func keyUsage() throws {
        #expect(refusal(try used([.keyUsage([.digitalSignature])])) == nil)
        #expect(refusal(try used([.keyUsage([.contentCommitment])])) == nil)
        #expect(refusal(try used([.keyUsage([.keyEncipherment])])) == .certificateUnfit)
    }

    @Test("Only an RSA key whose certificate allows it is set up to decrypt")
    func decrypts() throws {
        let rsa = KeyKind.rsa(bits: 2048)
        #expect(Mail.canDecrypt(try used(key: rsa)))
        #expect(!Mail.canDecrypt(try used(key: rsa, [.keyUsage([.digitalSignature])])))
        let elliptic = try used()
        #expect(!Mail.canDecrypt(elliptic))
        let program = Mail.program(elliptic, openssl: "/usr/bin/openssl", folder: "/f")
        #expect(!program.contains("-decrypt") && !program.contains("@DECRYPT@"))
        let settings = Mail.muttSettings(elliptic, program: "/f/smime", certificates: "/c")
        #expect(!settings.contains("decrypt"))
    }

    @Test("A path with special characters stays one word for the shell that mutt starts")
    func command() throws {
        let settings = Mail.muttSettings(
            try used(), program: #"/a $b/100%/"c"/smime"#, certificates: "/c")
        let line = try #require(
            settings.split(separator: "\n").first { $0.hasPrefix("set smime_sign_command=") })
        #expect(line.contains(#""'/a \$b/100%%/\"c\"/smime' sign -passin stdin "#))
        // mutt prints its settings in the same form, except that it leaves `$` as it is.
        let printed = line.dropFirst(4).replacing("\\$", with: "$")
        let value = Mail.muttValue(of: "smime_sign_command", in: String(printed))
        #expect(
            Mail.expanded(value, file: "/t/x y", digest: "sha256")
                == #"'/a $b/100%/"c"/smime' sign -passin stdin -md sha256 -in '/t/x y' -outform DER"#
        )
    }

    @Test(
        "The user's folder of certificates is kept",
        arguments: [
            ("/srv/certificates", "/srv/certificates"), ("~/.mail", "/home/anna/.mail"),
            ("", "/home/anna/.smime/certificates"), ("~", "/home/anna/.smime/certificates"),
            ("relative", "/home/anna/.smime/certificates"),
        ])
    func folder(setting: String, expected: String) {
        #expect(Mail.muttFolder(setting, home: "/home/anna") == expected)
    }

    @Test("A setting that mutt does not print has an empty value")
    func value() {
        #expect(Mail.muttValue(of: "a", in: "a=\"x \\\" y\"\n") == "x \" y")
        #expect(Mail.muttValue(of: "a", in: "a=\"\"\n").isEmpty)
        #expect(Mail.muttValue(of: "a", in: "a is unset\n").isEmpty)
    }
}
