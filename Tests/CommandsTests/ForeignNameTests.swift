import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// Labels, subjects and serial numbers in the forms that other programs write.
    @Suite struct ForeignNameTests {
        private func certificate(_ bench: Bench, _ arguments: [String]) throws -> [UInt8] {
            let file = bench.token.folder.file("certificate.der")
            let made = try run(
                "openssl",
                [
                    "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout",
                    bench.token.folder.file("k"), "-outform", "DER", "-out", file,
                ] + arguments)
            #expect(made.status == 0, "\(made.errors)")
            return Array(try Data(contentsOf: URL(filePath: file)))
        }

        // Otherwise the URI of a Latin-1 label could select another object, and of two labels that
        // look the same neither could be selected.
        @Test("A label in a URI matches only the object with exactly these bytes")
        func labels() throws {
            let bench = try Bench()
            let value = try certificate(bench, ["-subj", "/CN=Anna"])
            let labels: [String: [UInt8]] = [
                "M%FCller": [0x4D, 0xFC] + Array("ller".utf8),
                "M%E4ller": [0x4D, 0xE4] + Array("ller".utf8),
                "M%C3%BCller": Array("M\u{FC}ller".utf8),
                "Mu%CC%88ller": Array("Mu\u{308}ller".utf8),
            ]
            for label in labels.values {
                try bench.token.write(.certificate(value, label: label))
            }
            expect(
                try bench.tokencert(["delete", "pkcs11:object=M%F6ller;type=cert", "--yes"]), 66,
                "no key or certificate")
            let listed = try bench.listedCertificates()
            #expect(listed.count == 4)
            // Every printed URI selects its object.
            for entry in listed {
                let uri = try #require(entry["uri"] as? String)
                let shown = try bench.tokencert(["show", uri, "--json"]).json()
                let found = try #require(shown["certificates"] as? [[String: Any]])
                #expect(found.map { $0["uri"] as? String } == [uri])
            }
            #expect(try bench.tokencert(["list"]).output.contains("M\\xFCller"))
            let mistyped = try bench.tokencert(["show", "pkcs11:object=M%FCler;type=cert"])
            #expect(mistyped.errors.contains("did you mean 'pkcs11:"), "\(mistyped.errors)")
            for (named, gone) in [("M%E4ller", 3), ("Mu%CC%88ller", 2), ("M%FCller", 1)] {
                let removed = try bench.tokencert(
                    ["delete", "pkcs11:object=\(named);type=cert", "--yes"])
                #expect(removed.status == 0, "\(removed.errors)")
                let left = try bench.listedCertificates().compactMap { $0["uri"] as? String }
                #expect(left.count == gone && !left.contains { $0.contains("object=\(named)") })
            }
            expect(
                try bench.tokencert(["delete", "pkcs11:object=M%FCller;type=cert", "--yes"]), 66,
                "no key or certificate")
        }

        @Test("A key pair whose label is not UTF-8 is listed as one key and removed by its URI")
        func keyLabel() throws {
            let bench = try Bench()
            let made = try run(
                "bash",
                [
                    "-c",
                    "pkcs11-tool --module \"$0\" --token-label work --login --pin env:PIN "
                        + "--keypairgen --key-type EC:secp256r1 --label \"$(printf 'M\\374ller')\"",
                    softHSMModule,
                ], environment: bench.token.environment.merging(["PIN": bench.token.pin]) { $1 })
            #expect(made.status == 0, "\(made.errors)")
            let keys = try bench.listedKeys()
            #expect(keys.count == 1 && keys[0]["label"] as? String == "M\\xFCller")
            let uri = try #require(keys[0]["privateKey"] as? String)
            #expect(uri.contains("object=M%FCller"))
            let removed = try bench.tokencert(["delete", uri, "--yes"])
            #expect(removed.status == 0, "\(removed.errors)")
            #expect(bench.token.contents.isEmpty)
        }

        @Test(
            "A serial number is accepted in the notation of every program",
            arguments: ["00:F3:0A:01", "0xf30a01", "0XF30A01", "f30a01", "F3 0A 01", "0000f30a01"])
        func serialNumbers(form: String) throws {
            let bench = try Bench()
            for serial in ["0xF30A01", "0xF30A02"] {
                let value = try certificate(bench, ["-subj", "/CN=Anna", "-set_serial", serial])
                try bench.token.write(.certificate(value, label: Array("mail".utf8)))
            }
            let named = ["pkcs11:object=mail;type=cert", "--serial", form]
            let shown = try bench.tokencert(["show"] + named)
            #expect(shown.output.contains("f30a01") && !shown.output.contains("f30a02"))
            #expect(try bench.tokencert(["delete", "--yes"] + named).status == 0)
            #expect(
                try bench.listedCertificates().map { $0["serialNumber"] as? String } == ["f30a02"])
        }

        @Test(
            "A text that is not a serial number is refused before any other work",
            arguments: ["", "0x", "f3-0a", "nonsense", "f3g", "１２"])
        func noSerialNumber(text: String) throws {
            let bench = try Bench()
            for command in ["show", "delete"] {
                expect(
                    try bench.tokencert(
                        [command, "pkcs11:object=mail;type=cert", "--serial", text]), 64, "--serial"
                )
            }
        }

        // Otherwise a cell would be blank, and "certificate of " would lack a
        // name.
        @Test("A certificate with an empty subject is shown by its e-mail address")
        func emptySubject() throws {
            let bench = try Bench()
            let value = try certificate(
                bench, ["-subj", "/", "-addext", "subjectAltName=email:anna@example.org"])
            try bench.token.write(.certificate(value, label: Array("mail".utf8)))
            let certificate = "pkcs11:object=mail;type=cert"
            for arguments in [
                ["list"], ["list", "--tree"], ["show", certificate],
                ["delete", certificate, "--dry-run"],
            ] {
                let outcome = try bench.tokencert(arguments)
                #expect(outcome.status == 0, "\(outcome.errors)")
                #expect(outcome.output.contains("anna@example.org"), "\(outcome.output)")
            }
            #expect(
                try bench.listedCertificates().first?["subject"] as? String == "anna@example.org")
        }

        @Test("Names in every string type are shown", arguments: ["pkix", "default", "MASK:0x4"])
        func formsOfNames(mask: String) throws {
            let bench = try Bench()
            let configuration = try bench.token.folder.write(
                """
                [req]
                distinguished_name = name
                string_mask = \(mask)
                [name]
                """, "openssl.cnf")
            let value = try certificate(
                bench,
                ["-config", configuration, "-utf8", "-subj", "/CN=Erna/O=Müller/CN=Anna Müller"])
            try bench.token.write(.certificate(value, label: Array("mail".utf8)))
            for arguments in [["list"], ["list", "--tree"], ["show", "pkcs11:object=mail"]] {
                let outcome = try bench.tokencert(arguments)
                #expect(outcome.status == 0, "\(outcome.errors)")
                #expect(outcome.output.contains("Anna Müller"), "\(outcome.output)")
            }
            #expect([0, 79].contains(try bench.tokencert(["health"]).status))
        }
    }
}
