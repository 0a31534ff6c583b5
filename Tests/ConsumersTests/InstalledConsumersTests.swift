import Testing
import TokencertPlatform
import TokencertTestSupport

@testable import TokencertConsumers

/// A consumer of programs with these names.
private struct NamedPrograms: Consumer {
    let name: String
    let summary = ""
    let programs: [RequiredProgram]

    init(_ name: String, _ programs: [String]) {
        self.init(name, requiring: programs.map { RequiredProgram($0, package: $0) })
    }

    init(_ name: String, requiring programs: [RequiredProgram]) {
        self.name = name
        self.programs = programs
    }

    func requireFit(_ used: UsedCertificate) {}

    func setUp(_ used: UsedCertificate, _ place: Place) -> SetUp { SetUp() }

    func check(_ used: UsedCertificate, _ place: Place, pin: borrowing Secret) -> [String] { [] }
}

/// Which consumers are suggested after `issue`. Otherwise users would be sent to programs that they do
/// not have.
@Suite struct InstalledConsumersTests {
    @Test("A consumer is suggested if its first program is in PATH, in the order of the list")
    func firstProgram() {
        let consumers = [
            NamedPrograms("second", ["sh", "no-such-program"]),
            NamedPrograms("missing", ["no-such-program", "sh"]),
            NamedPrograms("none", []),
            NamedPrograms("first", ["cat"]),
        ]
        #expect(Consumers.installed(among: consumers).map(\.name) == ["second", "first"])
    }

    @Test("Each consumer has a name of lower-case letters, a summary and a program")
    func complete() {
        for consumer in Consumers.all {
            #expect(!consumer.name.isEmpty)
            #expect(consumer.name.unicodeScalars.allSatisfy { ("a"..."z").contains($0) })
            #expect(!consumer.summary.isEmpty && !consumer.programs.isEmpty, "\(consumer.name)")
            #expect(!consumer.programs.isEmpty)
        }
        #expect(Set(Consumers.all.map(\.name)).count == Consumers.all.count)
    }
}

/// What `use` lists as installed. Otherwise users would set up a consumer that then fails.
@Suite struct InstallationTests {
    private func program(_ name: String, isOptional: Bool = false) -> RequiredProgram {
        RequiredProgram(name, package: "package-\(name)", version: [], isOptional: isOptional)
    }

    private func installation(
        _ programs: [RequiredProgram], hasEngine: Bool = false
    ) -> Installation {
        Installation(of: NamedPrograms("sample", requiring: programs), hasEngine: hasEngine)
    }

    @Test("Without the engine, a program that uses it is not enough")
    func engine() {
        let required = [program("cat"), program("true").withEngine()]
        #expect(!installation(required).isInstalled)
        #expect(installation(required).missingPackages == ["libengine-pkcs11-openssl"])
        #expect(installation(required, hasEngine: true).isInstalled)
        #expect(installation(required, hasEngine: true).missingPackages == [])
        #expect(installation([program("cat")]).isInstalled)
        #expect(
            installation([program("missing").withEngine()]).missingPackages
                == ["package-missing", "libengine-pkcs11-openssl"])
    }

    @Test("Of several optional programs, one that can be used is enough")
    func optional() {
        let signer = program("true", isOptional: true).withEngine()
        let other = program("missing", isOptional: true)
        #expect(installation([signer, other], hasEngine: true).isInstalled)
        #expect(
            installation([signer, other]).missingPackages
                == ["libengine-pkcs11-openssl", "package-missing"])
        #expect(installation([signer, program("cat", isOptional: true)]).isInstalled)
    }

    @Test("A missing package is listed once, and an optional one only if nothing else is missing")
    func packages() {
        let programs = [
            program("b"), program("a"), program("b"), program("missing", isOptional: true),
        ]
        #expect(installation(programs).missingPackages == ["package-b", "package-a"])
    }

    @Test("tls, mail, git and openssl are not installed without the engine")
    func consumers() throws {
        for name in ["tls", "mail", "git", "openssl"] {
            let consumer = try #require(Consumers.named(name))
            let installation = Installation(of: consumer, hasEngine: false)
            #expect(!installation.isInstalled, "\(name)")
            #expect(installation.missingPackages.contains(OpenSSLEngine.package), "\(name)")
        }
    }

    @Test("The engine is a file in the folder that openssl prints")
    func engineFile() throws {
        let folder = try TemporaryFolder()
        let openssl = folder.file("openssl")
        try writeFileDurably(
            Array("#!/bin/sh\necho 'ENGINESDIR: \"\(folder.path)/engines\"'\n".utf8), openssl,
            permissions: 0o700)
        #expect(try OpenSSLEngine.enginePath(of: openssl) == nil)
        let engine = folder.file("engines/pkcs11.so")
        try makeFolder(parentFolder(engine))
        try writeFileDurably([], engine, permissions: 0o600)
        #expect(try OpenSSLEngine.enginePath(of: openssl) == engine)
    }
}
