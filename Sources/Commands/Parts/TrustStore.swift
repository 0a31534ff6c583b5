internal import CAcert
internal import Files
internal import OpenSSLX509

/// Where the certificates are that everything hangs on.
enum TrustStore {
    /// The folder of tokencert's own anchors: the system's are never used.
    static var folder: String { dataFolder + "/anchors" }

    /// The anchors in a file, or in the folder where no file is named.
    static func anchors(file: String?) throws -> TrustAnchors {
        let files = file.map { [$0] } ?? filesInFolder()
        var certificates: [Certificate] = []
        for file in files {
            certificates += try read(file)
        }
        guard !certificates.isEmpty else {
            throw Failure(
                .configuration, "there are no trust anchors, so no CA can be believed",
                hints: [
                    "--ca-file FILE names them, or files in \(folder)",
                    "CAcert's root: curl -o root_X0F.crt http://www.cacert.org"
                        + PinnedRoot.path,
                    "check it: openssl x509 -in root_X0F.crt -noout -fingerprint -sha256 has to "
                        + "print \(grouped(PinnedRoot.sha256Fingerprint))",
                    "keep it: mkdir -p \(folder) && mv root_X0F.crt \(folder)/",
                ])
        }
        return TrustAnchors(certificates)
    }

    private static func read(_ file: String) throws -> [Certificate] {
        let found = try Commands.certificates(inFile: file, option: "--ca-file")
        for certificate in found
        where hexadecimal(certificate.sha256Fingerprint) == PinnedRoot.retiredSHA256Fingerprint {
            throw Failure(
                .configuration, "\(file) holds the retired form of CAcert's root, signed with MD5",
                hints: ["take http://www.cacert.org\(PinnedRoot.path)"])
        }
        return found
    }

    private static func filesInFolder() -> [String] {
        names(inFolder: folder).filter { $0.hasSuffix(".pem") || $0.hasSuffix(".crt") }
            .map { folder + "/" + $0 }
    }

    private static func grouped(_ digits: String) -> String {
        stride(from: 0, to: digits.count, by: 2).map {
            digits.dropFirst($0).prefix(2).uppercased()
        }.joined(separator: ":")
    }
}
