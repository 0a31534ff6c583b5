import OpenSSLX509
import Testing
import TokencertPlatform
import TokencertTestAuthority

@testable import TokencertConsumers

/// The settings of nginx. Otherwise nginx would admit other members of the CA, or no client at all.
@Suite struct NginxTests {
    private let key: HostPrivateKey
    private let authority: Certificate

    init() throws {
        key = try HostPrivateKey.generate(.ec(.p256))
        authority = try Self.issue(key, [.init(.commonName, "root")], nil, isAuthority: true)
    }

    private static func issue(
        _ key: HostPrivateKey, _ subject: [NameAttribute], _ issuer: Certificate?,
        isAuthority: Bool = false, _ usages: [ExtendedKeyUsage] = []
    ) throws -> Certificate {
        var extensions = [CertificateExtension.basicConstraints(isAuthority: isAuthority)]
        if !usages.isEmpty { extensions.append(.extendedKeyUsage(usages)) }
        return try key.issue(
            CertificateContent(
                subject: subject, publicKey: key.publicKey, serialNumber: [1],
                notBefore: 1_700_000_000, notAfter: 1_900_000_000, extensions: extensions),
            issuer: issuer)
    }

    private func used(
        _ subject: [NameAttribute] = [.init(.emailAddress, "anna@example.org")],
        _ usages: [ExtendedKeyUsage] = [.clientAuth], issuers: [Certificate]? = nil
    ) throws -> UsedCertificate {
        UsedCertificate(
            certificate: try Self.issue(key, subject, authority, usages),
            issuers: issuers ?? [authority],
            key: .init(id: [1], label: "mail", certificateLabel: "mail", needsPINForEachUse: false),
            token: .init(
                modulePath: "/module.so", slot: 0, uri: "pkcs11:serial=1;token=work",
                label: "work", serialNumber: "1"))
    }

    private func place(_ file: String?) -> Place {
        var place = Place(home: "/home/anna", configuration: "/c", own: "/own")
        place.file = file
        return place
    }

    private func refusal(_ work: () throws -> Void) -> ConsumerError.Code? {
        do {
            try work()
            return nil
        } catch {
            return (error as? ConsumerError)?.code
        }
    }

    @Test("The included file names the CAs and admits only the e-mail address of the certificate")
    func directives() throws {
        let setUp = try Nginx().setUp(try used(), place("/no/site.conf"))
        #expect(setUp.files.map(\.path) == ["/no/site-ca.pem", "/no/site.conf"])
        guard case .own(let bytes) = setUp.files[1].content else {
            Issue.record("not a file of tokencert's own")
            return
        }
        #expect(
            String(decoding: bytes, as: UTF8.self) == #"""
                # Written by tokencert use nginx. Include this file in a server block.
                ssl_client_certificate "/no/site-ca.pem";
                ssl_verify_client on;
                ssl_verify_depth 2;
                # The CA also certifies others.
                if ($ssl_client_s_dn !~ "(^|[^\x5C],)emailAddress=anna@example[.]org(,|$)") {
                    return 403;
                }

                """#)
    }

    @Test("A certificate without an e-mail address that nginx can compare is admitted by its hash")
    func fingerprint() throws {
        for subject: [NameAttribute] in [
            [.init(.commonName, "Anna")], [.init(.emailAddress, "a+b@example.org")],
            [.init(.emailAddress, "a\"b@example.org")],
        ] {
            let used = try used(subject)
            let hash = hexadecimal(Digest.sha1.hash(used.certificate.der))
            #expect(ClientCondition(used.certificate) == .fingerprint(hash))
            #expect(
                ClientCondition(used.certificate).mismatch == "$ssl_client_fingerprint != \(hash)")
        }
    }

    @Test(
        "A certificate that is not for client authentication is refused before anything is written")
    func usages() throws {
        let nginx = Nginx()
        #expect(
            refusal { try nginx.requireFit(try used([], [.emailProtection])) } == .certificateUnfit)
        #expect(refusal { try nginx.requireFit(try used()) } == nil)
    }

    @Test("A chain that does not end at a root is refused before anything is written")
    func chain() throws {
        let middle = try Self.issue(
            key, [.init(.commonName, "middle")], authority, isAuthority: true)
        #expect(
            refusal { try Nginx().requireFit(try used(issuers: [])) } == .certificateUnfit)
        #expect(
            refusal { try Nginx().requireFit(try used(issuers: [middle])) } == .certificateUnfit)
    }

    @Test(
        "A file that nginx cannot include, or loads for all servers, is refused",
        arguments: [
            nil, "/no/site\".conf", "/no/*.conf", "/no/$a", "/no/a\n;", "/no/",
            "/etc/nginx/conf.d/a.conf", "/etc/nginx/sites-enabled/a",
        ])
    func files(file: String?) throws {
        let used = try used()
        #expect(refusal { _ = try Nginx().setUp(used, place(file)) } == .placeUnknown)
    }

    @Test("Only SUCCESS with the serial number of the certificate is a proof")
    func proof() {
        #expect(Nginx.isSuccess("SUCCESS 0A1B\n200", "0a1b"))
        for answer in ["SUCCESS 0A1C\n200", "FAILED:x 0A1B\n200", "NONE \n200", "400", ""] {
            #expect(!Nginx.isSuccess(answer, "0a1b"))
        }
    }

    @Test("The reason why nginx refuses a certificate is found in its log")
    func reason() {
        let line =
            "2026/11/29 15:22:45 [info] 1#1: *2 client SSL certificate verify error: "
            + "(10:certificate has expired) while reading client request headers\n"
        #expect(Nginx.reason(in: line) == "(10:certificate has expired)")
        #expect(Nginx.reason(in: "[notice] 1#1: exit\n") == nil)
    }

    @Test("A PIN cannot end its line in curl's configuration")
    func pin() {
        let line = Curl.passwordSetting(Secret(copying: "1\"2\\3\n4\r".utf8))
        let isEscaped = line.isSame(
            as: Secret(copying: "pass = \"1\\\"2\\\\3\\n4\\r\"\n".utf8))
        #expect(isEscaped)
        let withoutPIN = Curl.passwordSetting(Secret())
        let isEmpty = withoutPIN.isEmpty
        #expect(isEmpty)
    }
}
