internal import FoundationEssentials
internal import OpenSSLX509
internal import TokencertPlatform

/// OpenSSH: log in to servers with the key on the token.
///
/// ssh reads the first value of each setting, so the file with the host block is included at the beginning
/// of the user's configuration. The key stays the same when its certificate is renewed.
struct SSH: Consumer {
    let name = "ssh"
    let summary = "log in to servers with OpenSSH"
    let placeOptions: [PlaceOption] = [.host]
    let requiredOption: PlaceOption? = .host
    /// The key stays the same when its certificate is renewed.
    let usesCertificate = false
    let programs = [
        RequiredProgram(
            "ssh", package: "openssh-client", version: ["-V"], after: "OpenSSH_", atLeast: [8, 4]),
        RequiredProgram(
            "sshd", package: "openssh-server", version: ["-V"], after: "OpenSSH_",
            isOptional: true),
    ]

    func requireFit(_ used: UsedCertificate) throws {
        guard PublicKeyLine(used.certificate.publicKey) != nil else {
            throw ConsumerError(
                .certificateUnfit,
                "ssh cannot use a key of type \(used.certificate.publicKey.kind) on a token",
                advice: [
                    "issue a certificate for an RSA or a P-256 key: tokencert issue --key-type rsa:3072"
                ])
        }
    }

    func setUp(_ used: UsedCertificate, _ place: Place) throws -> SetUp {
        guard !place.hosts.isEmpty else {
            throw ConsumerError(
                .placeUnknown, "no host is named: ssh would ask for the PIN at logins to all hosts",
                advice: [
                    "name the hosts: tokencert use ssh --host example.org --host '*.example.org'"
                ])
        }
        if let wrong = place.hosts.first(where: { !Self.isPattern($0) }) {
            throw ConsumerError(
                .placeUnknown, "\"\(wrong)\" is not a host or a pattern for hosts",
                advice: ["use a name such as example.org, or a pattern such as '*.example.org'"])
        }
        let folder = "\(place.home)/.ssh"
        let key = "\(folder)/tokencert-\(used.fileName).pub"
        let hosts = "\(folder)/tokencert-\(used.fileName).conf"
        for path in [hosts, used.token.modulePath] { try Self.requireQuotable(path) }
        let line = publicKeyLine(used)
        var setUp = SetUp()
        setUp.files = [
            .own(key, line + "\n"),
            .own(
                hosts,
                """
                Host \(place.hosts.joined(separator: " "))
                    PKCS11Provider \(Self.quoted(used.token.modulePath))
                    IdentityFile \(Self.quoted(key))
                    IdentitiesOnly yes

                """),
            SetUpFile(
                "\(folder)/config",
                .block(lines: ["Include \(Self.quoted(hosts))"], at: .beginning)),
        ]
        setUp.commands = ["ssh \(place.hosts[0])"]
        setUp.notes = [
            "Add this line to ~/.ssh/authorized_keys on the server: \(line)",
            "ssh asks for the PIN at each login. To type it less often, set ControlMaster and "
                + "ControlPersist in ~/.ssh/config.",
        ]
        if used.token.others.isEmpty {
            setUp.notes.append(
                "To log in only once, use an agent: ssh-add -s \(shellWord(used.token.modulePath))")
        } else {
            setUp.notes.append(
                "The module also shows other tokens. ssh may ask for their PINs, too: press Ctrl-D "
                    + "there. Do not use ssh-add -s, which sends one PIN to all of them.")
        }
        return setUp
    }

