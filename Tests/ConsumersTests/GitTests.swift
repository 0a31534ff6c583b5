import OpenSSLX509
import Testing
import TokencertPlatform
import TokencertTestAuthority
import TokencertTestSupport

@testable import TokencertConsumers

/// What is written for git, and what is refused. Otherwise git signs with another key, or another set-up of
/// signatures is replaced.
@Suite struct GitTests {
    /// A CA and one of its certificates.
    private func used(
        key kind: KeyKind = .ec(.p256), knowsIssuer: Bool = true, needsPIN: Bool = true,
        hasEd25519Key: Bool = false
    ) throws -> UsedCertificate {
        let authority = try HostPrivateKey.generate(.ec(.p256))
        func issue(_ name: String, _ key: PublicKey, by issuer: Certificate?) throws -> Certificate
        {
            try authority.issue(
                CertificateContent(
                    subject: [.init(.commonName, name)], publicKey: key, serialNumber: [1],
                    notBefore: 1_700_000_000, notAfter: 1_900_000_000,
                    extensions: [.basicConstraints(isAuthority: issuer == nil)]), issuer: issuer)
        }
        let root = try issue("root", authority.publicKey, by: nil)
        let key = try HostPrivateKey.generate(kind).publicKey
        var token = UsedCertificate.TokenPlace(
            modulePath: "/opt/it's/module.so", slot: 1,
            uri: "pkcs11:serial=1;token=work", label: "work", serialNumber: "1")
        token.needsPIN = needsPIN
        token.hasEd25519Key = hasEd25519Key
        return UsedCertificate(
            certificate: try issue("anna", key, by: root), issuers: knowsIssuer ? [root] : [],
            key: .init(
                id: [0xAB, 0x01], label: "mail", certificateLabel: "mail",
                needsPINForEachUse: false), token: token)
    }

    private func program(_ used: UsedCertificate) -> String {
        Git.program(used, openssl: "/usr/bin/openssl", folder: "/home/anna/a b")
    }

    @Test("The program for git is valid shell code, even if a path has quotation marks")
    func program() throws {
        let text = program(try used())
        #expect(text.hasPrefix("#!/bin/sh\n"))
        #expect(text.contains("export PKCS11_MODULE_PATH='/opt/it'\\''s/module.so'\n"))
        // Another configuration of OpenSSL could select another module.
        #expect(text.contains("export OPENSSL_CONF=/dev/null\n"))
        #expect(text.contains("\nfolder='/home/anna/a b'\n"))
        #expect(text.contains("\nkey=ab01\n"))
        #expect(!text.replacing("$@", with: "").contains("@"), "a mark is not replaced")
    }

    @Test("The program takes a PIN from descriptor 3 only if the token needs a PIN")
    func descriptor() throws {
        #expect(program(try used()).contains("-passin fd:3"))
        #expect(!program(try used(needsPIN: false)).contains("-passin"))
    }

    @Test("A path with a quotation mark or a backslash stays one value of git")
    func quoted() {
        #expect(Git.quoted(#"/a "b\c"#) == #""/a \"b\\c""#)
    }

    @Test("The settings name the key by its id, which a renewal does not change")
    func settings() {
        let settings = Git.Settings(program: "/home/anna/program", key: "ab01")
        #expect(
            settings.text
                == """
                [user]
                \tsigningKey = ab01
                [gpg]
                \tformat = x509
                [gpg "x509"]
                \tprogram = "/home/anna/program"

                """)
    }

    @Test("Each value in the configuration of git is read with the file that sets it")
    func origins() {
        let output = Array("file:/a\u{0}openpgp\u{0}command line:\u{0}x\ny\u{0}".utf8)
        #expect(
            Git.Origin.all(in: output) == [
                .init(file: "/a", value: "openpgp"), .init(file: "command line:", value: "x\ny"),
            ])
        #expect(Git.Origin.all(in: []).isEmpty)
    }

    @Test("A key that the engine cannot use, or a certificate of an unknown CA, is refused")
    func unfit() throws {
        let git = Git()
        #expect(throws: Never.self) { try git.requireFit(try used()) }
        let unknown = #expect(throws: ConsumerError.self) {
            try git.requireFit(try used(knowsIssuer: false))
        }
        #expect(unknown?.code == .certificateUnfit)
        let disturbed = #expect(throws: ConsumerError.self) {
            try git.requireFit(try used(hasEd25519Key: true))
        }
        #expect(disturbed?.code == .tokenUnfit)
    }
}

extension RealParts {
    @Suite(
        .enabled(
            if: consumersAreTested,
            "ssh, git and other programs are tested only by SoftHSM/test --consumers"))
    struct GitConfigurationTests {
        /// Otherwise the user's line would be between the marks, and no undo would be possible.
        @Test("A file that git includes later is not added to the lines of tokencert")
        func including() throws {
            let folder = try TemporaryFolder()
            let block = MarkedBlock(consumer: "git")
            let lines = Git.including("/home/anna/own")
            let file = try folder.write(
                String(
                    decoding: block.added(
                        lines, to: Array("[user]\n\tname = Anna\n".utf8), at: .end),
                    as: UTF8.self), "config")
            let git = ["config", "--file", file]
            #expect(try run("git", git + ["--add", "include.path", "/other"]).status == 0)
            #expect(try run("git", git + ["commit.gpgSign", "true"]).status == 0)
            let text = Array(try folder.read("config").utf8)
            #expect(block.isWhole(lines, in: text, at: .end))
            #expect(
                block.removed(from: text, [lines]).map { String(decoding: $0, as: UTF8.self) }
                    == "[user]\n\tname = Anna\n[include]\n\tpath = /other\n[commit]\n\tgpgSign = true\n"
            )
        }
    }
}
