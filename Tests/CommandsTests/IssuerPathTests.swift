import OpenSSLX509
import Testing
import TokencertTestAuthority

@testable import TokencertCommands

/// The issuers of a certificate, as shown in evidence and in trees.
@Suite struct IssuerPathTests {
    private struct Authority {
        let key: HostPrivateKey
        let certificate: Certificate

        init(_ name: String, issuer: Authority? = nil, key: HostPrivateKey? = nil) throws {
            let own = try key ?? HostPrivateKey.generate(.ec(.p256))
            self.key = own
            certificate = try (issuer?.key ?? own).issue(
                IssuerPathTests.content(name, own.publicKey), issuer: issuer?.certificate)
        }

        func issue(_ name: String) throws -> Certificate {
            let user = try HostPrivateKey.generate(.ec(.p256))
            return try key.issue(
                IssuerPathTests.content(name, user.publicKey), issuer: certificate)
        }
    }

    private static func content(_ name: String, _ key: PublicKey) -> CertificateContent {
        CertificateContent(
            subject: [NameAttribute(.commonName, name)], publicKey: key, serialNumber: [1],
            notBefore: 1_000_000_000, notAfter: 2_000_000_000, extensions: [])
    }

    @Test("The path consists of the known issuers up to the root, in any order of input")
    func path() throws {
        let root = try Authority("Root")
        let middle = try Authority("Class 3", issuer: root)
        let user = try middle.issue("Anna")
        let path = [middle.certificate, root.certificate]
        #expect(user.issuers(among: path, upTo: nil) == path)
        #expect(user.issuers(among: path.reversed(), upTo: nil) == path)
        #expect(user.issuers(among: [middle.certificate, user], upTo: nil) == [path[0]])
        #expect(user.issuers(among: [root.certificate], upTo: nil).isEmpty)
        #expect(user.issuers(among: [], upTo: nil).isEmpty)
        #expect(root.certificate.issuers(among: path, upTo: nil).isEmpty)
    }

    // Otherwise a certificate would seem to come from a CA that never signed it.
    @Test("An authority with the same name that did not sign is skipped")
    func forged() throws {
        let root = try Authority("Root")
        let other = try Authority("Root")
        let user = try root.issue("Anna")
        #expect(user.issuers(among: [other.certificate], upTo: nil).isEmpty)
        #expect(
            user.issuers(among: [other.certificate, root.certificate], upTo: nil)
                == [root.certificate])
    }

    @Test("The path ends at a trust anchor, even if more issuers are known")
    func anchor() throws {
        let root = try Authority("Root")
        let middle = try Authority("Class 3", issuer: root)
        let user = try middle.issue("Anna")
        let known = [root.certificate, middle.certificate]
        #expect(
            user.issuers(among: known, upTo: TrustAnchors([middle.certificate]))
                == [middle.certificate])
        #expect(
            user.issuers(among: known, upTo: TrustAnchors([root.certificate]))
                == [middle.certificate, root.certificate])
    }

    // Otherwise the command would never end.
    @Test("The path of authorities that signed each other is limited")
    func circle() throws {
        let one = try Authority("One")
        let two = try Authority("Two", issuer: one)
        let back = try Authority("One", issuer: two, key: one.key)
        let user = try one.issue("Anna")
        let path = user.issuers(among: [back.certificate, two.certificate], upTo: nil)
        #expect(path.prefix(3) == [back.certificate, two.certificate, back.certificate])
        #expect(path.count == 8)
    }
}
