import OpenSSLX509
import Testing
import TokencertPlatform
import TokencertTestAuthority

@testable import TokencertConsumers

/// What programs require of a module. Otherwise a set-up is written that cannot work.
@Suite struct EngineUseTests {
    private func used(_ place: UsedCertificate.TokenPlace) throws -> UsedCertificate {
        let key = try HostPrivateKey.generate(.rsa(bits: 2048))
        let certificate = try key.issue(
            CertificateContent(
                subject: [.init(.commonName, "Anna")], publicKey: key.publicKey,
                serialNumber: [1], notBefore: 1_700_000_000, notAfter: 1_900_000_000,
                extensions: [
                    .basicConstraints(isAuthority: false),
                    .subjectAlternativeName(emailAddresses: ["anna@example.org"]),
                ]), issuer: nil)
        return UsedCertificate(
            certificate: certificate, issuers: [certificate],
            key: .init(
                id: [0xAB], label: "mail", certificateLabel: "mail", needsPINForEachUse: false),
            token: place)
    }

    private var place: UsedCertificate.TokenPlace {
        .init(
            modulePath: "/opt/module.so", slot: 1, uri: "pkcs11:serial=1;token=work",
            label: "work", serialNumber: "1")
    }

    /// With the engine as the default for all keys, tpm2-pkcs11 cannot log in to the TPM.
    @Test("openssl loads the engine for the key only, not as the default for all keys")
    func engine() throws {
        let used = try used(place)
        let name = "org.openssl.engine:pkcs11:pkcs11:serial=1;token=work;id=%ab;type=private"
        #expect(OpenSSLEngine.keyName(used) == name)
        for program in [
            Mail.program(used, openssl: "/usr/bin/openssl", folder: "/f"),
            Git.program(used, openssl: "/usr/bin/openssl", folder: "/f"),
        ] {
            #expect(program.contains("uri='\(name)'\n"))
            #expect(!program.contains("-engine"))
        }
    }

    @Test("A module that requires arguments is refused, except by programs that do not load it")
    func arguments() throws {
        var place = place
        place.needsModuleArguments = true
        let used = try used(place)
        for consumer in Consumers.all where consumer.name != "nginx" {
            let error = #expect(throws: ConsumerError.self) { try consumer.requireUsable(used) }
            #expect(error?.code == .tokenUnfit, "\(consumer.name)")
            #expect(error?.message.contains("TOKENCERT_MODULE_ARGUMENTS") == true)
        }
        #expect(throws: Never.self) { try Nginx().requireUsable(used) }
    }
}
