import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// A certificate that is silently skipped in a file would leave a chain incomplete, and a good
    /// certificate would be refused.
    @Suite struct CertificateFileTests {
        @Test("A TRUSTED CERTIFICATE is an anchor, and an unknown block is an error")
        func bundles() throws {
            let bench = try Bench()
            let folder = bench.token.folder
            let trusted = folder.file("trusted.pem")
            let converted = try run(
                "openssl", ["x509", "-in", bench.ca.rootFile, "-trustout", "-out", trusted])
            #expect(converted.status == 0, "\(converted.errors)")
            let text = try folder.read("trusted.pem")
            #expect(text.contains("BEGIN TRUSTED CERTIFICATE"))
            let class3 = try bench.ca.folder.read("class3.pem")
            let bundle = try folder.write(class3 + text, "bundle.pem")
            let kept = try bench.tokencert(["trust", "add", bundle, "--json"])
            #expect(kept.status == 0, "\(kept.errors)")
            #expect((try kept.json()["anchors"] as? [Any])?.count == 2, "\(kept.output)")
            #expect(
                try bench.tokencert(["issue"], ["TOKENCERT_CA_FILE": bundle]).status == 0)

            let archive = folder.file("root.p7b")
            try run(
                "openssl",
                ["crl2pkcs7", "-nocrl", "-certfile", bench.ca.rootFile, "-out", archive])
            let mixed = try folder.write(class3 + folder.read("root.p7b"), "mixed.pem")
            expect(
                try bench.tokencert(["trust", "add", mixed]), 78, "PEM block 2 (PKCS7)")
            let der = folder.file("root.der")
            try run(
                "openssl", ["x509", "-in", bench.ca.rootFile, "-outform", "DER", "-out", der])
            let bytes = try Data(contentsOf: URL(filePath: der))
            try (bytes + bytes).write(to: URL(filePath: der))
            expect(
                try bench.tokencert(["trust", "add", der]), 78,
                "contains no certificate: unexpected bytes after the certificate")
        }
    }
}
