import Foundation
import Testing
import TokencertTestSupport

/// Creates objects in the forms that other programs use, and reads the objects on a token.
extension Bench {
    /// Writes a certificate of the stand-in CA, in PEM, for a public key on the token. `selection`
    /// is `--id` or `--label` of pkcs11-tool with its value; `extensions` are lines of an OpenSSL
    /// configuration.
    func certificate(
        for selection: [String], _ extensions: String = "extendedKeyUsage=emailProtection\n",
        days: String = "30"
    ) throws -> String {
        let folder = token.folder
        let name = UUID().uuidString
        let read = try token.pkcs11Tool(
            ["--read-object", "--type", "pubkey", "-o", folder.file("\(name).pub")] + selection)
        #expect(read.status == 0, "\(read.errors)")
        let key = folder.file("\(name).key")
        try run(
            "openssl",
            ["pkey", "-pubin", "-inform", "DER", "-in", folder.file("\(name).pub"), "-out", key])
        return try signed(key, extensions, days: days)
    }

    /// Writes a certificate of the stand-in CA for a public key in a file.
    func signed(_ key: String, _ extensions: String, days: String = "30") throws -> String {
        let folder = token.folder
        let name = UUID().uuidString
        let config = try folder.write(extensions, "\(name).cnf")
        let request = folder.file("\(name).csr")
        try run(
            "openssl",
            [
                "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "/dev/null", "-subj",
                "/CN=Anna Müller/emailAddress=anna@example.org", "-utf8", "-out", request,
            ])
        let file = folder.file("\(name).pem")
        let outcome = try run(
            "openssl",
            [
                "x509", "-req", "-in", request, "-force_pubkey", key, "-CA", ca.rootFile,
                "-CAkey", ca.folder.file("root.key"), "-extfile", config, "-out", file, "-days",
                days,
            ])
        #expect(outcome.status == 0, "\(outcome.errors)")
        return file
    }

    /// The bytes of a certificate in a file.
    func der(_ file: String) throws -> [UInt8] {
        let output = file + ".der"
        try run("openssl", ["x509", "-in", file, "-outform", "DER", "-out", output])
        return Array(try Data(contentsOf: URL(filePath: output)))
    }

    /// The certificates on the token, as the module returns them.
    func certificateObjects() throws -> [TokenObject] {
        try token.objects().filter { $0.objectClass == 1 }
    }

    /// The number of orders in the ledger.
    func orderCount() throws -> Int {
        let history = try tokencert(["history", "--json"])
        let object = try JSONSerialization.jsonObject(with: Data(history.output.utf8))
        let all = (object as? [String: Any])?["orders"] as? [Any] ?? object as? [Any]
        return all?.count ?? 0
    }

    /// The output of `resume`, which lists the unfinished orders.
    func unfinished() throws -> String { try tokencert(["resume"]).output }
}

/// `Müller` in Latin-1.
let latinLabel: [UInt8] = [0x4D, 0xFC] + Array("ller".utf8)
