import Cryptoki
import OpenSSLX509
import Testing

@testable import TokencertCommands
@testable import TokencertIssuance

extension SettingsInProcess {
    /// The values of options, and the values that are refused before anything else is done.
    @Suite struct OptionRuleTests {
        /// The error for a refused value.
        private func refusal<Value>(
            _ text: String, _ body: () throws -> Value
        ) throws -> Failure {
            let failure = try #require(throws: Failure.self, "\(text)") { _ = try body() }
            #expect(failure.status == .usage, "\(text)")
            return failure
        }

        private func caOptions(
            url: String? = nil, accepts: String? = nil, timeout: String? = nil,
            command: String? = nil
        ) -> CAOptions {
            var options = CAOptions()
            (options.caURL, options.caAccepts, options.timeout) = (url, accepts, timeout)
            (options.caFile, options.username, options.passwordSource) = (nil, nil, nil)
            options.caCommand = command
            return options
        }

        private func tokenOptions(_ token: String? = nil) throws -> TokenOptions {
            var options = ModuleOptions()
            (options.module, options.moduleArguments) = (nil, nil)
            (options.token, options.tokenProfile) = (token, nil)
            return try options.tokenOptions()
        }

        private func requestOptions() -> RequestOptions {
            var options = RequestOptions()
            (options.name, options.keyType, options.label) = (nil, nil, nil)
            (options.id, options.key, options.out) = (nil, nil, nil)
            (options.email, options.codesign) = ([], false)
            return options
        }

        private struct KeyIsNamed: Error {}

        /// The type of the key to make, or nil if the token decides.
        private func newKind(_ options: RequestOptions) throws -> KeyKind? {
            guard case .generate(let kind) = try options.request().key else { throw KeyIsNamed() }
            return kind
        }

        // MARK: Numbers

        @Test("Days of warning are a number of at most a hundred years, and 30 by default")
        func days() throws {
            #expect(try daysOfWarning() == 30)
            for (text, days) in [("0", 0), ("1", 1), ("36500", 36500)] {
                #expect(try daysOfWarning(text) == days)
            }
            for text in ["", "-1", "36501", "30d", "1.5", " 3", "3 ", "0x1", "٣", "99999999999"] {
                let failure = try refusal(text) { try daysOfWarning(text) }
                #expect(failure.hints == ["for example: --days 30"])
            }
            try SettingsInProcess.with(#"{"days": 14}"#) { () throws in
                #expect(try daysOfWarning() == 14 && daysOfWarning("7") == 7)
            }
            // A mistake in the file is reported.
            try SettingsInProcess.with(#"{"days": "soon"}"#) { () throws in
                _ = try refusal("soon") { try daysOfWarning() }
                #expect(try daysOfWarning("7") == 7)
            }
        }

        @Test("A period of expiry is a number of days or weeks of at most ten years")
        func period() throws {
            for (text, days) in [
                ("1", 1), ("30", 30), ("30d", 30), ("4w", 28), ("3650d", 3650), ("521w", 3647),
            ] {
                #expect(try ExpiringCommand.days(text) == days, "\(text)")
            }
            for text in [
                "", "d", "w", "0", "0d", "-1d", "3651", "522w", "4 w", "4m", "1.5d", "30dd", "D",
                "99999999999999999999w",
            ] {
                let failure = try refusal(text) { try ExpiringCommand.days(text) }
                #expect(failure.hints == ["for example: --within 30d or --within 4w"])
            }
        }

        @Test("tokencert waits for a token for at most a day, and not at all by default")
        func wait() throws {
            var options = try tokenOptions()
            #expect(try options.secondsToWait() == 0)
            for (text, seconds) in [("0", 0), ("600", 600), ("86400", 86400)] {
                options.wait = text
                #expect(try options.secondsToWait() == seconds)
            }
            for text in ["-1", "86401", "", "1m", "pkcs11:token=work"] {
                options.wait = text
                let failure = try refusal(text) { try options.secondsToWait() }
                #expect(failure.hints[0].contains("--wait=600"))
            }
        }

        // CAcert's server sleeps for ten seconds, and an order that is cut off may still be
        // processed.
        @Test("Only a CA on this machine may have a timeout of less than 30 seconds")
        func timeout() throws {
            #expect(try caOptions().seconds() == 120)
            let far = [
                "https://www.cacert.org", "https://localhost.example", "https://10.0.0.1:1",
                "https://127.example.org",
            ]
            let near = [
                "https://localhost", "https://localhost:8443/x", "https://127.0.0.1:8443",
                "https://ca.localhost",
            ]
            for url in far + near {
                let least = near.contains(url) ? 1 : 30
                for text in ["\(least)", "120", "3600"] {
                    let seconds = try caOptions(url: url, timeout: text).seconds()
                    #expect(seconds == Int(text), "\(url)")
                }
                for text in ["\(least - 1)", "0", "-5", "3601", "", "1e2", "soon"] {
                    let options = caOptions(url: url, timeout: text)
                    let failure = try refusal(text) { try options.seconds() }
                    #expect(
                        failure.message == "--timeout must be between \(least) and 3600 seconds")
                }
            }
        }

