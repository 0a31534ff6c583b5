internal import OpenSSLX509
internal import TokencertPlatform

/// osslsigncode and jarsigner: sign programs for Windows and jar files with the key on the token.
///
/// Either program may be missing. Both get the chain from a file, because a token often has no
/// intermediate certificates.
struct CodeSigning: Consumer {
    let name = "code"
    let summary = "sign programs and jar files"
    let programs = [SigningPrograms.osslsigncode, SigningPrograms.jarsigner]

    func requireFit(_ used: UsedCertificate) throws {
        let usages = used.certificate.extendedKeyUsages
        guard usages.contains(.codeSigning) else {
            throw ConsumerError(
                .certificateUnfit, "the certificate is not for code signing",
                advice: ["issue one that is: tokencert issue --label code --codesign"])
        }
        guard used.certificate.allows(.digitalSignature) != false else {
            throw ConsumerError(
                .certificateUnfit, "the key usage of the certificate does not allow signatures",
                advice: ["to see its usages: tokencert show NAME"])
        }
        let found = try SigningPrograms(used)
        if found.osslsigncode == nil, found.jarsigner == nil, let problem = found.problems.first {
            throw problem
        }
    }

    func setUp(_ used: UsedCertificate, _ place: Place) throws -> SetUp {
        let found = try SigningPrograms(used)
        let chain = chainFile(used, place)
        var setUp = SetUp()
        setUp.files = [.own(chain, used.chainPEM)]
        if let signer = found.osslsigncode {
            let words =
                ["osslsigncode"]
                + signer.signing(used, chain, asksForPIN: true, "program.exe", "signed.exe")
            setUp.commands.append(words.map(shellWord).joined(separator: " "))
        }
        if found.jarsigner != nil {
            let java = JavaToken(used, name: "tokencert")
            let path = place.ownFile(self, "\(used.fileName)-java.cfg")
            setUp.files.append(.own(path, java.configuration(showsToken: false)))
            let words =
                ["jarsigner"] + java.options(path)
                + ["-certchain", chain, "-signedjar", "signed.jar", "program.jar"]
                + [used.key.certificateLabel]
            setUp.commands.append(words.map(shellWord).joined(separator: " "))
        }
        setUp.notes = found.problems.map {
            "Only one of the two programs can be used: \($0.message)."
        }
        if found.jarsigner != nil {
            setUp.notes.append(
                "Java selects the token by its slot only, which is \(used.token.slot) now. If another token may be "
                    + "in that slot, run tokencert use code --write before you type the PIN.")
        }
        setUp.notes.append(
            "Without a timestamp, a signature is valid only until the certificate expires. To add one, "
                + "use -ts URL with osslsigncode and -tsa URL with jarsigner.")
        return setUp
    }

    func check(
        _ used: UsedCertificate, _ place: Place, pin: borrowing Secret
    ) throws -> [String] {
        guard let root = used.root else {
            throw ConsumerError(
                .certificateUnfit,
                "the root of the certificate is not known, so signatures cannot be verified",
                advice: [
                    "to get CAcert's root and class 3 certificates: tokencert trust fetch",
                    "to use other anchors: tokencert trust add FILE",
                ])
        }
        let found = try SigningPrograms(used)
        // Before any of the programs gets the PIN.
        if found.osslsigncode != nil {
            try OpenSSLEngine.requireTrial(used, pinLength: pin.count)
        }
        if found.jarsigner != nil { try JavaToken.requirePIN(pin) }
        let folder = try PrivateFolder()
        try writeFile(root.pem, "\(folder.path)/root.pem")
        var proofs: [String] = []
        if let signer = found.osslsigncode {
            try tryProgram(signer, used, chainFile(used, place), folder.path, pin: pin)
            proofs.append("signed a program with osslsigncode and verified the signature")
        }
        if let jarsigner = found.jarsigner {
            try tryJar(jarsigner, used, chainFile(used, place), folder.path, pin: pin)
            proofs.append("signed a jar file with jarsigner and verified the signature")
        }
        return proofs
    }

    private func chainFile(_ used: UsedCertificate, _ place: Place) -> String {
        place.ownFile(self, "\(used.fileName).pem")
    }

    // MARK: osslsigncode

