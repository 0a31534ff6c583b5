package import OpenSSLX509
package import TokencertPlatform

/// Reads the certificates in a file: PEM with any text around it, or a single one in DER. A file
/// with a part that cannot be parsed is refused as a whole.
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
        // The first byte shows whether the file is meant to hold DER.
        throw CertificateFileError.noCertificate(file: file, bytes.first == 0x30 ? error : nil)
    }
}

/// Why no certificates can be read from a file.
package enum CertificateFileError: Error, Sendable {
    /// The file cannot be read.
    case unreadable(FileError)
    /// A block of PEM cannot be parsed.
    case brokenPEM(file: String, X509Error)
    /// There is no certificate; if the file is meant to hold DER, with the reason.
    case noCertificate(file: String, X509Error?)
}
