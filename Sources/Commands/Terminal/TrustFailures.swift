internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertPlatform

extension Failure {
    /// The failure if trust anchors cannot be read or kept.
    ///
    /// - Parameter option: The option that names the file, for hints.
    init(trust error: TrustStoreError, option: String = "--ca-file") {
        switch error {
        case .noAnchors:
            self.init(
                .configuration, code: "noTrustAnchors",
                "there are no trust anchors, so no CA can be trusted",
                hints: [
                    "tokencert trust fetch gets CAcert's root and checks its fingerprint",
                    "--ca-file FILE names others, tokencert trust add FILE keeps them",
                ])
        case .folderUnreadable(let error):
            self.init(
                .configuration, code: "trustAnchorsUnreadable",
                "the folder of trust anchors cannot be read: \(error)", hints: advice(error))
        case .anchorUnusable(let file, let reason):
            self.init(
                .configuration, code: "trustAnchorUnreadable",
                "a trust anchor cannot be used: \(Failure(trust: reason).message)",
                hints: [
                    "tokencert trust list shows all trust anchors",
                    "tokencert trust remove \(quoted(TrustStore.fileName(file))) removes it",
                ])
        case .notAFile(let file):
            self.init(
                .configuration, "\(file) is not a file", hints: ["move it out of the folder"])
        case .certificateFile(let error):
            self.init(certificateFile: error, option: option)
        case .retiredRoot(let file):
            self.init(
                .configuration, "\(file) holds the retired form of CAcert's root, signed with MD5",
                hints: ["tokencert trust fetch gets the one that is used"])
        case .notWritten(let error):
            self.init(
                .configuration, "\(error)",
                hints: advice(error) + ["XDG_DATA_HOME names another place"])
        }
    }

    fileprivate init(certificateFile error: CertificateFileError, option: String) {
        let message =
            switch error {
            case .unreadable(let error): "\(error)"
            case .brokenPEM(let file, let error):
                "the certificates in \(file) cannot be read: \(error)"
            case .noCertificate(let file, let error):
                "\(file) holds no certificate\(error.map { ": \($0)" } ?? "")"
            }
        self.init(
            .configuration, message,
            hints: ["\(option) takes certificates in PEM or one in DER"])
    }
}

/// Reads the certificates in a file that an option names.
func certificates(inFile file: String, option: String) throws -> [Certificate] {
    do throws(CertificateFileError) {
        return try TokencertCAcert.certificates(inFile: file)
    } catch {
        throw Failure(certificateFile: error, option: option)
    }
}
