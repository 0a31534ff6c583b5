internal import OpenSSLX509
internal import TokencertPlatform

/// S/MIME with openssl, and with mutt if it is installed.
///
/// mutt runs openssl (its classic S/MIME settings) and not gpgsm: of the signatures that gpgsm makes with
/// gnupg-pkcs11-scd 0.10, OpenSSL rejects about half.
struct Mail: Consumer {
    let name = "mail"
    let summary = "sign and decrypt mail with mutt or openssl"
    let programs = [
        OpenSSLEngine.program,
        RequiredProgram(
            "mutt", package: "mutt", version: ["-v"], after: "Mutt ", atLeast: [2, 0],
            isOptional: true),
    ]

    func requireFit(_ used: UsedCertificate) throws {
        try OpenSSLEngine.requireFit(used)
        let certificate = used.certificate
        guard !certificate.emailAddresses.isEmpty else {
            throw ConsumerError(
                .certificateUnfit, "the certificate has no e-mail address",
                advice: ["issue one with an address: tokencert issue --email ADDRESS"])
        }
        let usages = certificate.extendedKeyUsages
        guard usages.isEmpty || usages.contains(.emailProtection) else {
            throw ConsumerError(
                .certificateUnfit,
                "the certificate is not for e-mail: its extended key usage lacks emailProtection",
                advice: ["choose another certificate: tokencert list"])
        }
        guard
            certificate.allows(.digitalSignature) != false
                || certificate.allows(.contentCommitment) != false
        else {
            throw ConsumerError(
                .certificateUnfit, "the key usage of the certificate does not allow signatures",
                advice: ["choose another certificate: tokencert list"])
        }
        try used.requireIssuer(otherwise: "signatures could not be verified")
    }

    func setUp(_ used: UsedCertificate, _ place: Place) throws -> SetUp {
        let openssl = try OpenSSLEngine.require().path
        let program = place.ownFile(self, "smime")
        let certificate = place.ownFile(self, "certificate.pem")
        var setUp = SetUp()
        setUp.files = [
            .own(
                program,
                Self.program(used, openssl: openssl, folder: parentFolder(program)),
                permissions: 0o700),
            .own(certificate, used.certificate.pem),
            .own(place.ownFile(self, "root.pem"), used.rootPEM),
        ]
        let intermediates = used.issuers.dropLast()
        if !intermediates.isEmpty {
            setUp.files.append(
                .own(
                    place.ownFile(self, "issuers.pem"),
                    intermediates.map(\.pem).joined()))
        }
        let word = shellWord(program)
        setUp.commands = [
            "\(word) sign -in TEXT -out MAIL", "\(word) verify -in MAIL",
            "\(word) encrypt -in TEXT -out MAIL \(shellWord(certificate))",
        ]
        if Self.canDecrypt(used) { setUp.commands.append("\(word) decrypt -in MAIL") }
        setUp.notes = [
            "The program runs openssl cms with the key on the token. It takes all options of openssl "
                + "cms. openssl asks for the PIN at the terminal."
        ]
        if !Self.canDecrypt(used) {
            setUp.notes.append(
                "This EC key only signs: OpenSSL's engine cannot decrypt with it. Use an RSA key to "
                    + "receive encrypted mail.")
        }
        try addMutt(to: &setUp, used, place)
        return setUp
    }

    static func canDecrypt(_ used: UsedCertificate) -> Bool {
        guard case .rsa = used.certificate.publicKey.kind else { return false }
        return used.certificate.allows(.keyEncipherment) != false
    }

    // MARK: mutt

