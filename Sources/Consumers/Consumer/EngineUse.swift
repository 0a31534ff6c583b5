internal import OpenSSLX509
internal import TokencertPlatform

extension OpenSSLEngine {
    /// The configuration for commands that use the engine: `MODULE_PATH` and `PIN` in another one have
    /// precedence over `PKCS11_MODULE_PATH` and over the user's PIN (libp11 0.4.12).
    package static let configuration = "/dev/null"

    /// The variables with which the engine uses the module of a certificate, and no other one.
    package static func variables(_ used: UsedCertificate) -> [String: String] {
        ["OPENSSL_CONF": configuration, "PKCS11_MODULE_PATH": used.token.modulePath]
    }

    /// ``variables(_:)`` for a command line that the user copies.
    package static func assignments(_ used: UsedCertificate) -> String {
        variables(used).sorted { $0.key < $1.key }
            .map { "\($0.key)=\(shellWord($0.value))" }.joined(separator: " ")
    }

    /// The name of the key for the commands of openssl, which load the engine for it.
    ///
    /// Not `-engine pkcs11`, which makes the engine the default for all elliptic-curve keys: tpm2-pkcs11 1.9
    /// uses OpenSSL itself, and could not generate the keys of its TPM sessions.
    package static func keyName(_ used: UsedCertificate) -> String {
        "org.openssl.engine:pkcs11:" + used.privateKeyURI
    }

    /// Checks what the engine (libp11 0.4.12) cannot do with a key.
    package static func requireFit(_ used: UsedCertificate) throws {
        switch used.certificate.publicKey.kind {
        case .rsa, .ec: break
        default:
            throw ConsumerError(
                .certificateUnfit,
                "OpenSSL's PKCS#11 engine cannot use a key of type \(used.certificate.publicKey.kind)",
                advice: ["issue a certificate for an RSA key: tokencert issue --key-type rsa:3072"])
        }
        guard !used.token.hasEd25519Key else {
            throw ConsumerError(
                .tokenUnfit,
                "OpenSSL's PKCS#11 engine finds no key on a token that also has an Ed25519 key",
                advice: ["use another token; to find the Ed25519 key: tokencert list"])
        }
        // The engine does not log in if the URI of the key is for several tokens.
        let isAmbiguous = used.token.others.contains {
            $0.label == used.token.label && $0.serialNumber == used.token.serialNumber
        }
        guard !isAmbiguous else {
            throw ConsumerError(
                .tokenUnfit,
                "another token has the same label \"\(used.token.label)\" and the same serial number",
                advice: ["remove the other token, then run the command again"])
        }
    }

    /// Checks whether a key can be tried: the engine asks for the PIN a second time at a terminal if the
    /// token requires it for each use, and libp11 0.4.12 takes at most 31 bytes.
    package static func requireTrial(_ used: UsedCertificate, pinLength: Int) throws {
        if used.key.needsPINForEachUse {
            throw ConsumerError(
                .tokenUnfit,
                "the token requires the PIN for each use of this key, and OpenSSL's engine asks for it "
                    + "only at a terminal",
                advice: ["try it at a terminal with the commands that tokencert use shows"])
        }
        if pinLength > 31 {
            throw ConsumerError(
                .tokenUnfit, "OpenSSL's engine takes PINs of at most 31 bytes",
                advice: ["change the PIN: tokencert token change-pin"])
        }
    }
}