        // MARK: The CA

        // Otherwise a password could be sent unencrypted, to another host, or as part of a URL.
        @Test("The CA's URL uses HTTPS and has a host, but no user, password, query or fragment")
        func addresses() throws {
            #expect(try caOptions().baseURL() == "https://www.cacert.org")
            for url in [
                "https://www.cacert.org", "https://localhost:8443", "HTTPS://ca.example/api",
                "https://[::1]:8443/",
            ] {
                #expect(try caOptions(url: url).baseURL() == url)
            }
            for url in [
                "", "http://www.cacert.org", "ftp://a", "www.cacert.org", "https:/a", "https://",
                "https:///path", "https://:443", "https://anna@a", "https://anna:secret@a/",
                "https://a?b", "https://a#b", "https://a b", "https://a\n", "https://a\u{7F}",
                " https://a", "file:///etc/passwd", "https//a",
            ] {
                let failure = try refusal(url) { try caOptions(url: url).baseURL() }
                #expect(!failure.message.contains("secret"))
            }
            #expect(namesHostOnly("http://a", schemes: ["https://", "http://"]))
            #expect(!namesHostOnly("http://", schemes: ["https://", "http://"]))
        }

        // Otherwise an order could go to another CA than the one on the command line.
        @Test("A CA command excludes a URL and an account, and a URL alone selects no command")
        func command() throws {
            let options = caOptions(timeout: "1", command: "prog 'a b'")
            #expect(try options.command() == "prog 'a b'")
            #expect(try options.address() == "command:prog 'a b'")
            #expect(try options.seconds() == 1)
            #expect(try caOptions(url: "https://ca.example").command() == nil)
            _ = try refusal("both") {
                try caOptions(url: "https://ca.example", command: "prog").command()
            }
            for text in ["", " ", "prog 'a"] {
                _ = try refusal(text) { try caOptions(command: text).command() }
            }
        }

        @Test("--ca-accepts allows exactly the listed key types")
        func acceptance() throws {
            #expect(try caOptions().acceptance() == .cacert)
            #expect(try caOptions().acceptance(isCommand: true) == .anything)
            let limited = try caOptions(accepts: "ec").acceptance(isCommand: true)
            #expect(limited == KeyAcceptance(rsa: false, ec: true, ed25519: false))
            for (text, rsa, ec, ed25519) in [
                ("rsa", true, false, false), ("ec", false, true, false),
                ("ed25519", false, false, true), ("rsa,ec,ed25519", true, true, true),
                ("ec,ec", false, true, false),
            ] {
                let found = try caOptions(accepts: text).acceptance()
                #expect(found.rsa == rsa && found.ec == ec && found.ed25519 == ed25519, "\(text)")
            }
            for text in ["rsa;ec", "dsa", "rsa,dsa", "rsa:2048"] {
                _ = try refusal(text) { try caOptions(accepts: text).acceptance() }
            }
        }

        @Test("Without an account name, tokencert reports an error")
        func account() throws {
            let failure = try refusal("no account") { try caOptions().accountName() }
            #expect(failure.hints[0].contains("TOKENCERT_USERNAME"))
            try SettingsInProcess.with(#"{"username": "anna@example.org"}"#) { () throws in
                #expect(try caOptions().accountName() == "anna@example.org")
            }
        }

        // MARK: The key

