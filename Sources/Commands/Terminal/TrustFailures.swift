internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertPlatform

extension Failure {
    /// The failure if trust anchors cannot be read or stored; `option` is the one that names the
    /// file.
    init(trust error: TrustStoreError, option: String = "--ca-file") {
        switch error {
        case .noAnchors:
            self.init(
                .configuration, code: "noTrustAnchors",
                "there are no trust anchors, so no CA can be trusted",
                hints: [
                    "to get CAcert's root and check its fingerprint: tokencert trust fetch",
                    "to use other anchors once: --ca-file FILE",
                    "to use other anchors from now on: tokencert trust add FILE",
                ])
        case .folderUnreadable(let error):
            self.init(
                .configuration, code: "trustAnchorsUnreadable",
                "cannot read the folder of trust anchors: \(error)", hints: advice(error))
        case .anchorUnusable(let file, let reason):
            self.init(
                .configuration, code: "trustAnchorUnreadable",
                "a trust anchor cannot be used: \(Failure(trust: reason).message)",
                hints: [
                    "to see all trust anchors: tokencert trust list",
                    "to remove it: tokencert trust remove \(quoted(TrustStore.fileName(file)))",
                ])
        case .changeable(let path):
            self.init(
                .configuration, code: "trustAnchorUnsafe",
                "other users can write to \(path), so its trust anchors are not used",
                hints: [adviceOnWriters(of: path)])
        case .notAFile(let file):
            self.init(.configuration, "\(file) is not a file", hints: ["move it out of the folder"])
        case .certificateFile(let error):
            self.init(certificateFile: error, option: option)
        case .retiredRoot(let file):
            self.init(
                .configuration, "\(file) contains CAcert's retired root, which is signed with MD5",
                hints: ["to get the current one: tokencert trust fetch"])
        case .notWritten(let error):
            self.init(
                .configuration, "\(error)",
                hints: advice(error) + ["to use another folder, set XDG_DATA_HOME"])
        }
    }

    fileprivate init(certificateFile error: CertificateFileError, option: String) {
        let message =
            switch error {
            case .unreadable(let error): "\(error)"
            case .brokenPEM(let file, let error):
                "cannot read the certificates in \(file): \(error)"
            case .noCertificate(let file, let error):
                "\(file) contains no certificate\(error.map { ": \($0)" } ?? "")"
            }
        self.init(
            .configuration, message,
            hints: [
                (option.hasPrefix("--") ? "set \(option) to" : "use")
                    + " a file with certificates in PEM or one in DER"
            ])
    }
}

func certificates(inFile file: String, option: String) throws -> [Certificate] {
    do throws(CertificateFileError) {
        return try TokencertCAcert.certificates(inFile: file)
    } catch {
        throw Failure(certificateFile: error, option: option)
    }
}
