import OpenSSLX509
import Testing
import TokencertPlatform
import TokencertTestAuthority

@testable import TokencertConsumers

/// osslsigncode and jarsigner. Otherwise Java sends the PIN to another token, or a set-up does not work.
@Suite struct CodeSigningTests {
    private func used(
        _ usages: [ExtendedKeyUsage] = [.codeSigning], label: String = "code",
        module: String = "/usr/lib/module.so", slot: UInt = 17, serial: String = "0123abc",
        other: [CertificateExtension] = [], needsPINForEachUse: Bool = false, needsPIN: Bool = true,
        hasReaderKeys: Bool = false
    ) throws -> UsedCertificate {
        let key = try HostPrivateKey.generate(.ec(.p256))
        let certificate = try key.issue(
            CertificateContent(
                subject: [.init(.commonName, "Anna")], publicKey: key.publicKey,
                serialNumber: [1], notBefore: 1_795_392_000, notAfter: 1_895_392_000,
                extensions: other + (usages.isEmpty ? [] : [.extendedKeyUsage(usages)])),
            issuer: nil)
        var token = UsedCertificate.TokenPlace(
            modulePath: module, slot: slot, uri: "pkcs11:serial=\(serial);token=work",
            label: "work", serialNumber: serial)
        token.needsPIN = needsPIN
        token.hasReaderKeys = hasReaderKeys
        return UsedCertificate(
            certificate: certificate, issuers: [],
            key: .init(
                id: [0x0A, 0xFF], label: "code", certificateLabel: label,
                needsPINForEachUse: needsPINForEachUse),
            token: token)
    }

    private func entry(_ used: UsedCertificate, alias: String) -> JavaEntry {
        JavaEntry(
            alias: alias, fingerprint: hexadecimal(used.certificate.sha256Fingerprint))
    }

    @Test("A certificate without the code signing extended key usage is refused")
    func usage() throws {
        for usages: [ExtendedKeyUsage] in [[], [.emailProtection, .clientAuth], [.any]] {
            let used = try used(usages)
            let error = #expect(throws: ConsumerError.self) { try CodeSigning().requireFit(used) }
            #expect(error?.code == .certificateUnfit)
        }
    }

    @Test("A certificate whose key usage does not allow signatures is refused")
    func keyUsage() throws {
        let used = try used(other: [.keyUsage([.keyEncipherment])])
        let error = #expect(throws: ConsumerError.self) { try CodeSigning().requireFit(used) }
        #expect(error?.code == .certificateUnfit)
        #expect(error?.message.contains("key usage") == true)
    }

    // MARK: Java

    @Test("A key that Java cannot find or use is refused before Java gets a PIN")
    func unfit() throws {
        #expect(JavaToken.problem(try used()) == nil)
        #expect(JavaToken.problem(try used(label: "My key, 2")) == nil)
        for label in ["", "-rf", "schl\u{FC}ssel", "a\nb", "a\u{7F}"] {
            #expect(JavaToken.problem(try used(label: label))?.code == .certificateUnfit)
        }
        for module in ["/usr/lib/p11-kit-proxy.so", "/home/${user}/a.so", "/home/a\nb.so"] {
            #expect(JavaToken.problem(try used(module: module))?.code == .tokenUnfit)
        }
        #expect(JavaToken.problem(try used(needsPINForEachUse: true))?.code == .tokenUnfit)
    }

