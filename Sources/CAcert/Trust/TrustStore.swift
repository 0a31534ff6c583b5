package import OpenSSLX509
package import TokencertPlatform

/// The folder with the user's trust anchors. The system's anchors are never used.
package struct TrustStore: Sendable {
    package let folder: String

    /// Creates a store without reading the folder.
    package init(folder: String) {
        self.folder = folder
    }

    /// The anchors in the file, or in the folder if it is nil. Throws if there are none.
    package func anchors(file: String?) throws(TrustStoreError) -> TrustAnchors {
        var certificates: [Certificate] = []
        if let file {
            certificates = try Self.read(file)
        } else {
            for file in try files() { certificates += try readKept(file) }
        }
        guard !certificates.isEmpty else { throw TrustStoreError.noAnchors }
        return TrustAnchors(certificates)
    }

    /// The readable anchors in the file, or in the folder if it is nil; nil if there are none.
    ///
    /// - Parameter report: Gets the error of each file of the folder that is not used.
    package func anchorsIfAny(
        file: String?, reporting report: (TrustStoreError) -> Void = { _ in }
    ) -> TrustAnchors? {
        var certificates: [Certificate] = []
        if let file {
            certificates = (try? Self.read(file)) ?? []
        } else {
            for file in (try? files()) ?? [] {
                do throws(TrustStoreError) {
                    certificates += try readKept(file)
                } catch {
                    report(error)
                }
            }
        }
        return certificates.isEmpty ? nil : TrustAnchors(certificates)
    }

    /// The files with anchors in the folder. Hidden files are ignored: editors and macOS create
    /// them.
    package func files() throws(TrustStoreError) -> [String] {
        do throws(FileError) {
            return try names(inFolder: folder).filter {
                !$0.hasPrefix(".") && ($0.hasSuffix(".pem") || $0.hasSuffix(".crt"))
            }.map { folder + "/" + $0 }
        } catch {
            throw TrustStoreError.folderUnreadable(error)
        }
    }

    /// The files in the folder that seem to be anchors, but have another extension, so they are not used.
    package var ignoredFiles: [String] {
        ((try? names(inFolder: folder)) ?? []).filter { name in
            let lower = name.lowercased()
            return !name.hasPrefix(".") && !name.hasSuffix(".pem") && !name.hasSuffix(".crt")
                && [".pem", ".crt", ".cer", ".der"].contains { lower.hasSuffix($0) }
        }
    }

    /// The certificates in a file of the folder. Throws if other users could have written it: they would
    /// decide which CAs are trusted.
    package func readKept(_ file: String) throws(TrustStoreError) -> [Certificate] {
        for path in [folder, file] where (try? isWritableByOthers(path)) == true {
            throw TrustStoreError.changeable(path)
        }
        do throws(TrustStoreError) {
            // Reading from a pipe would block.
            guard isRegularFile(file) || !exists(file) else {
                throw TrustStoreError.notAFile(file)
            }
            return try Self.read(file)
        } catch {
            throw TrustStoreError.anchorUnusable(file: file, error)
        }
    }

    /// The certificates in a file. Throws if one is the retired certificate of CAcert's root.
    package static func read(_ file: String) throws(TrustStoreError) -> [Certificate] {
        let found: [Certificate]
        do throws(CertificateFileError) {
            found = try certificates(inFile: file)
        } catch {
            throw TrustStoreError.certificateFile(error)
        }
        for certificate in found
        where hexadecimal(certificate.sha256Fingerprint) == PinnedRoot.retiredSHA256Fingerprint {
            throw TrustStoreError.retiredRoot(file: file)
        }
        return found
    }

    /// The name of an anchor for users: its file name without the extension.
    package static func name(_ file: String) -> String {
        let name = fileName(file)
        return String(name[..<(name.lastIndex(of: ".") ?? name.endIndex)])
    }

    /// The last part of a path.
    package static func fileName(_ file: String) -> String {
        String(file.split(separator: "/").last ?? "")
    }

    /// Writes an anchor to the folder and returns its path.
    package func keep(_ certificate: Certificate) throws(TrustStoreError) -> String {
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
            throw TrustStoreError.notWritten(error)
        }
        return file
    }
}

/// An error from reading or writing trust anchors.
package enum TrustStoreError: Error, Sendable {
    case noAnchors
    /// The folder exists and cannot be read.
    case folderUnreadable(FileError)
    /// A file in the folder cannot be used, because of the other error.
    indirect case anchorUnusable(file: String, TrustStoreError)
    /// Other users can write to the file, or to the folder.
    case changeable(String)
    /// The path in the folder is a pipe, a device or a folder.
    case notAFile(String)
    /// The certificates in the file cannot be read.
    case certificateFile(CertificateFileError)
    /// The file contains the certificate of CAcert's root that is signed with MD5.
    case retiredRoot(file: String)
    /// The anchor cannot be written to the folder.
    case notWritten(FileError)
}