    private func addMutt(
        to setUp: inout SetUp, _ used: UsedCertificate, _ place: Place
    ) throws {
        guard let mutt = programs[1].path() else {
            setUp.notes.append("mutt is not installed. To set it up, too: apt install mutt")
            return
        }
        let key = Self.muttKey(used)
        let file = try muttFile(place)
        let present = try muttSetting("smime_default_key", mutt, file)
        guard ["", key].contains(present) else {
            setUp.notes.append(
                "mutt was not changed: smime_default_key is already \"\(present)\". To set mutt "
                    + "up, remove that setting, then run tokencert use mail --write.")
            return
        }
        let setting = try muttSetting("smime_certificates", mutt, file)
        let folder = Self.muttFolder(setting, home: place.home)
        let own = place.ownFile(self, "muttrc")
        let address = used.certificate.emailAddresses.first ?? ""
        setUp.files += [
            .own(
                own,
                Self.muttSettings(
                    used, program: place.ownFile(self, "smime"), certificates: folder)),
            // mutt encrypts to its user, too, with a certificate in this folder and its index.
            .own("\(folder)/\(key)", used.certificate.pem),
            SetUpFile(
                "\(folder)/.index", .block(lines: ["\(address) \(key) tokencert ? t"], at: .end)),
            SetUpFile(file, .block(lines: ["source \(Self.muttQuoted(own))"], at: .end)),
        ]
        setUp.commands.append("mutt")
        setUp.notes += [
            "In mutt, press S (S/MIME), then s (sign) before you send. To sign always, write "
                + "\"set crypt_autosign smime_is_default\" to \(file).",
            "mutt asks for the PIN for each message. After a wrong PIN, wait a moment before you try "
                + "again: mutt keeps what you typed for one second.",
            "mutt now uses its own S/MIME and OpenPGP commands instead of GPGME.",
        ]
    }

    /// The name of the certificate in mutt's folder.
    static func muttKey(_ used: UsedCertificate) -> String { "tokencert-\(used.fileName).pem" }

    /// The first file that mutt would read.
    func muttFile(_ place: Place) throws -> String {
        let files = [
            "\(place.home)/.muttrc", "\(place.home)/.mutt/muttrc",
            "\(place.configuration)/mutt/muttrc",
        ]
        return try files.first { try isPresent($0) } ?? files[0]
    }

    /// The folder of certificates that mutt uses: the user's, or the usual one.
    static func muttFolder(_ setting: String, home: String) -> String {
        if setting.hasPrefix("/"), setting.count > 1 { return setting }
        return setting.hasPrefix("~/") && setting.count > 2
            ? home + String(setting.dropFirst()) : "\(home)/.smime/certificates"
    }

    /// A setting as mutt reads it; empty if it is not set.
    func muttSetting(_ name: String, _ mutt: String, _ file: String) throws -> String {
        let output = try Trial.run(
            [mutt, "-F", try isPresent(file) ? file : "/dev/null", "-Q", name],
            variables: ["TERM": "dumb"], "read the configuration of mutt")
        return Self.muttValue(of: name, in: output.text)
    }

    /// The value in a line such as `name="value"`; `\` precedes quotation marks in it.
    static func muttValue(of name: String, in output: String) -> String {
        let line = output.split(whereSeparator: \.isNewline).last { $0.hasPrefix(name + "=") } ?? ""
        let value = line.dropFirst(name.count + 1)
        guard value.count >= 2, value.hasPrefix("\""), value.hasSuffix("\"") else { return "" }
        return String(value.dropFirst().dropLast()).replacing("\\\"", with: "\"")
            .replacing("\\\\", with: "\\")
    }

    static func muttSettings(
        _ used: UsedCertificate, program: String, certificates: String
    ) -> String {
        // mutt expands %; the words are for a shell.
        let words = TokencertPlatform.quoted(program).replacing("%", with: "%%")
        var settings = [
            "# Written by tokencert use mail.",
            "set crypt_use_gpgme=no",
            "set smime_certificates=\(muttQuoted(certificates))",
            "set smime_default_key=\(muttQuoted(muttKey(used)))",
            // A PIN that is kept longer is sent again after the token has refused it (mutt 2.2.12).
            "set smime_timeout=1",
            "set smime_sign_command="
                + muttQuoted(words + " sign -passin stdin -md %d -in %f -outform DER"),
        ]
        if canDecrypt(used) {
            settings += [
                "set smime_decrypt_use_default_key=yes",
                "set smime_decrypt_command="
                    + muttQuoted(words + " decrypt -passin stdin -inform DER -in %f"),
            ]
        }
        let root = parentFolder(program) + "/root.pem"
        settings.append("set smime_ca_location=\(muttQuoted(root))")
        return settings.joined(separator: "\n") + "\n"
    }

    /// A value for mutt in quotation marks, without expansion of variables and commands.
    static func muttQuoted(_ value: String) -> String {
        let escaped: [Character] = value.flatMap { "\\\"$`".contains($0) ? ["\\", $0] : [$0] }
        return "\"" + String(escaped) + "\""
    }
}