        @Test("Key types are accepted in upper and lower case, and other values are refused")
        func keyTypes() throws {
            var options = requestOptions()
            for kind in KeyKind.generated {
                for text in [kind.name, kind.name.uppercased()] {
                    options.keyType = text
                    #expect(try newKind(options) == kind, "\(text)")
                }
            }
            for text in ["rsa:1024", "rsa:2047", "rsa", "rsa:", "ec", "ec:p257", "ed448", ""] {
                options.keyType = text
                let failure = try refusal(text) { try options.request() }
                #expect(
                    failure.hints[0].hasSuffix(
                        "rsa:2048, rsa:3072, rsa:4096, ec:p256, "
                            + "ec:p384, ec:p521, ed25519"))
            }
            options.keyType = nil
            #expect(try newKind(options) == nil)
        }

        @Test("An ID has 1 to 64 bytes in hexadecimal, with or without colons")
        func ids() throws {
            var options = requestOptions()
            let longest = [UInt8](repeating: 0xAB, count: 64)
            let cases: [(String, [UInt8])] = [
                ("01", [1]), ("01:aB", [1, 0xAB]), ("00", [0]),
                (hexadecimal(longest), longest),
            ]
            for (text, id) in cases {
                options.id = text
                #expect(try options.request().id == id, "\(text)")
            }
            for text in ["", ":", "1", "0g", "0x01", "01 02", "-1", hexadecimal(longest) + "00"] {
                options.id = text
                _ = try refusal(text) { try options.request() }
            }
        }

        // Otherwise a new key could be made although an existing one was named, or the other way
        // round.
        @Test("--key overrides the settings for new keys and names more than a token")
        func namedKey() throws {
            var options = requestOptions()
            options.key = "pkcs11:object=mail"
            try SettingsInProcess.with(#"{"key-type": "rsa:4096"}"#) { () throws in
                _ = try options.request()
                #expect(try options.keyName()?.uri?.description == "pkcs11:object=mail")
            }
            for (keyType, id) in [("rsa:2048", nil), (nil, "01")] as [(String?, String?)] {
                (options.keyType, options.id) = (keyType, id)
                let failure = try refusal("both") { try options.request() }
                #expect(failure.message.contains("--key names an existing key"))
            }
            (options.keyType, options.id) = (nil, nil)
            options.key = "pkcs11:token=work"
            let ofToken = try refusal("a token") { try options.keyName() }
            #expect(ofToken.message.hasSuffix("names neither a key nor a certificate"))
            options.key = "pkcs11:object=a?pin-value=7654321"
            let withPIN = try refusal("a PIN") { try options.keyName() }
            #expect(!withPIN.message.contains("7654321"))
        }

        // MARK: The token

        // Otherwise another token could be written to, or a PIN could be printed.
        @Test("A token is selected by its label, or by a URI of a token and not of an object")
        func tokenNames() throws {
            for label in ["work", "my token", "uri:pkcs", "PKCS11", "a;b=c"] {
                let options = try tokenOptions(label)
                #expect(try options.uri() == nil && options.wantedLabel() == label)
                #expect(try options.choices().count == 1)
            }
            for text in ["pkcs11:token=work", "PKCS11:token=work", "pkcs11:serial=1;token=work"] {
                let options = try tokenOptions(text)
                #expect(try options.uri()?.tokenLabel == "work")
                #expect(try options.wantedLabel() == "work")
            }
            #expect(try tokenOptions("pkcs11:slot-id=1").uri() != nil)
            for text in [
                "", " pkcs11:token=work?pin-value=7654321", "x pkcs11:token=work",
                "token=work?pin-value=7654321", "pkcs11:token=work;object=mail",
                "pkcs11:token=work;type=private", "pkcs11:token=work;id=%01",
                "pkcs11:model=SoftHSM", "pkcs11:manufacturer=a?pin-source=/7654321",
                "pkcs11:token=work?pin-value=7654321",
            ] {
                let failure = try refusal(text) { try tokenOptions(text).choices() }
                #expect(!failure.hints.isEmpty)
                let all = ([failure.message] + failure.hints).joined()
                #expect(!all.contains("pin-value=7654321"), "\(all)")
            }
            #expect(try tokenOptions().choices().isEmpty && tokenOptions().uri() == nil)
        }

        // Otherwise a key could be searched for, or removed, on another token.
        @Test("A URI with a token overrides the configured token, but not --token")
        func tokensOfObjects() throws {
            let ofToken = try parseURI("pkcs11:token=other;object=mail")
            let bare = try parseURI("pkcs11:object=mail")
            try SettingsInProcess.with(#"{"token": "work"}"#) { () throws in
                #expect(try tokenOptions().choices(ofToken).count == 1)
                #expect(try tokenOptions().choices(bare).count == 2)
                #expect(try tokenOptions("typed").choices(ofToken).count == 2)
                #expect(try tokenOptions().choices().count == 1)
                // For irreversible commands only the command line counts.
                #expect(try tokenOptions().choicesOnCommandLine().isEmpty)
                #expect(try tokenOptions("typed").choicesOnCommandLine().count == 1)
            }
        }

        // MARK: Output format

        @Test("--color accepts auto, always and never, and nothing else")
        func colours() throws {
            var options = CommonOptions()
            (options.color, options.json, options.quiet, options.verbose) = (
                nil, false, false, false
            )
            #expect(try options.colorChoice() == .auto)
            for word in ["auto", "always", "never"] {
                options.color = word
                #expect(try options.colorChoice().rawValue == word)
            }
            for word in ["", "Always", "yes", "none"] {
                options.color = word
                _ = try refusal(word) { try options.colorChoice() }
            }
        }
    }
}
