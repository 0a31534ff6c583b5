import OpenSSLX509
import Testing
import TokencertPlatform
import TokencertTestAuthority
import TokencertTestSupport

@testable import TokencertConsumers

/// The profiles of Firefox and Thunderbird. Otherwise the wrong profile is changed, or none is found.
@Suite struct NSSProfilesTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private let text = """
        [Profile1]
        Name=default
        IsRelative=1
        Path=a.default
        Default=1

        [Profile0]
        Name=default-esr
        IsRelative=1
        Path=b.default-esr

        [Profile2]
        Name=work
        IsRelative=0
        Path=/srv/profile=1

        [General]
        StartWithLastProfile=1

        [Install3B6073811A6ABF12]
        Default=b.default-esr
        Locked=1

        """

    @Test("The profile that the program starts comes first, and absolute paths are kept")
    func order() {
        let paths = NSSProfiles.paths(inText: text, folder: "/home/a/.mozilla/firefox")
        #expect(
            paths == [
                "/home/a/.mozilla/firefox/b.default-esr", "/home/a/.mozilla/firefox/a.default",
                "/srv/profile=1",
            ])
        #expect(NSSProfiles.paths(inText: "", folder: "/x").isEmpty)
    }

    @Test("The only used profile is found; if there are several, the error lists them")
    func found() throws {
        let home = absolutePath(folder.path)
        var place = Place(home: home, configuration: "\(home)/.config", own: "\(home)/own")
        let profiles = "\(home)/.mozilla/firefox"
        #expect(throws: ConsumerError.self) { try NSSProfiles.firefox.profile(in: place) }
        try makeProfile("\(profiles)/b.default-esr")
        try makeFolder("\(profiles)/a.default")
        try writeFileDurably(Array(text.utf8), "\(profiles)/profiles.ini", permissions: 0o600)
        #expect(
            try NSSProfiles.firefox.profile(in: place) == "\(profiles)/b.default-esr")
        try makeProfile("\(profiles)/a.default")
        let error = #expect(throws: ConsumerError.self) {
            try NSSProfiles.firefox.profile(in: place)
        }
        #expect(error?.code == .placeUnknown)
        #expect(
            error?.advice == [
                "tokencert use firefox --profile-folder \(profiles)/b.default-esr",
                "tokencert use firefox --profile-folder \(profiles)/a.default",
            ])
        // Firefox would write its profile among the files of the user.
        place.profile = home
        let other = #expect(throws: ConsumerError.self) {
            try NSSProfiles.firefox.profile(in: place)
        }
        #expect(other?.message == "\(home) is not a profile of firefox")
        #expect(other?.advice.contains { $0.contains("--profile \(home)") } == false)
        place.profile = "\(profiles)/a.default/"
        #expect(try NSSProfiles.firefox.profile(in: place) == "\(profiles)/a.default")
    }

    @Test("A profile of a snap or a flatpak is refused, named or not")
    func confined() throws {
        let home = absolutePath(folder.path)
        var place = Place(home: home, configuration: "\(home)/.config", own: "\(home)/own")
        let profile = "\(home)/snap/firefox/common/.mozilla/firefox/x.default"
        try makeProfile(profile)
        for name in [nil, profile] {
            place.profile = name
            let error = #expect(throws: ConsumerError.self) {
                try NSSProfiles.firefox.profile(in: place)
            }
            #expect(error?.message.contains("snap or a flatpak") == true)
        }
    }

    private func makeProfile(_ path: String) throws {
        try makeFolder(path)
        for name in NSSProfiles.fileNames {
            try writeFileDurably([], "\(path)/\(name)", permissions: 0o600)
        }
    }
}

