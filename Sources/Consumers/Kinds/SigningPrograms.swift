internal import OpenSSLX509
internal import TokencertPlatform

/// The programs that sign code, as far as they are installed and can use a certificate.
struct SigningPrograms {
    // Debian 12 has 2.5, and 2.9 in its backports.
    static let osslsigncode = RequiredProgram(
        "osslsigncode", package: "osslsigncode", after: "osslsigncode ", atLeast: [2, 9],
        isOptional: true
    ).withEngine()
    /// Only JDK 18 and newer print a version.
    static let jarsigner = RequiredProgram(
        "jarsigner", package: "default-jdk-headless", version: ["-version"], after: "jarsigner ",
        isOptional: true)

    /// osslsigncode with OpenSSL's engine. Before version 2.9 it does not read the PIN from its standard
    /// input, and cannot verify without asking the CA for a revocation list.
    struct EngineSigner {
        let path: String
        let enginePath: String

        /// The arguments that sign a file.
        func signing(
            _ used: UsedCertificate, _ chain: String, asksForPIN: Bool, _ file: String,
            _ signed: String
        ) -> [String] {
            [
                "sign", "-pkcs11engine", enginePath, "-pkcs11module", used.token.modulePath,
                "-key", used.privateKeyURI, "-certs", chain, "-h", "sha256",
            ] + (asksForPIN ? [] : ["-readpass", "-"]) + ["-in", file, "-out", signed]
        }
    }

    /// nil if it is not installed or cannot be used.
    private(set) var osslsigncode: EngineSigner?
    /// The absolute path; nil if it is not installed or cannot be used.
    private(set) var jarsigner: String?
    /// Why a program that is installed cannot be used; if none is installed, this.
    private(set) var problems: [ConsumerError] = []

    init(_ used: UsedCertificate) throws {
        let hasOsslsigncode = Self.osslsigncode.path() != nil
        if hasOsslsigncode {
            do {
                let path = try Self.osslsigncode.require().path
                try OpenSSLEngine.requireFit(used)
                let engine = try OpenSSLEngine.require()
                osslsigncode = EngineSigner(path: path, enginePath: engine.enginePath)
            } catch let error as ConsumerError {
                problems.append(error)
            }
        }
        if let path = Self.jarsigner.path() {
            if let problem = JavaToken.problem(used) {
                problems.append(problem)
            } else {
                jarsigner = path
            }
        } else if !hasOsslsigncode {
            problems.append(
                ConsumerError(
                    .consumerNotInstalled, "neither osslsigncode nor jarsigner is installed",
                    advice: [
                        "to sign programs: apt install osslsigncode \(OpenSSLEngine.package)",
                        "to sign jar files: apt install \(Self.jarsigner.package)",
                    ]))
        }
    }

    /// The absolute path of a program of the JDK.
    static func javaProgram(_ name: String) throws -> String {
        guard let path = RequiredProgram(name, package: jarsigner.package).path() else {
            throw ConsumerError(
                .consumerNotInstalled, "\(name) is not installed",
                advice: ["install it: apt install \(jarsigner.package)"])
        }
        return path
    }
}

/// The smallest program for Windows that osslsigncode accepts: one section with one instruction.
func smallestProgram() -> [UInt8] {
    func little(_ width: Int, _ values: Int...) -> [UInt8] {
        values.flatMap { value in
            (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
    }
    func padded(_ bytes: [UInt8], to count: Int) -> [UInt8] {
        bytes + [UInt8](repeating: 0, count: count - bytes.count)
    }
    let stub = padded(Array("MZ".utf8), to: 60) + little(4, 0x40)
    let header =
        Array("PE\0\0".utf8) + little(2, 0x14C, 1) + little(4, 0, 0, 0) + little(2, 0xE0, 0x102)
    // The addresses and alignments, the versions, the sizes and the subsystem, and the limits.
    let optional =
        little(2, 0x10B, 1) + little(4, 0x200, 0, 0, 0x1000, 0x1000, 0x2000, 0x40_0000)
        + little(4, 0x1000, 0x200) + little(2, 4, 0, 0, 0, 4, 0) + little(4, 0, 0x2000, 0x200, 0)
        + little(2, 3, 0) + little(4, 0x10_0000, 0x1000, 0x10_0000, 0x1000, 0, 16)
    let section =
        padded(Array(".text".utf8), to: 8) + little(4, 0x10, 0x1000, 0x200, 0x200, 0, 0)
        + little(2, 0, 0) + little(4, 0x6000_0020)
    let returns: [UInt8] = [0xC3]
    return padded(stub + header + padded(optional, to: 0xE0) + section, to: 0x200)
        + padded(returns, to: 0x200)
}
