import OpenSSLX509
import Testing
import TokencertTestAuthority
import TokencertTestSupport

@testable import TokencertCAcert

/// The file names of trust anchors, which come from certificates and cannot be trusted.
@Suite struct AnchorNameTests {
    private let folder: TemporaryFolder
    private let key: HostPrivateKey

    init() throws {
        folder = try TemporaryFolder()
        key = try HostPrivateKey.generate(.ec(.p256))
    }

    private func anchor(_ subject: [NameAttribute], serialNumber: UInt8 = 1) throws -> Certificate {
        try key.issue(
            CertificateContent(
                subject: subject, publicKey: key.publicKey, serialNumber: [serialNumber],
                notBefore: 1_000_000_000, notAfter: 2_000_000_000,
                extensions: [.basicConstraints(isAuthority: true)]), issuer: nil)
    }

    // Otherwise a certificate can replace a file outside the folder, or hide in it.
    @Test(
        "The file name of an anchor has only letters, digits and hyphens",
        arguments: [
            ("../../etc/passwd", "etc-passwd-"), ("/tmp/x.pem", "tmp-x-pem-"),
            (".hidden", "hidden-"),
            ("A  B--C", "a-b-c-"), ("-rf *", "rf-"), ("$(id);`id`", "id-id-"),
            // Letters outside ASCII separate words.
            ("Z\u{FC}rich", "z-rich-"), ("\u{65E5}\u{672C}", ""), ("..", ""),
            ("one two three four five six seven", "one-two-three-four-five-six-"),
        ] as [(String, String)])
    func fileName(name: String, beginning: String) throws {
        let store = TrustStore(folder: folder.file("anchors"))
        let certificate = try anchor([.init(.commonName, name)])
        let file = try store.keep(certificate)
        let digits = hexadecimal(certificate.sha256Fingerprint).prefix(8)
        #expect(file == store.folder + "/\(beginning)\(digits).pem")
        // The anchor is found again, and no other file was written.
        #expect(try store.files() == [file])
        #expect(try store.anchors(file: nil).certificates == [certificate])
    }

    @Test("The file is named after the last common name, or else after the whole subject")
    func subjects() throws {
        let store = TrustStore(folder: folder.file("anchors"))
        let unnamed = try anchor([.init(.organization, "Acme")])
        let subjectFile = try store.keep(unnamed)
        #expect(TrustStore.name(subjectFile).hasPrefix("o-acme-"))
        let twice = try anchor([.init(.commonName, "First"), .init(.commonName, "Last")])
        let lastFile = try store.keep(twice)
        #expect(TrustStore.name(lastFile).hasPrefix("last-"))
    }

    // Otherwise a second CA with the same name replaces the first.
    @Test("Two anchors with the same name are written to two files")
    func sameName() throws {
        let store = TrustStore(folder: folder.file("anchors"))
        let first = try anchor([.init(.commonName, "Root")])
        let second = try anchor([.init(.commonName, "Root")], serialNumber: 2)
        let files = [try store.keep(first), try store.keep(second)]
        #expect(Set(files).count == 2)
        #expect(try store.files() == files.sorted())
        let kept = try store.anchors(file: nil).certificates
        #expect(Set(kept) == [first, second])
    }

    @Test("The name of an anchor is its file name without folder and extension, if any")
    func names() {
        for (path, fileName, name) in [
            ("", "", ""), ("/", "", ""), ("/a/", "a", "a"), (".pem", ".pem", ""),
            ("a.", "a.", "a"), ("//a//b.pem", "b.pem", "b"),
        ] {
            #expect(TrustStore.fileName(path) == fileName, "\(path)")
            #expect(TrustStore.name(path) == name, "\(path)")
        }
    }
}
