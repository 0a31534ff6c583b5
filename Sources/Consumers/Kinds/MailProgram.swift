internal import OpenSSLX509
internal import TokencertPlatform

extension Mail {
    func check(
        _ used: UsedCertificate, _ place: Place, pin: borrowing Secret
    ) throws -> [String] {
        try OpenSSLEngine.requireTrial(used, pinLength: pin.count)
        let folder = try PrivateFolder()
        let program = place.ownFile(self, "smime")
        let passin = pin.isEmpty ? [] : ["-passin", "stdin"]
        func file(_ name: String) -> String { "\(folder.path)/\(name)" }
        let text = "A message that tokencert signs and encrypts.\r\n"
        try writeFile(text, file("text"))
        func requireSame(_ bytes: [UInt8], _ what: String) throws {
            guard bytes == Array(text.utf8) else {
                throw outdated("the \(what) message is not the same as before")
            }
        }
        try Trial.run(
            [program, "sign"] + passin
                + ["-binary", "-in", file("text"), "-out", file("signed")],
            pin: pin.line(), "sign a message")
        let address = used.certificate.emailAddresses.first ?? ""
        let verified = try Trial.run(
            [program, "verify", "-verify_email", address, "-in", file("signed")],
            "verify a signed message")
        try requireSame(verified, "verified")
        var proofs = ["signed a message with the key on the token, and openssl verified it"]
        if Self.canDecrypt(used) {
            try Trial.run(
                [
                    program, "encrypt", "-binary", "-in", file("text"), "-out",
                    file("encrypted"), place.ownFile(self, "certificate.pem"),
                ], "encrypt a message")
            // A failure can look like a success with other bytes: OpenSSL hides RSA errors.
            let decrypted = try Trial.run(
                [program, "decrypt"] + passin + ["-binary", "-in", file("encrypted")],
                pin: pin.line(), "decrypt a message")
            try requireSame(decrypted, "decrypted")
            proofs.append("encrypted a message, and decrypted it with the key on the token")
        } else {
            proofs.append("not tried: decryption, which this key cannot do")
        }
        if let proof = try checkMutt(used, place, pin: pin) { proofs.append(proof) }
        return proofs
    }

    /// Runs the command with which mutt signs, as mutt does; nil if mutt is not set up.
    private func checkMutt(
        _ used: UsedCertificate, _ place: Place, pin: borrowing Secret
    ) throws -> String? {
        guard let mutt = programs[1].path(), exists(place.ownFile(self, "muttrc")) else {
            return nil
        }
        let file = try muttFile(place)
        guard try muttSetting("smime_default_key", mutt, file) == Self.muttKey(used) else {
            throw outdated("mutt does not use the settings of tokencert")
        }
        let folder = try PrivateFolder()
        let text = "\(folder.path)/text"
        let signature = "\(folder.path)/signature"
        try writeFile("Text.\r\n", text)
        let command = Self.expanded(
            try muttSetting("smime_sign_command", mutt, file), file: text, digest: "sha256")
        // mutt asks for a PIN even if the token needs none.
        var line = pin.line()
        if line.isEmpty { line.append(0x0A) }
        let signed = try Trial.run(
            ["/bin/sh", "-c", command], pin: line, "sign with the command of mutt")
        try writeFileDurably(signed, signature, permissions: 0o600)
        try Trial.run(
            [
                place.ownFile(self, "smime"), "verify", "-inform", "DER", "-in", signature,
                "-content", text,
            ], "verify the signature of the command of mutt")
        return "signed with the command of mutt, and openssl verified it; mutt itself was not run"
    }

    /// A command of mutt with the names for `%f` and `%d`.
    static func expanded(_ command: String, file: String, digest: String) -> String {
        let parts = command.split(separator: "%%", omittingEmptySubsequences: false)
        return parts.map {
            $0.replacing("%f", with: TokencertPlatform.quoted(file))
                .replacing("%d", with: digest)
        }.joined(separator: "%")
    }

    /// A program that runs openssl cms with the key: `sign`, `verify`, `encrypt` or `decrypt`, then
    /// options of openssl cms. It refuses to sign without a terminal and without `-passin`: openssl
    /// would then take the first line of its standard input for the PIN.
    static func program(_ used: UsedCertificate, openssl: String, folder: String) -> String {
        let word = TokencertPlatform.quoted
        let decrypt =
            canDecrypt(used)
            ? "with_key -decrypt -recip \"$folder/certificate.pem\" \"$@\""
            : "fail 'OpenSSL cannot decrypt with this key'"
        let settings = """
            #!/bin/sh
            # S/MIME with a key on a token: smime sign|verify|encrypt|decrypt, then options of openssl cms.
            # Written by tokencert use mail.
            openssl=\(word(openssl))
            folder=\(word(folder))
            uri=\(word(OpenSSLEngine.keyName(used)))
            # Another configuration could select another module, which would get the PIN.
            export OPENSSL_CONF=\(OpenSSLEngine.configuration)
            export PKCS11_MODULE_PATH=\(word(used.token.modulePath))
            takes_pin=\(used.takesPIN ? "yes" : "no")

            """
        return settings + body.replacing("@DECRYPT@", with: decrypt)
    }

    private static let body = #"""
        export LC_ALL=C

        fail() {
            echo "smime: $1" >&2
            exit 1
        }

        # Without a terminal, openssl would take the first line of its input for the PIN.
        require_pin() {
            [ "$takes_pin" = yes ] || return 0
            case " $* " in *' -passin '*) return 0 ;; esac
            (: </dev/tty) 2>/dev/null || fail 'no terminal to ask for the PIN; use -passin'
        }

        with_key() { exec "$openssl" cms -inkey "$uri" "$@"; }

        operation=$1
        [ $# = 0 ] || shift
        case $operation in
        sign)
            require_pin "$@"
            [ ! -e "$folder/issuers.pem" ] || set -- -certfile "$folder/issuers.pem" "$@"
            with_key -sign -md sha256 -signer "$folder/certificate.pem" "$@"
            ;;
        verify) exec "$openssl" cms -verify -CAfile "$folder/root.pem" -partial_chain "$@" ;;
        encrypt) exec "$openssl" cms -encrypt -aes256 "$@" ;;
        decrypt)
            require_pin "$@"
            @DECRYPT@
            ;;
        *) fail 'name the operation: sign, verify, encrypt or decrypt' ;;
        esac

        """#
}
