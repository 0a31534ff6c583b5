internal import OpenSSLX509
internal import TokencertPlatform

/// A token as Java's provider SunPKCS11 uses it.
///
/// Java selects a token by its slot alone, so the slot must be the one that was opened, and the token in
/// it is compared before Java gets a PIN.
struct JavaToken {
    /// The variables with which the programs of Java read and print UTF-8, in English.
    static let variables = ["LC_ALL": "C.UTF-8"]

    private let used: UsedCertificate
    /// The name of the provider without `SunPKCS11-`.
    private let name: String

    init(_ used: UsedCertificate, name: String) {
        self.used = used
        self.name = name
    }

    /// Why Java cannot use a key; nil if it can.
    static func problem(_ used: UsedCertificate) -> ConsumerError? {
        switch used.certificate.publicKey.kind {
        case .rsa, .ec: break
        default:
            return ConsumerError(
                .certificateUnfit,
                "Java cannot use a key of type \(used.certificate.publicKey.kind) on a token",
                advice: [
                    "issue a certificate for an RSA key: tokencert issue --codesign --key-type rsa:3072"
                ])
        }
        if used.key.needsPINForEachUse {
            return ConsumerError(
                .tokenUnfit,
                "the token requires the PIN for each use of this key, which Java does not support",
                advice: ["use osslsigncode, or a key that the token does not protect in this way"])
        }
        // Java takes the label for the name of the entry, and reads its bytes as Latin-1.
        let label = used.key.certificateLabel
        guard !label.isEmpty, !label.hasPrefix("-"),
            label.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
        else {
            return ConsumerError(
                .certificateUnfit,
                "Java cannot find a certificate without a label of ASCII characters",
                advice: [
                    "issue a certificate with another label: tokencert issue --codesign --label code"
                ])
        }
        // It numbers the slots of all modules again in each process.
        guard !used.token.modulePath.contains("p11-kit-proxy") else {
            return ConsumerError(
                .tokenUnfit, "Java cannot select a token of p11-kit-proxy, whose slots change",
                advice: ["use the token's own module: tokencert use code --module FILE"])
        }
        let path = used.token.modulePath
        guard !path.contains("${"), !path.contains(where: \.isNewline) else {
            return ConsumerError(
                .tokenUnfit,
                "Java cannot use a module with this name: \(path.debugDescription)",
                advice: [
                    "copy it to another place, and name the copy: tokencert use code --module FILE"
                ])
        }
        return nil
    }

    /// Checks that Java sends a PIN as it is: it sends only the low byte of each character, so the token
    /// would count a wrong PIN.
    static func requirePIN(_ pin: borrowing Secret) throws {
        let isASCII = pin.withBytes { bytes in
            bytes.indices.allSatisfy { bytes[$0] < 0x80 }
        }
        guard isASCII else {
            throw ConsumerError(
                .tokenUnfit,
                "refusing to send the PIN with Java, which changes characters that are not ASCII",
                advice: ["change the PIN: tokencert token change-pin"])
        }
    }

    /// The last error that keytool or jarsigner printed, or the first line under `Error:`.
    static func reason(in text: String) -> String? {
        let lines = text.split(whereSeparator: \.isNewline)
        let named = lines.last { $0.hasPrefix("keytool error: ") || $0.hasPrefix("jarsigner: ") }
        let index = lines.firstIndex { $0.hasPrefix("Error:") }.map { $0 + 1 }
        let found = named ?? index.flatMap { $0 < lines.count ? lines[$0] : nil }
        return found.map { String($0.prefix(300)) }
    }

    /// The configuration of the provider.
    ///
    /// - Parameter showsToken: Whether Java prints the token when it loads the module.
    func configuration(showsToken: Bool) -> String {
        let path = used.token.modulePath.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        return """
            name = \(name)
            library = "\(path)"
            slot = \(used.token.slot)

            """ + (showsToken ? "showInfo = true\n" : "")
    }

    /// The arguments of keytool and jarsigner that select the token. Without the name of the provider,
    /// Java takes the first one that is configured, which may be for another token.
    func options(_ configuration: String) -> [String] {
        [
            "-keystore", "NONE", "-storetype", "PKCS11", "-addprovider", "SunPKCS11",
            "-providerArg", configuration, "-providerName", "SunPKCS11-\(name)",
        ] + (used.takesPIN ? [] : ["-protected"])
    }

    /// Checks that Java sees the token in the slot, before it gets a PIN.
    ///
    /// - Parameter text: What Java printed with `showInfo`.
    func requireToken(printed text: String) throws {
        // Exactly one serial number, since a label with line ends can contain another one.
        let prefix = "  serialNumber:"
        let serials = text.split(whereSeparator: \.isNewline)
            .drop { $0 != "Token info for token in slot \(used.token.slot):" }
            .filter { $0.hasPrefix(prefix) }
        guard serials.count == 1,
            trimmed(serials[0].dropFirst(prefix.count)) == trimmed(used.token.serialNumber[...])
        else {
            throw ConsumerError(
                .tokenUnfit,
                "refusing to send the PIN with Java: it does not see token \"\(used.token.label)\" "
                    + "in slot \(used.token.slot)",
                advice: ["to see the tokens: tokencert tokens"])
        }
    }

    private func trimmed(_ text: Substring) -> String {
        let rest = text.drop(while: \.isWhitespace)
        return String(rest.reversed().drop(while: \.isWhitespace).reversed())
    }
}

/// A key with a certificate, as `keytool -list` prints it.
struct JavaEntry: Hashable {
    /// `CKA_LABEL` of the certificate, or that with its issuer and its serial number.
    let alias: String
    /// SHA-256 of the certificate in lower-case hexadecimal.
    let fingerprint: String

    /// The entries that have a private key.
    static func all(in text: String) -> [JavaEntry] {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let mark = ", PrivateKeyEntry,"
        return zip(lines, lines.dropFirst()).compactMap { line, next in
            guard let end = line.ranges(of: mark).last, let colon = next.firstIndex(of: ":"),
                next.hasPrefix("Certificate fingerprint (SHA-256)")
            else { return nil }
            return JavaEntry(
                alias: String(line[..<end.lowerBound]),
                fingerprint: next[colon...].filter(\.isHexDigit).lowercased())
        }
    }

    /// Checks that the label of a certificate names it, and nothing else.
    static func require(_ used: UsedCertificate, in entries: [JavaEntry]) throws {
        let fingerprint = hexadecimal(used.certificate.sha256Fingerprint)
        let advice = [
            "to see all certificates: tokencert list",
            "if nothing needs the old certificate any more, such as old mail: tokencert delete SERIAL --cert",
        ]
        guard let entry = entries.first(where: { $0.fingerprint == fingerprint }) else {
            throw ConsumerError(
                .tokenUnfit,
                "Java does not find the certificate: it uses another one with the id of the key",
                advice: advice)
        }
        guard entry.alias == used.key.certificateLabel else {
            throw ConsumerError(
                .tokenUnfit,
                "Java does not find the certificate by its label \"\(used.key.certificateLabel)\": another "
                    + "certificate on the token has the same label",
                advice: advice)
        }
    }
}
