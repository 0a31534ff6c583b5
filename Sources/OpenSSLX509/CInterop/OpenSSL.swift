internal import CTokencertOpenSSL

/// The OpenSSL library in this process.
public enum OpenSSL {
    /// Initializes OpenSSL without reading its configuration file.
    ///
    /// The configuration file may load an engine or a provider that initializes a PKCS#11 module a
    /// second time in this process. Only the first initialization counts, so call this function
    /// before a module or libcurl initializes OpenSSL. The C function is `OPENSSL_init_crypto`.
    public static func startWithoutConfiguration() {
        _ = OPENSSL_init_crypto(UInt64(OPENSSL_INIT_NO_LOAD_CONFIG), nil)
    }

    /// The version of the loaded library, as text.
    ///
    /// The C function is `OpenSSL_version`.
    public static var version: String {
        unsafe String(cString: OpenSSL_version(OPENSSL_VERSION))
    }
}
