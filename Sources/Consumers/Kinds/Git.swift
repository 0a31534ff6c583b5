internal import OpenSSLX509
internal import TokencertPlatform

/// git: sign commits and tags with the key on the token (`gpg.format=x509`).
///
/// git calls a program of tokencert's own, which uses openssl. gpgsm is not used: with
/// gnupg-pkcs11-scd 0.10 it cannot use EC keys, and each renewal would require a new set-up.
struct Git: Consumer {
    let name = "git"
    let summary = "sign commits and tags with git"
    let placeOptions: [PlaceOption] = [.file]
    let programs = [
        RequiredProgram(
            "git", package: "git", version: ["--version"], after: "git version ",
            atLeast: [2, 19]),
        OpenSSLEngine.program,
    ]

    func requireFit(_ used: UsedCertificate) throws {
        try OpenSSLEngine.requireFit(used)
        try used.requireIssuer(otherwise: "git could not verify signatures")
    }

    func setUp(_ used: UsedCertificate, _ place: Place) throws -> SetUp {
        let engine = try OpenSSLEngine.require()
        let target = try configurationFile(place)
        let settings = Settings(
            program: place.ownFile(self, "program"), key: hexadecimal(used.key.id))
        let own = place.ownFile(self, "config")
        try requireFree(settings, own, place)
        var setUp = SetUp()
        setUp.files = [
            .own(
                settings.program,
                Self.program(used, openssl: engine.path, folder: parentFolder(own)),
                permissions: 0o700),
            .own(place.ownFile(self, "certificate.pem"), used.certificate.pem),
            .own(place.ownFile(self, "root.pem"), used.rootPEM),
            .own(own, settings.text),
            SetUpFile(target, .block(lines: Self.including(own), at: .end)),
        ]
        let intermediates = used.issuers.dropLast()
        if !intermediates.isEmpty {
            setUp.files.insert(
                .own(
                    place.ownFile(self, "issuers.pem"),
                    intermediates.map(\.pem).joined()), at: 2)
        }
        setUp.commands = [
            "git commit -S", "git tag -s v1.0 -m v1.0", "git log --show-signature -1",
            "git config --global commit.gpgSign true",
        ]
        setUp.notes = [
            "openssl asks for the PIN at the terminal for each signature. Only the last command, which "
                + "you may leave out, makes git sign every commit.",
            "git now verifies X.509 signatures only with the CA of this certificate. OpenPGP "
                + "signatures are verified as before.",
        ]
        if let address = used.certificate.emailAddresses.first {
            setUp.notes.append(
                "Others compare the address of the commit with that of the certificate. To set it: "
                    + "git config --global user.email \(shellWord(address))")
        }
        return setUp
    }

    func check(
        _ used: UsedCertificate, _ place: Place, pin: borrowing Secret
    ) throws -> [String] {
        try OpenSSLEngine.requireTrial(used, pinLength: pin.count)
        let folder = try PrivateFolder()
        let repository = "\(folder.path)/repository"
        var git =
            try command() + [
                "-C", repository, "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false",
                "-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "user.name=check",
                "-c", "user.email=check@localhost",
            ]
        // The configuration of a repository names hooks and folders of that repository.
        if place.file != nil { git += ["-c", "include.path=\(place.ownFile(self, "config"))"] }
        let variables = variables(place).merging(["TOKENCERT_GIT_CHECK": folder.path]) { $1 }
        func run(_ words: [String], _ doing: String) throws -> String {
            try Trial.run(git + words, variables: variables, doing).text
        }
        try makeFolder(repository)
        _ = try run(["init", "--quiet", "--template="], "make a temporary repository")
        // git passes descriptor 3 on to the program that signs; its standard input is the commit.
        let commit =
            [
                "/bin/sh", "-c", "exec 3<&0 </dev/null; exec \"$@\"", "sh",
            ] + git + ["commit", "--quiet", "--allow-empty", "--no-verify", "-S", "-m", "check"]
        let signed = try Trial.result(
            commit, pin: pin.line(), variables: variables, "sign a commit")
        guard signed.end == .exited(0) else {
            throw failure(commit, signed, "\(folder.path)/log")
        }
        _ = try run(["verify-commit", "HEAD"], "verify the signed commit")
        let fingerprint = hexadecimal(used.certificate.sha256Fingerprint).uppercased()
        let signer = try run(["log", "-1", "--format=%G? %GF"], "read the signature")
        guard signer == "G \(fingerprint)\n" else {
            throw outdated("git did not sign with this certificate")
        }
        let original = try run(["cat-file", "commit", "HEAD"], "read the commit")
        let forged = "\(folder.path)/forged"
        try writeFile(original + "changed\n", forged)
        let name = try run(["hash-object", "-t", "commit", "-w", forged], "change the commit")
        let verify = git + ["verify-commit", "--raw", name.filter { !$0.isNewline }]
        let rejected = try Trial.result(verify, variables: variables, "verify a changed commit")
        guard rejected.end == .exited(1), rejected.errors.text.contains("[GNUPG:] BADSIG") else {
            throw outdated("git accepted a commit that was changed after it was signed")
        }
        return [
            "signed a commit with the key on the token, and git verified it",
            "git rejected the same commit after it was changed",
        ]
    }

