internal import TokencertPlatform

/// The program openssl with the engine for PKCS#11 (libp11); Debian 12 has no package of the
/// provider. `PKCS11_MODULE_PATH` selects the module, so no openssl.cnf is needed. Without it,
/// Debian's engine loads every module that p11-kit is configured with.
package struct OpenSSLEngine: Sendable {
    package static let program = RequiredProgram(
        "openssl", package: "openssl", version: ["version"], after: "OpenSSL ", atLeast: [3, 0]
    ).withEngine()
    /// The Debian package with the engine.
    package static let package = "libengine-pkcs11-openssl"

    /// The absolute path of openssl.
    package let path: String
    /// The absolute path of the engine.
    package let enginePath: String

    /// Finds openssl and its engine.
    ///
    /// - Throws: ``ConsumerError`` if one of them is not installed.
    package static func require() throws -> OpenSSLEngine {
        let openssl = try program.require().path
        guard let engine = try enginePath(of: openssl) else {
            throw ConsumerError(
                .consumerNotInstalled, "the PKCS#11 engine of OpenSSL is not installed",
                advice: ["install it: apt install \(package)"])
        }
        return OpenSSLEngine(path: openssl, enginePath: engine)
    }

    /// Whether the engine of the openssl in `PATH` is installed.
    package static func isInstalled() -> Bool {
        guard let openssl = program.path() else { return false }
        return (try? enginePath(of: openssl)) != nil
    }

    /// The absolute path of the engine; nil if it is not installed. Its folder is compiled into openssl, so
    /// only a run of openssl shows it.
    static func enginePath(of openssl: String) throws -> String? {
        let text = try Trial.run([openssl, "version", "-e"], "find the engines of OpenSSL").text
        // ENGINESDIR: "/usr/lib/x86_64-linux-gnu/engines-3"
        let folder = text.split(separator: "\"").dropFirst().first.map(String.init) ?? ""
        return ["pkcs11.so", "libpkcs11.so", "pkcs11.dylib"]
            .map { "\(folder)/\($0)" }.first { isRegularFile($0) }
    }
}
