internal import Foundation

/// A revocation list that `openssl ca` signs.
package struct RevocationListFile {
    /// The entries: a serial number in hexadecimal, and the time of the revocation with its reason in
    /// the form of OpenSSL's database, such as `260101000000Z,keyCompromise`.
    package var revoked: [(serialNumber: String, time: String)]
    /// The days from now to thisUpdate.
    package var start: Double
    /// The days from now to nextUpdate.
    package var end: Double
    /// Lines of the section of extensions in OpenSSL's configuration, and of sections after it.
    package var extensions: [String]
    /// The cRLNumber in hexadecimal, with an even number of digits.
    package var number = "1001"

    package init(
        _ revoked: [(serialNumber: String, time: String)] = [], from start: Double = -1,
        to end: Double = 7, extensions: [String] = []
    ) {
        self.revoked = revoked
        self.start = start
        self.end = end
        self.extensions = extensions
    }

    /// Signs the list with the key in `signer.key` for the CA in `signer.pem`, two files whose common
    /// path is given, and returns its DER.
    package func sign(_ signer: String, in folder: TemporaryFolder) throws -> [UInt8] {
        let index = try folder.write(
            revoked.map { entry in
                "R\t350101000000Z\t\(entry.time)\t\(entry.serialNumber.uppercased())\tunknown\t/CN=x\n"
            }.joined(), "list.index")
        try folder.write("unique_subject = no\n", "list.index.attr")
        let number = try folder.write("\(number)\n", "list.number")
        let configuration = try folder.write(
            """
            [ca]
            default_ca = list
            [list]
            database = \(index)
            crlnumber = \(number)
            default_md = sha256
            crl_extensions = extensions
            [extensions]
            authorityKeyIdentifier = keyid
            \(extensions.joined(separator: "\n"))

            """, "list.cnf")
        let file = folder.file("list.crl")
        try require([
            "ca", "-config", configuration, "-gencrl", "-cert", signer + ".pem", "-keyfile",
            signer + ".key", "-crl_lastupdate", Self.time(start), "-crl_nextupdate",
            Self.time(end), "-out", file + ".pem",
        ])
        try require(["crl", "-in", file + ".pem", "-outform", "DER", "-out", file])
        return [UInt8](try Data(contentsOf: URL(filePath: file)))
    }

    private func require(_ arguments: [String]) throws {
        let outcome = try run("openssl", arguments)
        guard outcome.status == 0 else {
            throw SetUpError("openssl \(arguments): \(outcome.errors)")
        }
    }

    /// A time in the form of OpenSSL, such as `20260101000000Z`.
    private static func time(_ days: Double) -> String {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(secondsFromGMT: 0)
        formatter.dateFormat = "yyyyMMddHHmmss'Z'"
        return formatter.string(from: Date(timeIntervalSinceNow: days * 86_400))
    }
}
