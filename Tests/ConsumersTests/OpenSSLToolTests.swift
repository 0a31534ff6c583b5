import Testing

@testable import TokencertConsumers

/// The configuration file of openssl. Otherwise openssl would load another module, or none.
@Suite struct OpenSSLToolTests {
    private func lines(_ text: String) -> [String] {
        text.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("# ") }
    }

    @Test("The file selects the engine and the module, and has no PIN")
    func plain() {
        let text = OpenSSLTool.configuration(
            including: nil, engine: "/lib/engines-3/pkcs11.so", module: "/lib/module.so")
        #expect(
            lines(text) == [
                "openssl_conf = tokencert_init", "[tokencert_init]",
                "engines = tokencert_engines", "[tokencert_engines]",
                "pkcs11 = tokencert_pkcs11", "[tokencert_pkcs11]", "engine_id = pkcs11",
                "dynamic_path = /lib/engines-3/pkcs11.so", "MODULE_PATH = /lib/module.so",
                "init = 0",
            ])
    }

    /// Otherwise the name of the section would be set in the last section of the included file.
    @Test("After the system's file, the first section is selected again")
    func included() {
        let text = OpenSSLTool.configuration(
            including: "/usr/lib/ssl/openssl.cnf", engine: "/e.so", module: "/m.so")
        #expect(
            lines(text).prefix(3) == [
                ".include /usr/lib/ssl/openssl.cnf", "[default]", "openssl_conf = tokencert_init",
            ])
    }

    @Test("A path with characters that openssl interprets stays one value")
    func path() {
        let text = OpenSSLTool.configuration(
            including: nil, engine: "/e.so", module: "/a $b#c\\d'e\"f`g\nh.so")
        #expect(lines(text).contains(##"MODULE_PATH = /a \$b\#c\\d\'e\"f\`g\nh.so"##))
    }
}
