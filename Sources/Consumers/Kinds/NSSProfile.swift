internal import OpenSSLX509
internal import TokencertPlatform

/// Firefox and Thunderbird: log in to web sites, and sign and decrypt mail, with the key on the token.
///
/// The module is added to the profile's pkcs11.txt, and the certificates of the CA to its database. The
/// certificate itself is read from the token, so nothing changes in the profile when it is renewed.
struct NSSProfile: Consumer {
    /// What the certificate is used for.
    enum Purpose: Sendable {
        case webSites
        case mail
    }

    let purpose: Purpose
    let name: String
    let summary: String
    let programs: [RequiredProgram]
    let placeOptions: [PlaceOption] = [.profileFolder]

    static let firefox = NSSProfile(.webSites, "firefox", "log in to web sites with Firefox")
    static let thunderbird = NSSProfile(
        .mail, "thunderbird", "sign and decrypt mail with Thunderbird")

    private init(_ purpose: Purpose, _ name: String, _ summary: String) {
        self.purpose = purpose
        self.name = name
        self.summary = summary
        // The programs of NSS do not print their version.
        programs = [
            RequiredProgram(
                name, package: purpose == .mail ? "thunderbird" : "firefox-esr",
                atLeast: [78]),
            RequiredProgram(
                "certutil", package: "libnss3-tools", version: ["-H"], after: "NSS version "),
            RequiredProgram(
                "cmsutil", package: "libnss3-tools", version: ["-H"], after: "NSS version "),
        ]
    }

    private var certutil: RequiredProgram { programs[1] }
    private var cmsutil: RequiredProgram { programs[2] }
    private var profiles: NSSProfiles { purpose == .mail ? .thunderbird : .firefox }
    /// The name of the program in sentences.
    private var title: String { purpose == .mail ? "Thunderbird" : "Firefox" }
    /// For mail, the root must be trusted also for one's own certificate; for web sites it need not be.
    private var rootTrust: String { purpose == .mail ? ",C," : ",," }

    // MARK: Fitness

    func requireFit(_ used: UsedCertificate) throws {
        switch used.certificate.publicKey.kind {
        case .rsa, .ec: break
        default:
            throw ConsumerError(
                .certificateUnfit,
                "\(title) cannot use a key of type \(used.certificate.publicKey.kind) on a token",
                advice: ["issue a certificate for an RSA key: tokencert issue --key-type rsa:3072"])
        }
        guard used.certificate.allows(.digitalSignature) != false else {
            throw ConsumerError(
                .certificateUnfit, "the key usage of the certificate does not include signatures",
                advice: ["to see all certificates: tokencert list"])
        }
        let usages = used.certificate.extendedKeyUsages
        let needed: ExtendedKeyUsage = purpose == .mail ? .emailProtection : .clientAuth
        guard usages.isEmpty || usages.contains(needed) || usages.contains(.any) else {
            throw ConsumerError(
                .certificateUnfit,
                "the extended key usage of the certificate does not include "
                    + (purpose == .mail ? "e-mail protection" : "client authentication"),
                advice: ["to see all certificates: tokencert list"])
        }
        guard purpose == .mail else { return }
        guard !used.certificate.emailAddresses.isEmpty else {
            throw ConsumerError(
                .certificateUnfit, "the certificate has no e-mail address",
                advice: ["issue a certificate with your address: tokencert issue --email ADDRESS"])
        }
        guard used.root != nil else {
            throw ConsumerError(
                .certificateUnfit, "the root certificate of the CA is not known",
                advice: [
                    "to get CAcert's root and class 3 certificates: tokencert trust fetch",
                    "for another CA: tokencert trust add FILE",
                ])
        }
    }

    // MARK: Setting up

