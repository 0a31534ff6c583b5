import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// Certificates in forms that tokencert does not write.
    @Suite struct OddCertificateTests {
        /// The form in which a card or another program stores a certificate.
        enum Form: String, CaseIterable, Sendable {
            case zeros
            case ones
            /// The length of the outer SEQUENCE uses one byte more than necessary.
            case longLength

            func of(_ der: [UInt8]) -> [UInt8] {
                switch self {
                case .zeros: der + [UInt8](repeating: 0, count: 300)
                case .ones: der + [UInt8](repeating: 0xFF, count: 70)
                case .longLength: [0x30, 0x83, 0x00] + der[2...]
                }
            }
        }

        private func bench(_ form: Form) throws -> (Bench, file: String, value: [UInt8]) {
            let bench = try Bench()
            try bench.token.makePair(.rsa, id: [9], label: Array("mail".utf8))
            let file = try bench.certificate(
                for: ["--id", "09"],
                "subjectAltName=email:anna@example.org\nextendedKeyUsage=emailProtection,clientAuth\n",
                days: "5")
            let value = form.of(try bench.der(file))
            try bench.token.write(certificate: value, id: [9], label: Array("padded".utf8))
            return (bench, file, value)
        }

        @Test(
            "A certificate that is on the token in another form is not written again",
            arguments: Form.allCases)
        func importing(form: Form) throws {
            let (bench, file, value) = try bench(form)
            // The file has the exact bytes if the certificate itself is unusual, otherwise plain DER.
            var source = file
            if form == .longLength {
                source = bench.token.folder.file("odd.der")
                try Data(value).write(to: URL(filePath: source))
            }
            let imported = try bench.tokencert(["import", "--cert", source, "--json"])
            #expect(imported.status == 0, "\(imported.errors)")
            #expect(try imported.json()["wasThere"] as? Bool == true)
            let uri = try #require(imported.json().certificate("uri"))
            #expect(uri.contains("object=padded"), "\(uri)")
            #expect(try bench.certificateObjects().map(\.value) == [value])
        }

        // Otherwise a certificate that still exists would be reported as removed.
        @Test(
            "A retired certificate in another form is removed", arguments: Form.allCases)
        func retiring(form: Form) throws {
            let (bench, _, value) = try bench(form)
            let renewed = try bench.tokencert([
                "renew", "pkcs11:object=padded;type=cert", "--retire", "--json",
            ])
            #expect(renewed.status == 0, "\(renewed.errors)")
            let report = try #require((try renewed.json()["renewed"] as? [[String: Any]])?.first)
            #expect(report["retired"] != nil)
            let left = try bench.certificateObjects()
            #expect(left.count == 1)
            #expect(!left.map(\.value).contains(value))
        }

        @Test(
            "A removal that the token reports but does not perform is detected for every form",
            arguments: Form.allCases)
        func pretended(form: Form) throws {
            let (bench, _, value) = try bench(form)
            let renewed = try bench.tokencert(
                ["renew", "pkcs11:object=padded;type=cert", "--retire"],
                bench.faulty(["FAULTY_DESTROYS_NOTHING": "1"]))
            expect(renewed, 74, "still has it")
            #expect(try bench.certificateObjects().map(\.value).contains(value))
            let resumed = try bench.tokencert(["resume", "1"])
            #expect(resumed.status == 0, "\(resumed.errors)")
            #expect(try !bench.certificateObjects().map(\.value).contains(value))
        }

        // Otherwise "removed" would be reported although nothing was removed.
        @Test("A certificate that is already gone is not reported as removed")
        func absent() throws {
            let (bench, _, value) = try bench(.zeros)
            let killed = try bench.tokencert(
                ["renew", "pkcs11:object=padded;type=cert", "--retire"],
                bench.faulty(["FAULTY_RULES": "C_DestroyObject:before:kill"]))
            #expect(killed.status == 137, "\(killed)")
            try bench.token.remove(value: value)
            let resumed = try bench.tokencert(["resume", "1"])
            #expect(resumed.status == 0, "\(resumed.errors)")
            #expect(resumed.output.contains("was no longer on the token"), "\(resumed.output)")
            #expect(!resumed.output.contains("  removed "), "\(resumed.output)")
        }

        // Otherwise two hints would name the same certificate, and nothing could be renewed.
        @Test("Two objects with the same certificate are renewed as one")
        func copies() throws {
            let (bench, file, _) = try bench(.zeros)
            try bench.token.write(
                certificate: try bench.der(file), id: [9], label: Array("padded".utf8))
            for arguments in [["pkcs11:object=padded"], ["--all"]] {
                let outcome = try bench.tokencert(["renew", "--dry-run", "--json"] + arguments)
                #expect(outcome.status == 0, "\(outcome.errors)")
                #expect((try outcome.json()["wouldRenew"] as? [Any])?.count == 1, "\(outcome)")
            }
        }

        /// RFC 5280 forbids negative serial numbers. Otherwise another certificate could be
        /// removed.
        @Test("A negative serial number does not select the certificate with the positive one")
        func negativeSerialNumber() throws {
            let bench = try Bench()
            try bench.token.makePair(.rsa, id: [9], label: Array("mail".utf8))
            let der = try bench.der(try bench.certificate(for: ["--id", "09"]))
            let parts = try elements(of: der)
            let fields = try elements(of: parts[0])
            let number = try #require(fields.firstIndex { $0.first == 0x02 })
            for content: [UInt8] in [[0x05], [0xFB]] {
                var changed = fields
                changed[number] = element(0x02, content)
                try bench.token.write(
                    certificate: sequence(
                        sequence(changed.flatMap { $0 }) + parts[1...].flatMap { $0 }),
                    id: [9], label: Array("same".utf8))
            }
            let uri = "pkcs11:id=%09;object=same;type=cert"
            for (serial, shown) in [("5", "05"), ("-5", "-05"), ("-0x05", "-05")] {
                let outcome = try bench.tokencert(["show", uri, "--serial", serial, "--json"])
                #expect(outcome.status == 0, "\(outcome.errors)")
                let certificates = try outcome.json()["certificates"] as? [[String: Any]]
                #expect(certificates?.map { $0["serialNumber"] as? String } == [shown])
            }
            expect(
                try bench.tokencert(["show", uri, "--serial", "-6", "--pem"]), 66, "no certificate")
            expect(
                try bench.tokencert(["show", uri, "--serial", "--json"]), 64, "hexadecimal digits")
        }

        @Test(
            "A certificate matches its key by the key's numbers, whatever the algorithm identifier",
            arguments: ["no parameters", "RSASSA-PSS"])
        func otherIdentifiers(form: String) throws {
            let bench = try Bench()
            try bench.token.makePair(.rsa, id: [9], label: Array("mail".utf8))
            let pub = bench.token.folder.file("key.pub")
            try bench.token.pkcs11Tool(
                ["--read-object", "--type", "pubkey", "--id", "09", "-o", pub])
            var der = Array(try Data(contentsOf: URL(filePath: pub)))
            // SEQUENCE { SEQUENCE { rsaEncryption, NULL }, BIT STRING }
            let plain: [UInt8] = [
                0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 5, 0,
            ]
            #expect(Array(der[4..<4 + plain.count]) == plain)
            let other: [UInt8] =
                [0x30, 0x0B] + plain[2..<12] + [form == "RSASSA-PSS" ? 0x0A : 0x01]
            der.replaceSubrange(4..<4 + plain.count, with: other)
            let length = der.count - 4
            der[2] = UInt8(length >> 8)
            der[3] = UInt8(length & 0xFF)
            // OpenSSL would normalize the key, so the test builds the certificate itself.
            let file = try signed(bench, der)
            let imported = try bench.tokencert(["import", "--cert", file, "--json"])
            #expect(imported.status == 0, "\(imported.errors)")
            #expect(try imported.json()["id"] as? String == "09")
            #expect(try bench.certificateObjects().count == 1)
        }

        /// A certificate of the stand-in CA with the given SubjectPublicKeyInfo.
        private func signed(_ bench: Bench, _ key: [UInt8]) throws -> String {
            let folder = bench.token.folder
            let model = try bench.certificate(for: ["--id", "09"])
            let der = try bench.der(model)
            let pub = Array(try Data(contentsOf: URL(filePath: folder.file("key.pub"))))
            let parts = try elements(of: der)
            let tbs = try sequence(elements(of: parts[0]).flatMap { $0 == pub ? key : $0 })
            try Data(tbs).write(to: URL(filePath: folder.file("tbs")))
            try run(
                "openssl",
                [
                    "dgst", "-sha256", "-sign", bench.ca.folder.file("root.key"), "-out",
                    folder.file("tbs.sig"), folder.file("tbs"),
                ])
            let signature = Array(try Data(contentsOf: URL(filePath: folder.file("tbs.sig"))))
            let bits = element(0x03, [0] + signature)
            let file = folder.file("odd.der")
            try Data(sequence(tbs + parts[1] + bits)).write(to: URL(filePath: file))
            return file
        }
    }
}

/// The elements of a SEQUENCE, each with its header; if there are none, the bytes themselves.
private func elements(of der: [UInt8]) throws -> [[UInt8]] {
    func header(_ bytes: ArraySlice<UInt8>) -> (start: Int, end: Int) {
        let first = Int(bytes[bytes.startIndex + 1])
        let count = first & 0x80 == 0 ? 0 : first & 0x7F
        let start = bytes.startIndex + 2 + count
        let length =
            count == 0 ? first : bytes[(start - count)..<start].reduce(0) { $0 << 8 | Int($1) }
        return (start, start + length)
    }
    let outer = header(der[...])
    var rest = der[outer.start..<outer.end]
    var found: [[UInt8]] = []
    while !rest.isEmpty {
        let one = header(rest)
        found.append(Array(rest[rest.startIndex..<one.end]))
        rest = rest[one.end...]
    }
    return found
}

private func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
    let count = content.count
    let length: [UInt8] =
        count < 0x80
        ? [UInt8(count)]
        : count < 0x100 ? [0x81, UInt8(count)] : [0x82, UInt8(count >> 8), UInt8(count & 0xFF)]
    return [tag] + length + content
}

private func sequence(_ content: [UInt8]) -> [UInt8] { element(0x30, content) }