    /// git 2.39 hides what the program prints if it fails, so it leaves that in a file.
    private func failure(
        _ words: [String], _ result: ProgramResult, _ log: String
    ) -> ConsumerError {
        let lines = ((try? readFile(log)) ?? []).text.split(whereSeparator: \.isNewline)
        let failure = Trial.failure("sign a commit", words, result)
        guard let reason = lines.first(where: { $0.contains("PIN") }) ?? lines.last else {
            return failure
        }
        return ConsumerError(
            failure.code, "\(failure.message); openssl: \(reason.prefix(200))",
            advice: failure.advice)
    }

    // MARK: git

    /// git without the variables that name another repository or another configuration.
    private func command() throws -> [String] {
        let variables = environmentVariableNames(beginningWith: "GIT_")
        return ["/usr/bin/env"] + variables.flatMap { ["-u", $0] }
            + [try programs[0].require().path]
    }

    private func variables(_ place: Place) -> [String: String] {
        ["HOME": place.home, "XDG_CONFIG_HOME": place.configuration]
    }

    /// The file that includes the settings: `--file`, or the one of the user to which `git config --global`
    /// writes.
    private func configurationFile(_ place: Place) throws -> String {
        if let file = place.file {
            guard isRegularFile(file) else {
                throw ConsumerError(
                    .placeUnknown, "there is no configuration of git at \(file)",
                    advice: ["name the file of a repository: --file REPOSITORY/.git/config"])
            }
            return file
        }
        guard environmentVariable("GIT_CONFIG_GLOBAL") == nil else {
            throw ConsumerError(
                .placeUnknown,
                "GIT_CONFIG_GLOBAL is set, so git does not read the usual configuration",
                advice: ["unset it: unset GIT_CONFIG_GLOBAL", "or name the file: --file FILE"])
        }
        let usual = "\(place.home)/.gitconfig"
        let other = "\(place.configuration)/git/config"
        return try !isPresent(usual) && isPresent(other) ? other : usual
    }

    /// Refuses to replace another set-up of signatures.
    private func requireFree(_ settings: Settings, _ own: String, _ place: Place) throws {
        let folder = try PrivateFolder()
        let git = try command()
        for (setting, value) in settings.values {
            let scope = place.file.map { ["--file", $0, "--includes"] } ?? []
            let words =
                git + ["-C", folder.path, "config"] + scope
                + ["-z", "--show-origin", "--get-all", setting]
            var variables = variables(place)
            variables["GIT_CEILING_DIRECTORIES"] = parentFolder(folder.path)
            let result = try Trial.result(
                words, variables: variables, "read the configuration of git")
            let origins = Origin.all(in: result.output)
            guard let other = origins.last(where: { $0.file != own && $0.value != value })
            else { continue }
            throw ConsumerError(
                .fileInTheWay,
                "refusing to replace \(setting), which is \"\(other.value)\" in \(other.file)",
                advice: [
                    place.file == nil
                        ? "set up one repository only: tokencert use git --write --file "
                            + "REPOSITORY/.git/config" : "name the file of another repository",
                    "or remove the setting: git config --file \(shellWord(other.file)) --unset-all "
                        + setting,
                ])
        }
    }

    /// A value in the configuration, and the file that sets it.
    struct Origin: Hashable {
        let file: String
        let value: String

        /// The output of `git config -z --show-origin`: origin and value in turn, each with a NUL.
        static func all(in output: [UInt8]) -> [Origin] {
            let texts = output.split(separator: 0, omittingEmptySubsequences: false)
                .map { Array($0).text }
            return stride(from: 0, to: texts.count - 1, by: 2).map { index in
                let origin = texts[index]
                return Origin(
                    file: origin.hasPrefix("file:") ? String(origin.dropFirst(5)) : origin,
                    value: texts[index + 1])
            }
        }
    }

    /// The settings for git.
    struct Settings {
        let program: String
        /// The id of the key, which stays the same when its certificate is renewed.
        let key: String

        var values: [(setting: String, value: String)] {
            [("user.signingKey", key), ("gpg.format", "x509"), ("gpg.x509.program", program)]
        }
        var text: String {
            """
            [user]
            \tsigningKey = \(key)
            [gpg]
            \tformat = x509
            [gpg "x509"]
            \tprogram = \(Git.quoted(program))

            """
        }
    }

    /// The lines that include a file in each repository. `git config --add include.path` would add its
    /// line to a section `[include]`, between the marks.
    static func including(_ path: String) -> [String] {
        ["[includeIf \"gitdir:/\"]", "\tpath = \(quoted(path))"]
    }

    /// A value for a configuration of git.
    static func quoted(_ value: String) -> String {
        let escaped = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        return "\"\(escaped)\""
    }
}