    func setUp(_ used: UsedCertificate, _ place: Place) throws -> SetUp {
        let profile = try profiles.profile(in: place)
        let path = "\(profile)/pkcs11.txt"
        let present = try readFile(path)
        let block = MarkedBlock(consumer: name)
        let module = ModuleList.lines(
            used.token.modulePath, readable: [used.token.slot], disabled: [])
        let rest = block.removed(from: present, [module])
        // Otherwise the module of tokencert would count as one of the user's.
        guard rest != nil || !block.isMarked(present) else { throw block.brokenMarks(in: path) }
        let others = rest ?? present
        let isRunning = try isLocked("\(profile)/.parentlock")
        if !isRunning { try requireComplete(profile) }
        var database = try NSSDatabase(
            copying: profile, certutil: try certutil.require().path, hasKeys: true)
        var isChanged = false
        for issuer in used.issuers {
            let isRoot = issuer.subject == issuer.issuer
            if try database.add(issuer, trust: isRoot ? rootTrust : ",,") { isChanged = true }
        }
        var setUp = SetUp()
        // Files that stay as they are belong to the set-up, too: others are taken back.
        for name in ["cert9.db", "key4.db"] {
            let file = "\(profile)/\(name)"
            let content =
                isChanged ? try database.content(name) : try readFile(file, limit: 1 << 28)
            setUp.files.append(SetUpFile(file, .changed(content)))
        }
        let loaded = ModuleList.libraries(in: others)
        if !loaded.contains(where: { absolutePath($0) == absolutePath(used.token.modulePath) }) {
            let isSeparate = others.isEmpty || others.suffix(2) == [0x0A, 0x0A]
            let lines = (isSeparate ? [] : [""]) + module
            setUp.files.append(SetUpFile(path, .block(lines: lines, at: .end)))
            if !block.isWhole(lines, in: present, at: .end) { isChanged = true }
        }
        if isChanged, isRunning { throw running(profile) }
        setUp.commands = [place.profile == nil ? name : "\(name) --profile \(shellWord(profile))"]
        setUp.notes = notes(used)
        if loaded.contains(where: { $0.hasSuffix("p11-kit-proxy.so") }) {
            setUp.notes.append(
                "The profile also loads p11-kit-proxy.so. If \(title) then shows the token twice, unload "
                    + "that module in Settings, Security Devices.")
        }
        return setUp
    }

    private func notes(_ used: UsedCertificate) -> [String] {
        var notes = [
            "\(title) asks for the PIN when it first uses the key, and does not ask again until it quits."
        ]
        switch purpose {
        case .webSites:
            notes.append(
                "The CA is added without trust: web sites with its certificates are still refused.")
        case .mail:
            notes += [
                "The CA is trusted for mail. Recipients of your mail must trust it, too.",
                "Select the certificate in Account Settings, End-To-End Encryption, S/MIME; do it again "
                    + "after each renewal.",
            ]
        }
        if let file = environmentVariable("SOFTHSM2_CONF"),
            used.token.modulePath.contains("softhsm")
        {
            notes.append("Start \(title) with the variable SOFTHSM2_CONF=\(shellWord(file)).")
        }
        return notes
    }

    /// Changes that SQLite has not yet moved to the database are in files beside it.
    private func requireComplete(_ profile: String) throws {
        for name in ["cert9.db-wal", "cert9.db-journal", "key4.db-wal", "key4.db-journal"]
        where fileSize("\(profile)/\(name)") ?? 0 > 0 {
            throw ConsumerError(
                .consumerRuns,
                "\(title) or certutil has not completed its last change of \(profile)",
                advice: ["start \(title) and quit it: \(self.name)"])
        }
    }

    func requireIdle(_ paths: [String]) throws {
        for profile in Set(paths.map(parentFolder)).sorted()
        where try isLocked("\(profile)/.parentlock") {
            throw running(profile)
        }
    }

    private func running(_ profile: String) -> ConsumerError {
        ConsumerError(
            .consumerRuns, "\(title) is running with the profile \(profile)",
            advice: ["quit \(title), then run the command again"])
    }

    // MARK: Trying it

