import OpenSSLX509
import Testing
import TokencertTestAuthority
import TokencertTestSupport

@Suite struct ThrowawayCertificateTests {
    /// Otherwise a token rejects the certificate for its form, and `tokencert probe` prints a wrong
    /// profile.
    @Test("A throwaway certificate is well formed, has the key, and is valid for a day")
    func content() throws {
        let day: Int64 = 86_400
        let today: Int64 = 1_795_392_000
        for kind in [KeyKind.ec(.p256), .rsa(bits: 2048)] {
            let key = try HostPrivateKey.generate(kind).publicKey
            let certificate = try Certificate.throwaway(
                for: key, "tokencert probe", serialNumber: 2, from: today)
            #expect(certificate.publicKey == key)
            #expect(certificate.issuer.text == "CN=tokencert probe")
            #expect(certificate.subject.text == "CN=tokencert probe 2")
            #expect(certificate.serialNumber == "02")
            #expect(certificate.notBefore == today && certificate.notAfter == today + day)
            #expect(!certificate.isAuthority && certificate.malformedExtensions.isEmpty)
            let shown = try run("openssl", ["x509", "-noout", "-text"], input: certificate.pem)
            #expect(shown.output.contains("Version: 3 (0x2)"), "\(shown)")
            #expect(shown.output.contains("Signature Algorithm: ecdsa-with-SHA256"), "\(shown)")
        }
    }

    /// Otherwise the holder of the token's key can use the certificate as a root.
    @Test("A throwaway certificate is not signed with its own key")
    func signature() throws {
        let key = try HostPrivateKey.generate(.ec(.p256)).publicKey
        let certificate = try Certificate.throwaway(
            for: key, "tokencert probe", serialNumber: 1, from: 1_795_392_000)
        let error = #expect(throws: X509Error.self) { try certificate.verifySignature(key) }
        #expect(error?.code == .badSignature)
    }
}