/// The texts of NSS. Otherwise the wrong certificate is taken as trusted, or the module is added twice.
@Suite struct NSSDatabaseTests {
    @Test("Nicknames with blanks and colons are read from the list of certificates")
    func entries() {
        let listing = """

            Certificate Nickname                                         Trust Attributes
                                                                         SSL,S/MIME,JAR/XPI

            tokencert 0123456789abcdef                                   CT,C,C
            work:my mail                                                 u,u,u
            other                                                        ,,   

            """
        #expect(
            NSSDatabase.entries(in: listing) == [
                .init(nickname: "tokencert 0123456789abcdef", trust: "CT,C,C"),
                .init(nickname: "work:my mail", trust: "u,u,u"),
                .init(nickname: "other", trust: ",,"),
            ])
    }

    @Test("Trust that a certificate has is kept, and only missing trust is added")
    func trust() {
        #expect(NSSDatabase.has(",,", ",,"))
        #expect(NSSDatabase.has(",C,", "CT,C,C"))
        #expect(!NSSDatabase.has(",C,", "C,,"))
        #expect(NSSDatabase.union(",C,", "CT,,") == "CT,C,")
        #expect(NSSDatabase.union("CT,C,C", "C,C,") == "CT,C,C")
    }

    @Test("A module that the profile already loads is recognised by its path")
    func libraries() {
        let lines = ModuleList.lines("/usr/lib/p.so", readable: [0x1d05_aeb7], disabled: [1])
        #expect(
            lines == [
                "library=/usr/lib/p.so", "name=tokencert",
                "NSS=slotParams={0x1d05aeb7=[slotFlags=PublicCerts ] "
                    + "0x00000001=[slotFlags=PublicCerts,Disable ] }", "",
            ])
        let text = "library=\nname=NSS Internal PKCS #11 Module\n\n" + lines.joined(separator: "\n")
        #expect(ModuleList.libraries(in: Array(text.utf8)) == ["/usr/lib/p.so"])
    }
}

/// What Firefox and Thunderbird require. Otherwise a set-up is written that cannot work.
@Suite struct NSSProfileTests {
    private let folder: TemporaryFolder
    private let key: HostPrivateKey
    private let root: Certificate

    init() throws {
        folder = try TemporaryFolder()
        key = try HostPrivateKey.generate(.ec(.p256))
        root = try Self.certificate("Root", key, [.basicConstraints(isAuthority: true)])
    }

    private static func certificate(
        _ name: String, _ key: HostPrivateKey, _ extensions: [CertificateExtension],
        serialNumber: [UInt8] = [1], issuer: Certificate? = nil
    ) throws -> Certificate {
        try key.issue(
            CertificateContent(
                subject: [.init(.commonName, name)], publicKey: key.publicKey,
                serialNumber: serialNumber, notBefore: 1_700_000_000, notAfter: 1_900_000_000,
                extensions: extensions), issuer: issuer)
    }

    private func used(
        _ extensions: [CertificateExtension], issuers: [Certificate]
    ) throws -> UsedCertificate {
        UsedCertificate(
            certificate: try Self.certificate("Anna", key, extensions, issuer: root),
            issuers: issuers,
            key: .init(
                id: [1], label: "mail", certificateLabel: "mail", needsPINForEachUse: false),
            token: .init(
                modulePath: "/usr/lib/p.so", slot: 1, uri: "pkcs11:token=work",
                label: "work", serialNumber: "1"))
    }

    private func fits(
        _ consumer: NSSProfile, _ extensions: [CertificateExtension], issuers: [Certificate]
    ) throws -> Bool {
        let used = try used(extensions, issuers: issuers)
        do {
            try consumer.requireFit(used)
            return true
        } catch let error as ConsumerError {
            #expect(error.code == .certificateUnfit)
            return false
        }
    }

    @Test("Web sites require client authentication; mail requires an address and a known root")
    func fitness() throws {
        let address = try CertificateExtension.subjectAlternativeName(
            emailAddresses: ["anna@example.org"])
        let client = CertificateExtension.extendedKeyUsage([.clientAuth])
        let mail = CertificateExtension.extendedKeyUsage([.emailProtection])
        #expect(try fits(.firefox, [client], issuers: []))
        #expect(try fits(.firefox, [], issuers: [root]))
        #expect(try !fits(.firefox, [mail], issuers: [root]))
        #expect(try !fits(.firefox, [.keyUsage([.keyEncipherment])], issuers: [root]))
        #expect(try fits(.thunderbird, [mail, address], issuers: [root]))
        #expect(try !fits(.thunderbird, [client, address], issuers: [root]))
        #expect(try !fits(.thunderbird, [mail], issuers: [root]))
        #expect(try !fits(.thunderbird, [mail, address], issuers: []))
    }

    @Test("Another certificate with the same key is not taken as the signer")
    func signer() throws {
        let first = try Self.certificate("Anna", key, [], serialNumber: [7], issuer: root)
        let second = try Self.certificate("Anna", key, [], serialNumber: [8], issuer: root)
        let message =
            second.der + [0x02, 0x01, 0x01]
            + DER.sequence(first.issuer.der, first.serialNumberDER)
        #expect(NSSProfile.names(message, signer: first))
        #expect(!NSSProfile.names(message, signer: second))
    }

