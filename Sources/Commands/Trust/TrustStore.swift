internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertPlatform

/// Where the certificates are that everything hangs on.
enum TrustStore {
    /// The folder of tokencert's own anchors: the system's are never used.
    static var folder: String { dataFolder + "/anchors" }

    /// The anchors in a file, or in the folder where no file is named.
    static func anchors(file: String?) throws -> TrustAnchors {
        var certificates: [Certificate] = []
        if let file {
            certificates = try read(file)
        } else {
            for file in try files() { certificates += try readKept(file) }
        }
        guard !certificates.isEmpty else {
            throw Failure(
                .configuration, code: "noTrustAnchors",
                "there are no trust anchors, so no CA can be trusted",
                hints: [
                    "tokencert trust fetch gets CAcert's root and checks its fingerprint",
                    "--ca-file FILE names others, tokencert trust add FILE keeps them",
                ])
        }
        return TrustAnchors(certificates)
    }

    /// The anchors that are set, or those in the folder, as far as they can be read; nil where there
    /// are none.
    static func anchorsIfAny() -> TrustAnchors? {
        let certificates =
            if let file = setting(nil, .caFile) {
                (try? read(file)) ?? []
            } else {
                ((try? files()) ?? []).flatMap { (try? readKept($0)) ?? [] }
            }
        return certificates.isEmpty ? nil : TrustAnchors(certificates)
    }

    /// The files with anchors in the folder, by name. Hidden files belong to editors and to macOS.
    ///
    /// - Throws: ``Failure`` if there is a folder that cannot be read.
    static func files() throws -> [String] {
        do throws(FileError) {
            return try names(inFolder: folder).filter {
                !$0.hasPrefix(".") && ($0.hasSuffix(".pem") || $0.hasSuffix(".crt"))
            }.map { folder + "/" + $0 }
        } catch {
            throw Failure(
                .configuration, code: "trustAnchorsUnreadable",
                "the folder of trust anchors cannot be read: \(error)", hints: advice(error))
        }
    }

    /// The certificates in a file of the folder.
    static func readKept(_ file: String) throws -> [Certificate] {
        do {
            // Reading a pipe would block.
            guard isRegularFile(file) || !exists(file) else {
                throw Failure(
                    .configuration, "\(file) is not a file", hints: ["move it out of the folder"])
            }
            return try read(file)
        } catch {
            throw Failure(
                .configuration, code: "trustAnchorUnreadable",
                "a trust anchor cannot be used: \(Failure(error).message)",
                hints: [
                    "tokencert trust list shows all trust anchors",
                    "tokencert trust remove \(quoted(fileName(file))) removes it",
                ])
        }
    }

    /// The certificates in a file; the retired form of CAcert's root is refused.
    static func read(_ file: String, option: String = "--ca-file") throws -> [Certificate] {
        let found = try TokencertCommands.certificates(inFile: file, option: option)
        for certificate in found
        where hexadecimal(certificate.sha256Fingerprint) == PinnedRoot.retiredSHA256Fingerprint {
            throw Failure(
                .configuration, "\(file) holds the retired form of CAcert's root, signed with MD5",
                hints: ["tokencert trust fetch gets the one that is used"])
        }
        return found
    }

    /// Says where a file is set that is trusted in the folder's place.
    static func noteOtherAnchors() {
        guard let file = setting(nil, .caFile) else { return }
        printError(
            "note: ca-file is set, so only \(printable(file)) is trusted; tokencert config shows where"
        )
    }

    /// The name of an anchor's file, by which people call it.
    static func name(_ file: String) -> String {
        let name = fileName(file)
        return String(name[..<(name.lastIndex(of: ".") ?? name.endIndex)])
    }

    static func fileName(_ file: String) -> String {
        String(file.split(separator: "/").last ?? "")
    }

    /// Keeps an anchor in the folder.
    static func keep(_ certificate: Certificate) throws -> AnchorReport {
        let words = (certificate.subject.commonNames.last ?? certificate.subject.text).lowercased()
            .split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
        let fingerprint = hexadecimal(certificate.sha256Fingerprint)
        let name = (words.prefix(6).map(String.init) + [String(fingerprint.prefix(8))])
            .joined(separator: "-")
        let file = "\(folder)/\(name).pem"
        do throws(FileError) {
            try makeFolder(folder)
            try writeFileDurably(Array(certificate.pem.utf8), file, permissions: 0o644)
        } catch {
            throw Failure(
                .configuration, "\(error)",
                hints: advice(error) + ["XDG_DATA_HOME names another place"])
        }
        return AnchorReport(certificate, file: file)
    }
}

/// Reads the certificates in a file: PEM with any text around it, or a single one in DER. A file
/// with a part that cannot be parsed is refused as a whole.
func certificates(inFile file: String, option: String) throws -> [Certificate] {
    let hints = ["\(option) takes certificates in PEM or one in DER"]
    let bytes: [UInt8]
    do throws(FileError) {
        bytes = try readFile(file)
    } catch {
        throw Failure(.configuration, "\(error)", hints: hints)
    }
    let inPEM = Certificate.all(inPEM: bytes)
    if let error = inPEM.error {
        throw Failure(
            .configuration, "the certificates in \(file) cannot be read: \(error)", hints: hints)
    }
    if !inPEM.certificates.isEmpty { return inPEM.certificates }
    do throws(X509Error) {
        return [try Certificate(der: bytes)]
    } catch {
        // The first byte shows whether the file is meant to hold DER.
        let reason = bytes.first == 0x30 ? ": \(error)" : ""
        throw Failure(.configuration, "\(file) holds no certificate\(reason)", hints: hints)
    }
}
