import OpenSSLX509
import Testing
import TokencertTestAuthority
import TokencertTestSupport

@testable import TokencertCAcert

/// Under which names trust anchors are kept: a name comes from a certificate, so from anybody.
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

    // A certificate could replace a file outside the folder, or hide itself in it.
    @Test(
        "The name of an anchor's file has only letters, digits and hyphens",
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
        // It is found again, and nothing else was written.
        #expect(try store.files() == [file])
        #expect(try store.anchors(file: nil).certificates == [certificate])
    }

    @Test("Without a common name the whole subject names the file, else the last common name")
    func subjects() throws {
        let store = TrustStore(folder: folder.file("anchors"))
        let unnamed = try anchor([.init(.organization, "Acme")])
        let subjectFile = try store.keep(unnamed)
        #expect(TrustStore.name(subjectFile).hasPrefix("o-acme-"))
        let twice = try anchor([.init(.commonName, "First"), .init(.commonName, "Last")])
        let lastFile = try store.keep(twice)
        #expect(TrustStore.name(lastFile).hasPrefix("last-"))
    }

    // A second authority with the name of the first would take its place.
    @Test("Two anchors with one name are kept in two files")
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

    @Test("The name of a file without an extension or a folder is the file's own")
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
