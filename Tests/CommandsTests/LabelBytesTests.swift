import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// Labels that other programs wrote in an encoding other than UTF-8.
    @Suite struct LabelBytesTests {
        private func bench() throws -> Bench {
            let bench = try Bench()
            try bench.token.makePair(.rsa, id: [5], label: latinLabel)
            return bench
        }

        // Otherwise programs that match by label would not find the certificate.
        @Test("A certificate gets the exact bytes of its key's label, even if they are not UTF-8")
        func issueAndRenew() throws {
            let bench = try bench()
            let issued = try bench.tokencert(["issue", "--key", "pkcs11:id=%05", "--json"])
            #expect(issued.status == 0, "\(issued.errors)")
            #expect(try bench.certificateObjects().map(\.label) == [latinLabel])
            let key = try #require(issued.json()["key"] as? String)
            let certificate = try #require(issued.json().certificate("uri"))
            #expect(key.contains("object=M%FCller"), "\(key)")
            #expect(certificate.contains("object=M%FCller"), "\(certificate)")
            // The printed URI selects the object.
            #expect(try bench.tokencert(["show", certificate, "--pem"]).status == 0)
            for arguments in [["--all"], [key], ["pkcs11:id=%05", "--retire"]] {
                let renewed = try bench.tokencert(["renew"] + arguments)
                #expect(renewed.status == 0, "\(arguments) \(renewed.errors)")
            }
            #expect(try Set(bench.certificateObjects().map(\.label)) == [latinLabel])
            #expect(try bench.certificateObjects().count == 3)
        }

        // Otherwise the issued certificate would get another label, or could not be written.
        @Test("An interrupted order writes the same label bytes when it is resumed")
        func resume() throws {
            let bench = try bench()
            #expect(try bench.tokencert(["issue", "--key", "pkcs11:id=%05"]).status == 0)
            for (number, more) in [(2, []), (3, ["--new-key"])] {
                let killed = try bench.tokencert(
                    ["renew", "pkcs11:id=%05"] + more,
                    bench.faulty(["FAULTY_RULES": "C_CreateObject:before:kill"]))
                #expect(killed.status == 137, "\(killed)")
                let resumed = try bench.tokencert(["resume", "\(number)"])
                #expect(resumed.status == 0, "\(resumed.errors)")
            }
            let objects = try bench.token.objects()
            #expect(Set(objects.map(\.label)) == [latinLabel])
            #expect(objects.filter { $0.objectClass == 1 }.count == 3)
            #expect(objects.filter { $0.objectClass == 3 }.count == 2)
        }

        @Test("A certificate from a file gets the exact bytes of its key's label")
        func importing() throws {
            let bench = try bench()
            let file = try bench.certificate(for: ["--id", "05"])
            let imported = try bench.tokencert(["import", "--cert", file])
            #expect(imported.status == 0, "\(imported.errors)")
            #expect(try bench.certificateObjects().map(\.label) == [latinLabel])
        }

        // Otherwise two keys whose labels look the same could be confused.
        @Test("A label in a URI selects the key with exactly these bytes")
        func exactSelection() throws {
            let bench = try bench()
            try bench.token.makePair(.rsa, id: [6], label: [0x4D, 0xE4] + Array("ller".utf8))
            let request = try bench.tokencert(
                ["request", "--key", "pkcs11:object=M%E4ller", "--name", "x", "--json"])
            #expect(request.status == 0, "\(request.errors)")
            #expect(try request.json()["id"] as? String == "06")
            expect(
                try bench.tokencert(["request", "--key", "pkcs11:object=M%F6ller", "--name", "x"]),
                66, "no private key on the token matches")
        }
    }
}