    private func tryProgram(
        _ signer: SigningPrograms.EngineSigner, _ used: UsedCertificate, _ chain: String,
        _ folder: String, pin: borrowing Secret
    ) throws {
        let program = "\(folder)/program.exe"
        let signed = "\(folder)/signed.exe"
        try writeFileDurably(smallestProgram(), program, permissions: 0o600)
        try Trial.run(
            [signer.path]
                + signer.signing(used, chain, asksForPIN: pin.isEmpty, program, signed),
            pin: pin.line(), "sign a program with the key on the token")
        // Without -ignore-crl it asks the CA for a revocation list.
        try Trial.run(
            [
                signer.path, "verify", "-ignore-crl", "-CAfile", "\(folder)/root.pem",
                "-require-leaf-hash", "sha256:" + hexadecimal(used.certificate.sha256Fingerprint),
                "-in", signed,
            ], "verify the signature of a program")
    }

    // MARK: jarsigner

    private func tryJar(
        _ jarsigner: String, _ used: UsedCertificate, _ chain: String, _ folder: String,
        pin: borrowing Secret
    ) throws {
        let keytool = try SigningPrograms.javaProgram("keytool")
        let jar = try SigningPrograms.javaProgram("jar")
        // A name of its own, since a provider that is already configured may have the other one.
        let java = JavaToken(used, name: "tokencert-check")
        try writeFile(java.configuration(showsToken: true), "\(folder)/shown.cfg")
        try writeFile(java.configuration(showsToken: false), "\(folder)/java.cfg")
        try writeFile("hello\n", "\(folder)/hello.txt")
        try java.requireToken(printed: try shownToken(keytool, "\(folder)/shown.cfg"))

        let options =
            java.options("\(folder)/java.cfg")
            + (pin.isEmpty ? [] : ["-storepass:file", "/dev/stdin"])
        let list = try runJava(
            [keytool, "-list"] + options, pin: pin.line(), "list the keys on the token with Java")
        try JavaEntry.require(used, in: JavaEntry.all(in: list.text))

        let unsigned = "\(folder)/program.jar"
        let signed = "\(folder)/signed.jar"
        try Trial.run(
            [jar, "-J-XX:-UsePerfData", "--create", "--file", unsigned, "-C", folder, "hello.txt"],
            "make a jar file")
        try runJava(
            [jarsigner] + options
                + ["-certchain", chain, "-signedjar", signed, unsigned, used.key.certificateLabel],
            pin: pin.line(), "sign a jar file with the key on the token")
        // The password protects public certificates only; keytool requires one.
        let trust = [
            "-keystore", "\(folder)/trust.p12", "-storetype", "PKCS12", "-storepass", "public",
        ]
        try runJava(
            [keytool, "-importcert", "-noprompt", "-alias", "root", "-file", "\(folder)/root.pem"]
                + trust, "make a trust store for Java")
        // 32: the trust store has only the root and not the signer's certificate.
        try runJava(
            [jarsigner, "-verify", "-strict"] + trust + [signed], accepting: [0, 32],
            "verify the signature of a jar file")
    }

    /// Runs keytool or jarsigner, which print their errors to standard output.
    @discardableResult
    private func runJava(
        _ words: [String], pin: borrowing Secret = Secret(), accepting statuses: [Int32] = [0],
        _ doing: String
    ) throws -> [UInt8] {
        // Otherwise Java leaves a folder in /tmp.
        let words = Array(words.prefix(1) + ["-J-XX:-UsePerfData"] + words.dropFirst())
        let result = try Trial.result(
            words, pin: pin, variables: JavaToken.variables, doing)
        if case .exited(let status) = result.end, statuses.contains(status) {
            return result.output
        }
        let failure = Trial.failure(doing, words, result)
        let reason = JavaToken.reason(in: result.output.text)
        throw ConsumerError(
            failure.code, failure.message + (reason.map { ": " + $0 } ?? ""),
            advice: failure.advice)
    }

    /// What Java prints of the slot. No key store has this type, so it ends without a login.
    private func shownToken(_ keytool: String, _ configuration: String) throws -> String {
        let result = try Trial.result(
            [keytool, "-J-XX:-UsePerfData", "-list", "-keystore", "NONE", "-storetype", "NONE"]
                + ["-addprovider", "SunPKCS11", "-providerArg", configuration],
            variables: JavaToken.variables, "see the token with Java")
        return result.output.text
    }
}
