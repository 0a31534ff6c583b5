internal import OpenSSLX509
internal import TokencertPlatform

/// Reads the certificates in a file: PEM with any text around it, or a single one in DER. A file
/// with a part that cannot be parsed is refused as a whole.
///
/// - Parameters:
///   - file: The file.
///   - option: The option that names it, for errors.
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
