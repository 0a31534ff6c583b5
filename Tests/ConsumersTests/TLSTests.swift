import OpenSSLX509
import Testing
import TokencertPlatform
import TokencertTestAuthority

@testable import TokencertConsumers

/// The settings of curl. Otherwise curl could not log in, or would send only a part of the PIN.
@Suite struct TLSTests {
    @Test("A path in the settings of curl cannot end the quotation or begin a password")
    func path() {
        let settings = TLS.settings(chain: "/a:b \"c\\d\n/x.pem", key: "pkcs11:id=%01;type=private")
        let lines = settings.split(separator: "\n")
        #expect(lines.count == 6)
        #expect(lines[1] == #"cert = "/a\\:b \"c\\\\d\n/x.pem""#)
        #expect(lines[4] == #"key = "pkcs11:id=%01;type=private""#)
    }

    @Test(
        "A PIN reaches curl as it is",
        arguments: [
            ("123456", "pass = \"123456\"\n"), ("a\"b\\c", #"pass = "a\"b\\c""# + "\n"),
            ("ä #", "pass = \"ä #\"\n"), ("", ""),
        ])
    func password(pin: String, expected: String) {
        let line = Curl.passwordSetting(Secret(copying: pin.utf8))
        let isExpected = line.isSame(as: Secret(copying: expected.utf8))
        #expect(isExpected)
    }

    @Test(
        "curl is accepted only if OpenSSL is the TLS library in use",
        arguments: [
            ("curl 7.88.1 (x86_64-pc-linux-gnu) libcurl/7.88.1 OpenSSL/3.0.19 zlib/1.2.13", true),
            ("curl 8.5.0 (x86_64) libcurl/8.5.0 (OpenSSL/3.0.13) GnuTLS/3.8.3 zlib/1.3", false),
            ("curl 8.7.1 (x86_64-apple-darwin24.0) libcurl/8.7.1 LibreSSL/3.3.6", false),
            ("curl 8.5.0 GnuTLS/3.8.3\nProtocols: OpenSSL/3", false), ("", false),
        ])
    func library(version: String, isAccepted: Bool) {
        #expect(Curl.usesOpenSSL(version) == isAccepted)
    }

    @Test("Only the whole certificate in a report of TLS 1.3 is a proof")
    func proof() throws {
        let used = try used()
        let report = "New, TLSv1.3, Cipher is X\nClient certificate\n"
        #expect(TLS.proves(report + used.certificate.pem + "</pre>", used.certificate))
        #expect(!TLS.proves(report, used.certificate))
        #expect(!TLS.proves(used.certificate.pem, used.certificate))
        #expect(!TLS.proves(report + (try self.used()).certificate.pem, used.certificate))
    }

    // MARK: Fitness

    @Test("A certificate without restrictions, or for client authentication, is fit")
    func fit() throws {
        try TLS().requireFit(used())
        try TLS().requireFit(
            used([.keyUsage([.digitalSignature]), .extendedKeyUsage([.clientAuth])]))
        try TLS().requireFit(used([.extendedKeyUsage([.serverAuth, .any])]))
    }

    @Test("A certificate for other usages is refused")
    func unfit() throws {
        for extensions: [CertificateExtension] in [
            [.extendedKeyUsage([.serverAuth, .emailProtection])],
            [.keyUsage([.keyEncipherment]), .extendedKeyUsage([.clientAuth])],
        ] {
            let used = try used(extensions)
            let error = #expect(throws: ConsumerError.self) { try TLS().requireFit(used) }
            #expect(error?.code == .certificateUnfit)
            #expect(error?.message.contains("\n") == false)
        }
    }

    @Test("A second token is refused only if the URI of the key is for both")
    func severalTokens() throws {
        let other = UsedCertificate.OtherToken(label: "work", serialNumber: "02", slot: 2)
        try TLS().requireFit(used(others: [other]))
        let same = UsedCertificate.OtherToken(label: "work", serialNumber: "01", slot: 2)
        let used = try used(others: [other, same])
        for consumer: any Consumer in [TLS(), OpenSSLTool()] {
            let error = #expect(throws: ConsumerError.self) { try consumer.requireFit(used) }
            #expect(error?.code == .tokenUnfit)
        }
    }

    private func used(
        _ extensions: [CertificateExtension] = [], others: [UsedCertificate.OtherToken] = []
    ) throws -> UsedCertificate {
        let key = try HostPrivateKey.generate(.ec(.p256))
        let certificate = try key.issue(
            CertificateContent(
                subject: [.init(.commonName, "Anna")], publicKey: key.publicKey,
                serialNumber: [1], notBefore: 1_700_000_000, notAfter: 1_900_000_000,
                extensions: extensions), issuer: nil)
        return UsedCertificate(
            certificate: certificate, issuers: [],
            key: UsedCertificate.Key(
                id: [1], label: "mail", certificateLabel: "mail", needsPINForEachUse: false),
            token: UsedCertificate.TokenPlace(
                modulePath: "/lib/module.so", slot: 1,
                uri: "pkcs11:model=M;manufacturer=F;serial=01;token=work",
                label: "work", serialNumber: "01", others: others))
    }
}
