import Cryptoki
import Testing
import TokencertPlatform

@testable import TokencertCommands

extension SettingsInProcess {
    /// The module to use and the source of its PIN, depending on where each is set. No module is
    /// loaded.
    @Suite struct ModuleDecisionTests {
        /// The choice as text.
        private func decision(
            _ module: String? = nil, arguments: String? = nil, token: String? = nil,
            _ uri: String? = nil
        ) throws -> String {
            let choice = try ModuleChoice(
                options(module, arguments: arguments, token: token), try uri.map(parseURI))
            return switch choice {
            case .configured: "configured"
            case .named(let name): "named \(name)"
            case .file(let path, let arguments): "file \(path), \(arguments ?? "none")"
            }
        }

        private func options(
            _ module: String? = nil, arguments: String? = nil, token: String? = nil
        ) throws -> TokenOptions {
            var options = ModuleOptions()
            (options.module, options.moduleArguments) = (module, arguments)
            (options.token, options.tokenProfile) = (token, nil)
            return try options.tokenOptions()
        }

        private func refusal(_ body: () throws -> Void) throws -> Failure {
            let failure = try #require(throws: Failure.self) { try body() }
            #expect(failure.status == .usage)
            return failure
        }

        // MARK: Modules

        @Test("A module is a file, a name, or all modules that p11-kit is configured with")
        func forms() throws {
            #expect(try decision() == "configured")
            #expect(try decision("/a/m.so") == "file /a/m.so, none")
            #expect(try decision("opensc-pkcs11") == "named opensc-pkcs11")
            for proxy in ["p11-kit-proxy.so", "/usr/lib/p11-kit-proxy.so"] {
                #expect(try decision(proxy) == "configured")
            }
            let empty = try refusal { _ = try decision("") }
            #expect(empty.message == "--module is empty")
        }

        // Otherwise a PIN could go to the wrong module.
        @Test(
            "The command line overrides the URI of the object, and the URI overrides the settings"
        )
        func order() throws {
            let inURI = "pkcs11:token=a;object=b?module-path=/uri.so"
            let bare = "pkcs11:token=a;object=b"
            #expect(try decision("/typed.so", inURI) == "file /typed.so, none")
            #expect(try decision(nil, inURI) == "file /uri.so, none")
            try SettingsInProcess.with(#"{"module": "/set.so"}"#) { () throws in
                #expect(try decision() == "file /set.so, none")
                #expect(try decision("/typed.so") == "file /typed.so, none")
                #expect(try decision("name") == "named name")
                #expect(try decision(nil, inURI) == "file /uri.so, none")
                #expect(try decision(nil, bare) == "file /set.so, none")
                let named = "pkcs11:token=a;object=b?module-name="
                #expect(try decision(nil, named + "set") == "file /set.so, none")
                #expect(try decision(nil, named + "other") == "configured")
                #expect(try decision("/typed.so", named + "other") == "file /typed.so, none")
                // The URI of the token comes last.
                let ofToken = "pkcs11:token=a?module-path=/token.so"
                #expect(try decision(token: ofToken) == "file /set.so, none")
            }
        }

        // Otherwise the module of one token could get the PIN of another.
        @Test("The configured token URI selects the module, but not for another token")
        func standingURI() throws {
            let ofToken = "pkcs11:token=a?module-path=/token.so"
            #expect(try decision(token: ofToken) == "file /token.so, none")
            try SettingsInProcess.with(#"{"token": "\#(ofToken)"}"#) { () throws in
                #expect(try decision() == "file /token.so, none")
                #expect(try decision(nil, "pkcs11:object=b") == "file /token.so, none")
                #expect(try decision(nil, "pkcs11:token=c;object=b") == "configured")
                #expect(try decision(token: "other") == "configured")
            }
        }

        @Test("In a URI a module-path without a slash is a file")
        func pathInURI() throws {
            #expect(try decision(nil, "pkcs11:object=b?module-path=soft") == "file soft, none")
        }

        // MARK: Arguments