    func check(
        _ used: UsedCertificate, _ place: Place, pin: borrowing Secret
    ) throws -> [String] {
        let ssh = try programs[0].require()
        let sshd = try programs[1].require().path
        if used.token.others.contains(where: { $0.label == used.token.label }) {
            throw ConsumerError(
                .tokenUnfit,
                "ssh cannot distinguish tokens with the same label \"\(used.token.label)\"",
                advice: ["remove the other token, then run tokencert use ssh --check"])
        }
        let folder = try PrivateFolder()
        let user = try Self.user()
        try writeServer(folder.path, user, publicKeyLine(used))
        let asks = "\(folder.path)/askpass"
        try writeFile(
            Self.askpass(label: used.token.label, folder: folder.path), asks, permissions: 0o700)
        let options =
            Self.isolation(version: ssh.version) + [
                "ProxyCommand=\(sshd) -i -f \(folder.path)/sshd_config -E \(folder.path)/sshd.log",
                "UserKnownHostsFile=\(folder.path)/known_hosts", "User=\(user)",
            ]
        // The user's own file: HOME may differ from the home folder that ssh uses.
        do {
            try Trial.run(
                [ssh.path, "-F", "\(place.home)/.ssh/config", "-T"]
                    + options.flatMap { ["-o", $0] }
                    + ["-s", Self.host(for: place.hosts), "sftp"],
                pin: pin.line(), variables: ["SSH_ASKPASS": asks, "SSH_ASKPASS_REQUIRE": "force"],
                "log in to a temporary sshd with the key on the token")
        } catch  where used.key.needsPINForEachUse {
            // ssh 9.2 logs in once. Cards accept that for the signature that follows, SoftHSM does not.
            throw ConsumerError(
                .tokenUnfit,
                "the token requires the PIN for each use of this key, but ssh sends it only once",
                advice: ["use a key without this restriction: tokencert use ssh NAME --write"])
        }
        let log = ((try? readFile("\(folder.path)/sshd.log")) ?? []).text
        guard log.contains("Accepted publickey for \(user) ") else {
            throw failedCheck("sshd did not accept the key on the token")
        }
        return ["logged in to a temporary sshd as \(user) with the key on the token"]
    }

    /// Settings that have precedence over the user's, so that the check starts none of the user's programs
    /// except those of `Match exec`, and leaves no process.
    static func isolation(version: String) -> [String] {
        var settings = [
            "ProxyJump=none", "ProxyUseFdpass=no", "HostKeyAlias=tokencert-check",
            "GlobalKnownHostsFile=/dev/null", "StrictHostKeyChecking=yes", "UpdateHostKeys=no",
            "CanonicalizeHostname=no", "PreferredAuthentications=publickey", "IdentityAgent=none",
            "AddKeysToAgent=no", "BatchMode=no", "ControlMaster=no", "ControlPath=none",
            "ClearAllForwardings=yes", "ForwardAgent=no", "ForwardX11=no", "Tunnel=no",
            "PermitLocalCommand=no", "RemoteCommand=none", "RequestTTY=no",
        ]
        // Older versions refuse settings that they do not know.
        if RequiredProgram.isEnough(version, [8, 5]) { settings.append("KnownHostsCommand=none") }
        if RequiredProgram.isEnough(version, [8, 7]) {
            settings += ["ForkAfterAuthentication=no", "StdinNull=no"]
        }
        return settings
    }

    // MARK: The server of the check

    private func writeServer(_ folder: String, _ user: String, _ line: String) throws {
        let keygen = RequiredProgram("ssh-keygen", package: "openssh-client")
        let generator = try keygen.require().path
        let hostKey = "\(folder)/host_key"
        try Trial.run(
            [generator, "-q", "-t", "ed25519", "-N", "", "-f", hostKey], "make a host key")
        let publicHostKey = try readFile(hostKey + ".pub").text
        try writeFile("tokencert-check \(publicHostKey)", "\(folder)/known_hosts")
        try writeFile("restrict \(line)\n", "\(folder)/authorized_keys")
        // An account without a password counts as locked for root's sshd, except with PAM.
        let usesPAM = user == "root" ? "yes" : "no"
        try writeFile(
            """
            HostKey \(hostKey)
            AuthorizedKeysFile \(folder)/authorized_keys
            AuthenticationMethods publickey
            StrictModes no
            UsePAM \(usesPAM)
            PermitRootLogin yes
            PermitUserRC no
            Subsystem sftp internal-sftp
            ForceCommand internal-sftp
            LogLevel VERBOSE
            PidFile none

            """, "\(folder)/sshd_config")
        // The sshd of root requires this empty folder, which the ssh service also makes. Another check may
        // use it at the same time, so it stays until the machine is started again.
        if user == "root" { try? makeFolder("/run/sshd") }
    }

