import Testing
import TokencertPlatform

@testable import TokencertConsumers

/// A consumer of programs with these names.
private struct NamedPrograms: Consumer {
    let name: String
    let summary = ""
    let programs: [RequiredProgram]

    init(_ name: String, _ programs: [String]) {
        self.name = name
        self.programs = programs.map { RequiredProgram($0, package: $0) }
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