    // NSS removes the token's name and a colon from the line.
    @Test(
        "A PIN reaches NSS as it is",
        arguments: [("123456", "work:123456\n"), ("work:1234", "work:work:1234\n"), ("", "")])
    func password(pin: String, expected: String) {
        let line = NSSProfile.passwordLine(Secret(copying: pin.utf8), token: "work")
        let isExpected = line.isSame(as: Secret(copying: expected.utf8))
        #expect(isExpected)
    }

    @Test("A set-up is not taken back while the program runs")
    func idle() throws {
        let paths = [folder.file("cert9.db"), folder.file("pkcs11.txt")]
        try NSSProfile.firefox.requireIdle(paths)
        let lock = try FileLock(folder.file(".parentlock"), byte: 0, waits: false)
        let error = #expect(throws: ConsumerError.self) {
            try NSSProfile.firefox.requireIdle(paths)
        }
        #expect(error?.code == .consumerRuns)
        _ = consume lock
        try NSSProfile.firefox.requireIdle(paths)
    }

    @Test("Marks that do not belong together are refused, also before the module of tokencert")
    func brokenMarks() throws {
        let profile = folder.file("x.default")
        try makeFolder(profile)
        let text =
            "library=\n\n# >>> tokencert use firefox: x\nlibrary=/usr/lib/p.so\nname=other\n\n"
        for name in NSSProfiles.fileNames {
            try writeFileDurably(
                Array(text.utf8), "\(profile)/\(name)", permissions: 0o600)
        }
        var place = Place(home: folder.path, configuration: "", own: "")
        place.profile = profile
        let error = #expect(throws: ConsumerError.self) {
            try NSSProfile.firefox.setUp(try used([], issuers: []), place)
        }
        #expect(error?.code == .fileInTheWay)
        #expect(error?.message.hasSuffix("marks of tokencert that do not belong together") == true)
    }
}

extension RealParts {
    @Suite(
        .serialized,
        .enabled(
            if: consumersAreTested,
            "ssh, git and other programs are tested only by SoftHSM/test --consumers"))
    struct ModuleListTests {
        /// Otherwise the set-up could never be taken back.
        @Test("The lines of tokencert in pkcs11.txt survive that NSS adds and removes modules")
        func rewritten() throws {
            if try run("sh", ["-c", "command -v certutil && command -v modutil"]).status != 0 {
                print("pkcs11.txt is not tested, since the programs of NSS are not installed")
                return
            }
            let folder = try TemporaryFolder()
            let database = "sql:\(folder.path)"
            try makeFolder(folder.file("tokens"))
            let variables = [
                "SOFTHSM2_CONF": try folder.write(
                    "directories.tokendir = \(folder.file("tokens"))\n", "softhsm2.conf")
            ]
            func nss(_ program: String, _ words: [String]) throws {
                let outcome = try run(program, words, environment: variables)
                #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
            }
            func add(_ name: String) throws {
                let module = folder.file("\(name).so")
                try writeFileDurably(try readFile(softHSMModule), module, permissions: 0o700)
                try nss(
                    "modutil",
                    ["-force", "-dbdir", database, "-add", name, "-libfile", module])
            }
            func delete(_ name: String) throws {
                try nss("modutil", ["-force", "-dbdir", database, "-delete", name])
            }
            try nss("certutil", ["-N", "-d", database, "--empty-password"])
            try add("first")
            let path = folder.file("pkcs11.txt")
            let block = MarkedBlock(consumer: "firefox")
            let lines = ModuleList.lines(softHSMModule, readable: [0], disabled: [])
            let before = try readFile(path)
            let written = block.added(lines, to: before, at: .end)
            try writeFileDurably(written, path, permissions: 0o600)
            try add("other")
            #expect(block.isWhole(lines, in: try readFile(path), at: .end))
            try delete("other")
            #expect(try readFile(path) == written)
            try delete("first")
            let text = try readFile(path)
            #expect(block.isWhole(lines, in: text, at: .end))
            let rest = block.removed(from: text, [lines]) ?? []
            #expect(ModuleList.libraries(in: rest).isEmpty)
            #expect(!block.isMarked(rest))
        }
    }
}
