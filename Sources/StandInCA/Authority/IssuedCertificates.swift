internal import FoundationEssentials

/// The folder with the certificates that the stand-in has issued, one PEM file each.
struct IssuedCertificates: Sendable {
    private let directory: String
    /// The highest serial number in the folder; nil if the folder is empty.
    let lastSerial: UInt64?

    /// Reads the folder, or creates it.
    init(directory: String) throws {
        self.directory = directory
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        let serials = try FileManager.default.contentsOfDirectory(atPath: directory)
            .compactMap { $0.split(separator: ".").first.flatMap { UInt64($0, radix: 16) } }
        lastSerial = serials.max()
    }

    /// Writes a certificate to the folder. Otherwise its serial number would be issued again.
    func record(_ certificate: SignedCertificate) throws(StandInError) {
        try replaceFile("\(directory)/\(certificate.serialNumber).pem", with: certificate.pem.utf8)
    }

    /// Reads the certificate with a serial number, in PEM.
    func pem(_ serialNumber: String) throws(StandInError) -> String {
        let file = "\(directory)/\(serialNumber).pem"
        do {
            return String(decoding: try Data(contentsOf: URL(filePath: file)), as: UTF8.self)
        } catch {
            throw StandInError("cannot read \(file): \(error)")
        }
    }
}
