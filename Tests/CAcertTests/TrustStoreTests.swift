import Foundation
import OpenSSLX509
import Testing
import TokencertTestAuthority
import TokencertTestSupport

@testable import TokencertCAcert

/// Reading and writing the folder of trust anchors.
@Suite struct TrustStoreTests {
    private let folder: TemporaryFolder
    private let store: TrustStore
    private let root: Certificate

    init() throws {
        folder = try TemporaryFolder()
        store = TrustStore(folder: folder.file("anchors"))
        let key = try HostPrivateKey.generate(.ec(.p256))
        root = try key.issue(
            CertificateContent(
                subject: [NameAttribute(.commonName, "The Test's Root, No 1")],
                publicKey: key.publicKey, serialNumber: [1], notBefore: 1_000_000_000,
                notAfter: 2_000_000_000, extensions: [.basicConstraints(isAuthority: true)]),
            issuer: nil)
    }

    /// The error with which the anchors are rejected, or nil.
    private func refusal(file: String? = nil) -> TrustStoreError? {
        do throws(TrustStoreError) {
            _ = try store.anchors(file: file)
            return nil
        } catch {
            return error
        }
    }

    /// The name of an error and of the errors inside it.
    private func name(_ error: TrustStoreError?) -> String {
        switch error {
        case nil: "usable"
        case .noAnchors: "none"
        case .folderUnreadable: "folder"
        case .anchorUnusable(let file, let reason):
            TrustStore.fileName(file) + ": " + name(reason)
        case .changeable: "changeable"
        case .notAFile: "not a file"
        case .certificateFile(.unreadable): "unreadable"
        case .certificateFile(.brokenPEM): "PEM"
        case .certificateFile(.noCertificate(_, let reason)):
            reason == nil ? "no certificate" : "DER"
        case .retiredRoot: "retired"
        case .notWritten: "not written"
        }
    }

    @Test("An anchor is written to a file with its name and can be read from there")
    func kept() throws {
        #expect(name(refusal()) == "none")
        #expect(store.anchorsIfAny(file: nil) == nil)
        let file = try store.keep(root)
        let digits = hexadecimal(root.sha256Fingerprint).prefix(8)
        #expect(file == store.folder + "/the-test-s-root-no-1-\(digits).pem")
        #expect(TrustStore.name(file) == "the-test-s-root-no-1-\(digits)")
        #expect(try store.files() == [file])
        #expect(try store.anchors(file: nil).certificates == [root])
        #expect(store.anchorsIfAny(file: nil)?.certificates == [root])
        // Writing the anchor again replaces the file.
        #expect(try store.keep(root) == file)
        #expect(try store.files() == [file])
    }

    /// Otherwise every command fails because of a temporary file of an editor or of macOS.
    @Test("Hidden files and files with other extensions are ignored")
    func otherFiles() throws {
        let file = try store.keep(root)
        for name in [".root.pem", "._root.crt", "README", "root.pem~", "root.txt"] {
            try folder.write("no certificate", "anchors/" + name)
        }
        #expect(try store.files() == [file])
        try folder.write(root.pem, "anchors/a.crt")
        #expect(try store.files() == [store.folder + "/a.crt", file])
    }

    /// Otherwise the user does not learn which file is wrong.
    @Test("An unusable file is an error that names it and the reason")
    func unusable() throws {
        let path = try store.keep(root)
        let other = "anchors/z.pem"
        for (text, reason) in [
            ("", "no certificate"), ("text", "no certificate"), ("0text", "DER"),
            (root.pem + "-----BEGIN CERTIFICATE-----\nMIIB\n", "PEM"),
        ] {
            try folder.write(text, other)
            #expect(name(refusal()) == "z.pem: " + reason, "\(text)")
            #expect(store.anchorsIfAny(file: nil)?.certificates == [root])
            #expect(try store.readKept(path) == [root])
        }
        try FileManager.default.removeItem(atPath: folder.file(other))
        try FileManager.default.createDirectory(
            atPath: folder.file(other), withIntermediateDirectories: false)
        #expect(name(refusal()) == "z.pem: not a file")
        try FileManager.default.removeItem(atPath: folder.file(other))
        try FileManager.default.createSymbolicLink(
            atPath: folder.file(other), withDestinationPath: folder.file("nothing"))
        #expect(name(refusal()) == "z.pem: unreadable")
    }

    @Test("A given file is read instead of the folder")
    func namedFile() throws {
        try folder.write("", "anchors")
        #expect(name(refusal()) == "folder")
        let file = try folder.write("text\n" + root.pem + root.pem, "root.pem")
        #expect(try store.anchors(file: file).certificates == [root, root])
        #expect(store.anchorsIfAny(file: file)?.certificates == [root, root])
        #expect(name(refusal(file: folder.file("nothing"))) == "unreadable")
        #expect(store.anchorsIfAny(file: folder.file("nothing")) == nil)
        #expect(throws: TrustStoreError.self) { try store.keep(root) }
        let der = folder.file("root.der")
        try Data(root.der).write(to: URL(filePath: der))
        #expect(try TrustStore.read(der) == [root])
    }

    @Test("The name of an anchor omits only the folder and the last extension")
    func names() {
        for (path, fileName, name) in [
            ("/a/b.c/root.pem", "root.pem", "root"), ("/a/x.y.crt", "x.y.crt", "x.y"),
            ("/a/none", "none", "none"), ("root.pem", "root.pem", "root"),
        ] {
            #expect(TrustStore.fileName(path) == fileName)
            #expect(TrustStore.name(path) == name)
        }
    }
}
