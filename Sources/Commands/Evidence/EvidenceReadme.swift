internal import Cryptoki
internal import OpenSSLX509
internal import TokencertIssuance

/// The README of a bundle of evidence: how to check it, and what it is worth.
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
            "key.json": "what the token states of the private key",
            "token.json": "what the token and its PKCS#11 module say of themselves",
            "public-key.pem": "the public key",
            "statement.txt": "what the key has signed when this was made",
            "statement.sig": "its signature over that",
            "certificate.pem": "the key's certificate, as it is on the token",
            "other-certificates.pem": "further certificates for the key on the token",
            "issuers.pem": "who issued the certificate, as far as it is known here",
            "request.pem": "the certificate request that the key has signed",
            "ledger.json":
                "what tokencert has noted about orders for the key, the CA's answers too",
        ]
        let lines = names.map { name in
            "  " + padded(name, 24) + (descriptions[name] ?? "")
        }
        return "FILES\n\n" + lines.joined(separator: "\n")
            + "\n  " + padded("SHA256SUMS", 24) + "SHA-256 of all of these"
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
            lines.append(
                "openssl verify -partial_chain -trusted issuers.pem certificate.pem")
        }
        if names.contains("request.pem") {
            lines.append("openssl req -in request.pem -noout -verify")
            lines.append("openssl req -in request.pem -noout -pubkey | cmp - public-key.pem")
        }
        var text = "HOW TO CHECK IT, with OpenSSL 3 in this folder\n\n"
        text += lines.map { "  $ " + $0 }.joined(separator: "\n")
        if names.contains("issuers.pem") {
            text += """


                Whether the last certificate in issuers.pem is the root that you trust, you have to know
                from elsewhere.
                """
        }
        return text
    }

    private var worth: String {
        """
        WHAT IT PROVES

        - Whoever made this could use the private key at that time: statement.sig verifies.
          That it was at that time, only where the statement has a nonce of yours, or a random value
          and a time that you trust.
        - The certificate, where there is one, is for this key.

        WHAT IT DOES NOT PROVE

        - That the key was made in the token, cannot leave it, or is in hardware at all. key.json and
          token.json are what the PKCS#11 module said to the program on that machine. A program that
          lies, a module that lies, or a software token says the same.
        - That ledger.json is whole: its entries are bound to the whole ledger by hashes, and only
          the ledger itself can show that (tokencert history verify).

        Only an attestation by the token's maker, signed by a key that never leaves the factory's
        hands or the chip, can prove where a key is. Yubico's `ykman piv keys attest`, the attestation
        of YubiHSM 2, the device certificate of a SmartCard-HSM and TPM2_Certify are such. Ask for it
        where it matters.
        """
    }
}
