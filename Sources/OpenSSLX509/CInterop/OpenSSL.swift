internal import CTokencertOpenSSL

/// OpenSSL as this process uses it.
public enum OpenSSL {
    /// Starts OpenSSL without the configuration of the user or the system.
    ///
    /// Such a configuration may load an engine or a provider that initialises a PKCS#11 module a
    /// second time in this process. The first start decides, so this is to be called before a
    /// module or libcurl start OpenSSL in their own way. The C function is `OPENSSL_init_crypto`.
    public static func startWithoutConfiguration() {
        _ = OPENSSL_init_crypto(UInt64(OPENSSL_INIT_NO_LOAD_CONFIG), nil)
    }

    /// The version of the library that is running.
    public static var version: String {
        unsafe String(cString: OpenSSL_version(OPENSSL_VERSION))
    }
}