    @Test("The configuration for Java names the module and the slot")
    func configuration() throws {
        let plain = JavaToken(try used(), name: "tokencert")
        #expect(
            plain.configuration(showsToken: false)
                == "name = tokencert\nlibrary = \"/usr/lib/module.so\"\nslot = 17\n")
        #expect(
            plain.configuration(showsToken: true)
                == plain.configuration(showsToken: false) + "showInfo = true\n")
        let odd = JavaToken(try used(module: "/a b/\"c\\#.so"), name: "tokencert")
        #expect(odd.configuration(showsToken: false).contains(##"library = "/a b/\"c\\#.so""##))
    }

    @Test("Java is told the provider by name, and to ask for a PIN only if one is typed")
    func options() throws {
        let plain = JavaToken(try used(), name: "tokencert-check").options("/x.cfg")
        #expect(plain.suffix(2) == ["-providerName", "SunPKCS11-tokencert-check"])
        #expect(plain.contains("/x.cfg") && !plain.contains("-protected"))
        let reader = JavaToken(try used(hasReaderKeys: true), name: "x").options("/x.cfg")
        #expect(reader.last == "-protected")
        let open = JavaToken(try used(needsPIN: false), name: "x").options("/x.cfg")
        #expect(open.last == "-protected")
    }

    private func shown(slot: UInt, label: String, serial: String) -> String {
        """
        Information for provider SunPKCS11-tokencert-check
        Slot info for slot \(slot):
          flags: CKF_TOKEN_PRESENT
        Token info for token in slot \(slot):
          label: \(label)
          manufacturerID: SoftHSM project
          model: SoftHSM v2
          serialNumber: \(serial)
          flags: CKF_LOGIN_REQUIRED
        """
    }

    @Test("Java gets no PIN unless it sees the serial number of the token in the slot")
    func shownToken() throws {
        let java = JavaToken(try used(), name: "tokencert-check")
        for serial in ["0123abc", "0123abc  "] {
            try java.requireToken(printed: shown(slot: 17, label: "work   ", serial: serial))
        }
        let others = [
            "", shown(slot: 17, label: "work", serial: "0123abd"),
            shown(slot: 17, label: "work", serial: ""),
            shown(slot: 18, label: "work", serial: "0123abc"),
            shown(slot: 17, label: "x\n  b\n  c\n  serialNumber: 0123abc", serial: "9"),
            shown(slot: 17, label: "x\n  serialNumber: 0123abc\ny\r", serial: "9\r"),
            "Token info for token in slot 17:\n  label: work",
        ]
        for text in others {
            let error = #expect(throws: ConsumerError.self) {
                try java.requireToken(printed: text)
            }
            #expect(error?.code == .tokenUnfit)
        }
    }

    @Test("Java gets no PIN with characters that it changes")
    func pinForJava() throws {
        for pin in ["", "123456", "a b\"$\\~"] {
            try JavaToken.requirePIN(Secret(copying: Array(pin.utf8)))
        }
        for pin in ["\u{FC}9999", "1234\u{20AC}"] {
            let error = #expect(throws: ConsumerError.self) {
                try JavaToken.requirePIN(Secret(copying: Array(pin.utf8)))
            }
            #expect(error?.code == .tokenUnfit)
        }
    }

    @Test("The reason for a failure is found in what the programs of Java print")
    func reason() {
        let failed = "\nkeytool error: java.io.IOException: load failed\n"
        #expect(
            JavaToken.reason(in: failed) == "keytool error: java.io.IOException: load failed")
        #expect(
            JavaToken.reason(in: "jar verified, with signer errors.\n\nError: \nThis jar is bad.\n")
                == "This jar is bad.")
        #expect(JavaToken.reason(in: "jar verified.\n") == nil)
        #expect(JavaToken.reason(in: "Error:") == nil)
    }

    @Test("Only entries of keytool with a private key are read, with their fingerprints")
    func entries() {
        let text = """
            Keystore type: PKCS11

            Your keystore contains 3 entries

            a, PrivateKeyEntry, b, PrivateKeyEntry,\u{20}
            Certificate fingerprint (SHA-256): FE:0F:AE
            root, trustedCertEntry,\u{20}
            Certificate fingerprint (SHA-256): 00:01:02
            code/cn=root,o=ca/1908749, PrivateKeyEntry,\u{20}
            Certificate fingerprint (SHA-256): 51:6B:48
            last, PrivateKeyEntry,\u{20}
            """
        #expect(
            JavaEntry.all(in: text) == [
                JavaEntry(alias: "a, PrivateKeyEntry, b", fingerprint: "fe0fae"),
                JavaEntry(alias: "code/cn=root,o=ca/1908749", fingerprint: "516b48"),
            ])
        #expect(JavaEntry.all(in: "").isEmpty)
    }

    @Test("A certificate that Java does not find by its label is refused")
    func entryOfCertificate() throws {
        let (mine, other) = (try used(), try used())
        try JavaEntry.require(
            mine, in: [entry(other, alias: "other"), entry(mine, alias: "code")])
        let lists = [
            [], [entry(other, alias: "code")], [entry(mine, alias: "code/cn=root/1")],
        ]
        for list in lists {
            let error = #expect(throws: ConsumerError.self) {
                try JavaEntry.require(mine, in: list)
            }
            #expect(error?.code == .tokenUnfit)
        }
    }

    // MARK: osslsigncode

    @Test("osslsigncode reads the PIN from standard input only if tokencert gives it one")
    func signing() throws {
        let signer = SigningPrograms.EngineSigner(path: "/bin/x", enginePath: "/e.so")
        let asking = signer.signing(try used(), "/c.pem", asksForPIN: true, "a", "b")
        #expect(!asking.contains("-readpass"))
        #expect(asking.contains("pkcs11:serial=0123abc;token=work;id=%0a%ff;type=private"))
        #expect(asking.suffix(4) == ["-in", "a", "-out", "b"])
        let given = signer.signing(try used(), "/c.pem", asksForPIN: false, "a", "b")
        #expect(given.filter { !asking.contains($0) } == ["-readpass", "-"])
    }

    @Test("The version of osslsigncode is found in what it prints")
    func version() {
        let text = "osslsigncode 2.9, using:\n\tOpenSSL 3.0.13 30 Jan 2024\n"
        #expect(RequiredProgram.version(in: text, after: "osslsigncode ") == "2.9")
        #expect(!RequiredProgram.isEnough("2.5", SigningPrograms.osslsigncode.minimum))
        #expect(RequiredProgram.isEnough("2.10", SigningPrograms.osslsigncode.minimum))
    }

    @Test("The program of the check has the marks and the size of a program for Windows")
    func program() {
        let bytes = smallestProgram()
        #expect(bytes.count == 1024)
        #expect(bytes.starts(with: Array("MZ".utf8)))
        #expect(bytes[0x40..<0x44].elementsEqual(Array("PE\0\0".utf8)))
        #expect(bytes[0x138..<0x13D].elementsEqual(Array(".text".utf8)))
        #expect(bytes[0x200] == 0xC3)
    }
}
