internal import Cryptoki
internal import OpenSSLX509
internal import TokencertIssuance

/// The README of a bundle of evidence: how to check it, and what it proves.
struct EvidenceReadme {
    let bundle: EvidenceBundle
    let names: [String]
    let time: String

    var text: String {
        ([head, contents, checks, worth].joined(separator: "\n\n")) + "\n"
    }

    private var head: String {
        let info = bundle.token.info
        return """
            EVIDENCE OF A KEY ON A TOKEN

            Made with tokencert \(programVersion) on \(time)
            for the key with SHA-256 (SubjectPublicKeyInfo)
              \(bundle.publicKeyHash)
            on the token "\(printable(info.label))" (\(printable(info.model)), serial \
            \(printable(info.serialNumber))).
            """
    }

    private var contents: String {
        let descriptions = [
            "key.json": "what the token states about the private key",
            "token.json": "what the token and its PKCS#11 module state about themselves",
            "public-key.pem": "the public key",
            "statement.txt": "the statement that the key signed for this evidence",
            "statement.sig": "the signature of that statement",
            "certificate.pem": "the key's certificate from the token",
            "other-certificates.pem": "other certificates for the key from the token",
            "issuers.pem": "the known issuers of the certificate",
            "request.pem": "the certificate request that the key signed",
            "ledger.json":
                "tokencert's records of orders for the key, with the CA's answers",
        ]
        let lines = names.map { name in
            "  " + padded(name, 24) + (descriptions[name] ?? "")
        }
        return "FILES\n\n" + lines.joined(separator: "\n")
            + "\n  " + padded("SHA256SUMS", 24) + "SHA-256 of all these files"
    }

    private var checks: String {
        var lines = ["sha256sum -c SHA256SUMS"]
        if let digest = bundle.evidence.algorithm.digest {
            lines.append(
                "openssl dgst -\(digest) -verify public-key.pem -signature statement.sig statement.txt"
            )
        } else {
            lines.append(
                "openssl pkeyutl -verify -rawin -pubin -inkey public-key.pem -sigfile statement.sig "
                    + "-in statement.txt")
        }
        if names.contains("certificate.pem") {
            lines.append("openssl x509 -in certificate.pem -noout -pubkey | cmp - public-key.pem")
        }
        if names.contains("issuers.pem") {
            lines.append("openssl verify -partial_chain -trusted issuers.pem certificate.pem")
        }
        if names.contains("request.pem") {
            lines.append("openssl req -in request.pem -noout -verify")
            lines.append("openssl req -in request.pem -noout -pubkey | cmp - public-key.pem")
        }
        var text = "HOW TO CHECK IT (with OpenSSL 3, in this folder)\n\n"
        text += lines.map { "  $ " + $0 }.joined(separator: "\n")
        if names.contains("issuers.pem") {
            text += """


                Check in another way that the last certificate in issuers.pem is the root that you
                trust.
                """
        }
        return text
    }

    private var worth: String {
        """
        WHAT IT PROVES

        - The author of this evidence could use the private key: statement.sig verifies.
          The time of the signature is proved only if the statement contains a nonce that you chose,
          or a random value and a time that you trust.
        - The certificate, if there is one, is for this key.

        WHAT IT DOES NOT PROVE

        - That the key was generated on the token, cannot leave it, or is in hardware at all.
          key.json and token.json contain what the PKCS#11 module reported to the program on that
          machine. A dishonest program or module, or a software token, can report the same.
        - That ledger.json is complete: hashes link its entries to the entire ledger, so only the
          ledger itself can prove this (tokencert history verify).

        Only an attestation by the token's manufacturer can prove where a key is. It is signed by a
        key that never leaves the manufacturer or the chip. Examples are Yubico's
        `ykman piv keys attest`, the attestation of YubiHSM 2, the device certificate of a
        SmartCard-HSM, and TPM2_Certify. Ask for an attestation if this matters to you.
        """
    }
}