    func check(
        _ used: UsedCertificate, _ place: Place, pin: borrowing Secret
    ) throws -> [String] {
        guard !used.key.needsPINForEachUse else {
            throw ConsumerError(
                .tokenUnfit,
                "the token requires the PIN for each use of this key, which cmsutil does not support "
                    + "without a terminal",
                advice: ["try it with \(title): \(name)"])
        }
        guard let anchor = used.issuers.last else {
            throw ConsumerError(
                .certificateUnfit, "the issuer of the certificate is not known",
                advice: ["to get CAcert's root and class 3 certificates: tokencert trust fetch"])
        }
        let signer = try cmsutil.require().path
        let profile = try profiles.profile(in: place)
        var database = try NSSDatabase(
            copying: profile, certutil: try certutil.require().path, hasKeys: false)
        // The set-up has already checked the trust in the profile. Here it has a new key database, which
        // forgets the trust, and a trusted root also for web sites.
        try database.add(anchor, trust: "CT,C,C")
        let lines = ModuleList.lines(
            used.token.modulePath, readable: [used.token.slot],
            disabled: used.token.others.map(\.slot))
        let modules = try database.content("pkcs11.txt")
        try writeFileDurably(
            modules + Array(("\n" + lines.joined(separator: "\n") + "\n").utf8),
            "\(database.folder)/pkcs11.txt", permissions: 0o600)
        let entries = try database.entries(onTokens: true)
        guard
            entries.contains(where: {
                $0.nickname.hasPrefix(used.token.label + ":")
                    && $0.nickname.hasSuffix(used.key.certificateLabel) && $0.trust.contains("u")
            })
        else {
            throw failedCheck(
                "NSS does not find the certificate with its key on token \"\(used.token.label)\"")
        }
        try sign(used, in: database, signer, pin)
        let what = purpose == .mail ? "as mail" : "for client authentication"
        return [
            "NSS lists the certificate with its key on token \"\(used.token.label)\"",
            "a message signed with the key on the token is verified \(what), up to "
                + "\"\(anchor.displayName)\"",
        ]
    }

    /// Signs a message with the PIN and verifies it. The URI selects the token, so that no other one is
    /// asked, and the PIN can be read only once.
    private func sign(
        _ used: UsedCertificate, in database: borrowing NSSDatabase, _ cmsutil: String,
        _ pin: borrowing Secret
    ) throws {
        let message = "\(database.folder)/message"
        try writeFile("signed by the token\n", message)
        // SECCertUsage: 0 is an SSL client, 4 an e-mail signer.
        let usage = purpose == .mail ? "4" : "0"
        let words = [
            cmsutil, "-S", "-d", database.argument, "-N", used.certificateURI, "-u", usage, "-G",
            "-i", message, "-o", message + ".p7", "-f", "/dev/stdin",
        ]
        let doing = "sign a message with the key on the token"
        let password = Self.passwordLine(pin, token: used.token.label)
        let result = try Trial.result(words, pin: password, doing)
        // With a URI, cmsutil 3.87 exits with status 1 after the message is written: "NSS could not
        // shutdown".
        guard fileSize(message + ".p7") ?? 0 > 0 else {
            throw Trial.failure(doing, words, result)
        }
        let output = try Trial.run(
            [
                cmsutil, "-D", "-d", database.argument, "-n", "-u", usage, "-h", "0", "-i",
                message + ".p7",
            ], "verify a signed message")
        let signed = try database.content("message.p7")
        guard output.text.contains("status=GoodSignature"),
            Self.names(signed, signer: used.certificate)
        else {
            throw ConsumerError(
                .checkFailed, "NSS signed with another certificate than the one that was set up",
                advice: ["to see all certificates of the key: tokencert list"])
        }
    }

    /// The PIN as a line of a password file of NSS; empty for none. NSS removes the token's name and a colon
    /// from the line, so a PIN that itself begins with both would be sent without them.
    static func passwordLine(_ pin: borrowing Secret, token: String) -> Secret {
        guard !pin.isEmpty else { return Secret() }
        var line = Secret(copying: "\(token):".utf8)
        pin.withBytes { bytes in
            for index in bytes.indices { line.append(bytes[index]) }
        }
        line.append(0x0A)
        return line
    }

    /// Whether a signed message names a certificate as its signer: the version and the
    /// IssuerAndSerialNumber of SignerInfo (RFC 5652, section 5.3).
    static func names(_ message: [UInt8], signer: Certificate) -> Bool {
        let name = DER.sequence(signer.issuer.der, signer.serialNumberDER)
        return message.firstRange(of: DER.integer([1]) + name) != nil
    }
}