        // A module that gets the arguments of another module could open other keys, or crash.
        @Test("Configured arguments apply only to the configured module")
        func arguments() throws {
            #expect(try decision("/a.so", arguments: "x") == "file /a.so, x")
            #expect(try decision("/a.so", arguments: "") == "file /a.so, none")
            try SettingsInProcess.with(#"{"module": "/a.so", "module-arguments": "set"}"#) {
                () throws in
                #expect(try decision() == "file /a.so, set")
                #expect(try decision("/a.so") == "file /a.so, set")
                #expect(try decision("/b.so") == "file /b.so, none")
                #expect(try decision("/b.so", arguments: "typed") == "file /b.so, typed")
                #expect(try decision(arguments: "typed") == "file /a.so, typed")
                #expect(try decision(arguments: "") == "file /a.so, none")
                let inURI = "pkcs11:token=a;object=b?module-path=/uri.so"
                #expect(try decision(nil, inURI) == "file /uri.so, none")
                #expect(try decision("name") == "named name")
            }
            try SettingsInProcess.with(#"{"module-arguments": "set"}"#) { () throws in
                #expect(try decision("/any.so") == "file /any.so, set")
                #expect(try decision("/any.so", arguments: "") == "file /any.so, none")
            }
        }

        @Test("Arguments need a file, since a configured module has them in p11-kit's own file")
        func argumentsWithoutFile() throws {
            for module in [nil, "opensc-pkcs11", "p11-kit-proxy.so"] as [String?] {
                let failure = try refusal { _ = try decision(module, arguments: "x") }
                #expect(failure.hints[0].contains("x-init-reserved"), "\(failure.hints)")
                _ = try decision(module, arguments: "")
            }
        }

        // NSS ends the process if no folder is given.
        @Test("Arguments for NSS must contain a folder, wherever they are set")
        func nss() throws {
            let nss = "/usr/lib/libsoftokn3.so"
            #expect(
                try decision(nss, arguments: "configdir='sql:/db'")
                    == "file \(nss), configdir='sql:/db'")
            for wrong in ["flags=readOnly", "configdir='sql:db'"] {
                _ = try refusal { _ = try decision(nss, arguments: wrong) }
                try SettingsInProcess.with(
                    #"{"module": "\#(nss)", "module-arguments": "\#(wrong)"}"#
                ) { () throws in
                    _ = try refusal { _ = try decision() }
                }
                // Another module may accept them.
                #expect(try decision("/a.so", arguments: wrong) == "file /a.so, \(wrong)")
            }
        }

        // MARK: Sources of the PIN

        private func source(
            _ pinSource: String? = nil, token: String? = nil, _ uri: String? = nil
        ) throws -> String? {
            var options = try options(token: token)
            options.pinSource = pinSource
            return try options.source(uri.map(parseURI)).map { "\($0)" }
        }

        private func file(_ path: String) -> String { "\(SecretSource.file(path))" }

        // Otherwise the PIN of one token could be sent to another token and lock it.
        @Test(
            "A PIN source on the command line overrides the URI, and the URI overrides the settings"
        )
        func sources() throws {
            let object = "pkcs11:token=a;object=b?pin-source=/object"
            let bare = "pkcs11:token=a;object=b"
            let ofToken = "pkcs11:token=t?pin-source=/token"
            #expect(try source() == nil && source(nil, bare) == nil)
            #expect(try source("file:/typed", object) == file("/typed"))
            #expect(try source(nil, object) == file("/object"))
            #expect(try source(token: ofToken) == file("/token"))
            #expect(try source(nil, token: ofToken, object) == file("/object"))
            try SettingsInProcess.with(
                #"{"pin-source": "file:/set", "token": "\#(ofToken)"}"#
            ) { () throws in
                #expect(try source() == file("/set"))
                #expect(try source(nil, object) == file("/object"))
                #expect(try source(token: "pkcs11:token=u?pin-source=/u") == file("/u"))
            }
            try SettingsInProcess.with(#"{"token": "\#(ofToken)"}"#) { () throws in
                #expect(try source() == file("/token"))
                #expect(try source(nil, "pkcs11:object=b") == file("/token"))
                // The PIN of the configured token is not the PIN of another one.
                #expect(try source(nil, bare) == nil)
                #expect(try source(token: "other") == nil)
            }
        }

        @Test("A source in a URI is a file, and never a PIN or a command")
        func sourcesInURIs() throws {
            for (text, path) in [
                ("/a", "/a"), ("file:/a", "/a"), ("file:///a", "/a"), ("a", "a"),
                ("env:PIN", "env:PIN"), ("prompt", "prompt"), ("1234", "1234"),
            ] {
                let found = try source(nil, "pkcs11:object=b?pin-source=\(text)")
                #expect(found == file(path), "\(text)")
            }
            let home = try requireHome()
            #expect(try source(nil, "pkcs11:object=b?pin-source=~/pin") == file(home + "/pin"))
            let failure = try refusal {
                _ = try source(nil, "pkcs11:object=b?pin-source=%7Ccat%20/secret")
            }
            #expect(failure.code == "commandInURI")
            let all = ([failure.message] + failure.hints).joined()
            #expect(!all.contains("secret"), "\(all)")
        }
    }
}
