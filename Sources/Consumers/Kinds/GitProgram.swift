internal import OpenSSLX509
internal import TokencertPlatform

extension Git {
    /// The program that git calls: `--status-fd=2 -bsau KEY` signs, `--status-fd=1 --verify FILE -`
    /// verifies; the data are on standard input.
    ///
    /// The data are written to a file first: openssl without a terminal would take its standard input for
    /// the PIN. A PIN comes from descriptor 3 only while `tokencert use git --check` runs.
    static func program(_ used: UsedCertificate, openssl: String, folder: String) -> String {
        let passin =
            used.takesPIN
            ? #"[ -z "$TOKENCERT_GIT_CHECK" ] || set -- -passin fd:3"#
            : "# The token asks for no PIN here."
        let settings = """
            #!/bin/sh
            # Signs and verifies commits for git with a key on a token. Written by tokencert use git.
            openssl=\(quotedWord(openssl))
            folder=\(quotedWord(folder))
            key=\(hexadecimal(used.key.id))
            uri=\(quotedWord(OpenSSLEngine.keyName(used)))
            # Another configuration could select another module, which would get the PIN.
            export OPENSSL_CONF=\(OpenSSLEngine.configuration)
            export PKCS11_MODULE_PATH=\(quotedWord(used.token.modulePath))

            """
        return settings + body.replacing("    @PASSIN@", with: "    " + passin)
    }

    private static func quotedWord(_ text: String) -> String { TokencertPlatform.quoted(text) }

    private static let body = #"""
        export LC_ALL=C
        umask 077
        work=$(mktemp -d) || exit 1
        trap 'rm -rf "$work"' EXIT
        trap 'exit 1' HUP INT TERM

        fail() {
            [ -z "$TOKENCERT_GIT_CHECK" ] || cat "$work/log" >"$TOKENCERT_GIT_CHECK/log"
            { echo "tokencert: $1" >/dev/tty; } 2>/dev/null || echo "tokencert: $1" >&2
            exit 1
        }

        sign() {
            set --
            @PASSIN@
            [ ! -e "$folder/issuers.pem" ] || set -- "$@" -certfile "$folder/issuers.pem"
            "$openssl" cms -sign -binary -md sha256 -outform PEM -in "$work/data" -out "$work/signature" \
                -signer "$folder/certificate.pem" -inkey "$uri" "$@" \
                </dev/null 2>"$work/log" || fail "cannot sign: $(grep -m 1 -i pin "$work/log" || tail -n 1 "$work/log")"
            sed 's/ CMS-----$/ SIGNED MESSAGE-----/' "$work/signature"
            printf '\n[GNUPG:] SIG_CREATED D\n' >&2
        }

        # verified OPTION...: whether exactly one certificate has signed the data.
        verified() {
            "$openssl" cms -verify -binary -purpose any -inform PEM -in "$work/signature" -content "$work/data" \
                -out /dev/null -signer "$work/signer" "$@" 2>"$work/log" </dev/null &&
                [ "$(grep -c '^-----BEGIN' "$work/signer")" = 1 ]
        }

        trusted() {
            verified -CAfile "$folder/root.pem" -no-CApath -no-CAstore -partial_chain "$@"
        }

        verify() {
            sed 's/ SIGNED MESSAGE-----$/ CMS-----/' "$1" >"$work/signature"
            # When the commit was made or the tag was set, as it claims itself.
            time=$(sed -n -e '/^$/q' -e 's/^committer .*> \([0-9]\{1,12\}\) .*/\1/p' \
                -e 's/^tagger .*> \([0-9]\{1,12\}\) .*/\1/p' "$work/data" | head -n 1)
            echo '[GNUPG:] NEWSIG'
            if trusted; then result=GOODSIG
            elif trusted -attime "${time:-0}"; then result=EXPKEYSIG
            elif verified -noverify; then
                echo '[GNUPG:] ERRSIG 0 1 8 00 0 9'
                fail 'the issuer of the certificate that signed is not trusted'
            else
                echo '[GNUPG:] BADSIG 0 unknown'
                fail 'the signature is not valid'
            fi
            "$openssl" x509 -in "$work/signer" -noout -fingerprint -sha256 -subject \
                -nameopt RFC2253,-esc_msb,utf8 >"$work/names"
            fingerprint=$(sed -n 's/^sha256 Fingerprint=//p' "$work/names" | tr -d :)
            subject=$(sed -n 's/^subject=//p' "$work/names")
            echo "[GNUPG:] $result $fingerprint $subject"
            echo "[GNUPG:] VALIDSIG $fingerprint 1970-01-01 0 0 0 0 1 8 00"
            echo '[GNUPG:] TRUST_FULLY 0 shell'
        }

        cat >"$work/data" || exit 1
        : >"$work/log"
        case $2 in
        -bsau)
            [ "$3" = "$key" ] || fail "user.signingKey is $3, but this program signs with $key"
            sign
            ;;
        --verify) verify "$3" ;;
        *) fail 'git calls this program' ;;
        esac
        """#
        + "\n"
}