    /// A program that prints the first line of the input of ssh once, and only for the token's prompt: a
    /// module may show other tokens.
    private static func askpass(label: String, folder: String) -> String {
        let prompt = "Enter PIN for '\(label)': "
        return """
            #!/bin/sh
            [ "$1" = \(TokencertPlatform.quoted(prompt)) ] || exit 1
            mkdir '\(folder)/asked' 2>/dev/null || exit 1
            IFS= read -r pin || exit 1
            printf '%s\\n' "$pin"

            """
    }

    private static func user() throws -> String {
        let name = try Trial.run(["/usr/bin/id", "-un"], "find the name of the user").text
        return name.filter { !$0.isNewline }
    }

    /// A host that the patterns match.
    private static func host(for patterns: [String]) -> String {
        let pattern = patterns.first { !$0.hasPrefix("!") } ?? "host"
        return pattern.replacing("*", with: "host").replacing("?", with: "h")
    }

    /// Whether a text is a pattern of ssh_config(5) that cannot end the line or the quotation.
    private static func isPattern(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                    || (0x61...0x7A).contains(byte) || "-_.:*?![]%".utf8.contains(byte)
            }
            && !text.hasPrefix("-")
    }

    /// A quotation mark in an included path makes ssh refuse all of the user's configuration, and ssh expands
    /// the other characters also between quotation marks.
    private static func requireQuotable(_ path: String) throws {
        let special = "\"\\%$*?[]".unicodeScalars
        guard let wrong = path.unicodeScalars.first(where: { special.contains($0) }) else { return }
        throw ConsumerError(
            .placeUnknown, "ssh cannot use the path \(path), which has the character \(wrong)",
            advice: [
                "use a folder without any of \" \\ % $ * ? [ and ]: HOME=FOLDER tokencert use ssh"
            ])
    }

    private static func quoted(_ path: String) -> String { "\"\(path)\"" }

    // MARK: The public key

    private func publicKeyLine(_ used: UsedCertificate) -> String {
        let line = PublicKeyLine(used.certificate.publicKey)?.text ?? ""
        let comment = used.certificate.emailAddresses.first ?? used.fileName
        return line + " " + comment.filter { !$0.isNewline && !$0.isWhitespace }
    }
}

/// A public key in the format of OpenSSH (RFC 4253, section 6.6; RFC 5656, section 3.1).
struct PublicKeyLine {
    let text: String

    /// nil for a kind of key that OpenSSH does not use on tokens.
    init?(_ key: PublicKey) {
        let type: String
        let parts: [[UInt8]]
        switch key.kind {
        case .rsa:
            guard let numbers = key.rsaNumbers else { return nil }
            type = "ssh-rsa"
            parts = [Self.number(numbers.publicExponent), Self.number(numbers.modulus)]
        case .ec(let curve):
            let name = ["P-256": "nistp256", "P-384": "nistp384", "P-521": "nistp521"]
            guard let identifier = name[curve.rawValue], let point = key.uncompressedPoint else {
                return nil
            }
            type = "ecdsa-sha2-" + identifier
            parts = [Array(identifier.utf8), point]
        default: return nil
        }
        let bytes = ([Array(type.utf8)] + parts).flatMap { part in
            length(part.count) + part
        }
        text = type + " " + Data(bytes).base64EncodedString()
    }

    /// A positive number in two's complement (RFC 4251, section 5).
    private static func number(_ bytes: [UInt8]) -> [UInt8] {
        (bytes.first ?? 0) >= 0x80 ? [0] + bytes : bytes
    }
}

/// A length as four bytes, big-endian (RFC 4251, section 5).
private func length(_ count: Int) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) }
}
