package import OpenSSLX509
package import TokencertPlatform

/// Reads the certificates in a file: PEM with any text around it, or one certificate in DER. If any
/// part cannot be parsed, the whole file is rejected.
package func certificates(inFile file: String) throws(CertificateFileError) -> [Certificate] {
    let bytes: [UInt8]
    do throws(FileError) {
        bytes = try readFile(file)
    } catch {
        throw CertificateFileError.unreadable(error)
    }
    let inPEM = Certificate.all(inPEM: bytes)
    if let error = inPEM.error { throw CertificateFileError.brokenPEM(file: file, error) }
    if !inPEM.certificates.isEmpty { return inPEM.certificates }
    do throws(X509Error) {
        return [try Certificate(der: bytes)]
    } catch {
        // The reason is useful only if the file looks like DER.
        throw CertificateFileError.noCertificate(file: file, bytes.first == 0x30 ? error : nil)
    }
}

/// An error from reading the certificates in a file.
package enum CertificateFileError: Error, Sendable {
    case unreadable(FileError)
    case brokenPEM(file: String, X509Error)
    /// The file contains no certificate. The error is set if the file looks like DER.
    case noCertificate(file: String, X509Error?)
}
