import Foundation
import Synchronization
import Testing
import TokencertPlatform

@testable import Cryptoki
@testable import TokencertIssuance

/// The PINs that are not sent again, and their records.
@Suite final class RefusedPINRecordTests: Sendable {
    private static let day: Int64 = 86400
    private static let now: Int64 = 1_800_000_000

    private let folder = NSTemporaryDirectory() + "tokencert-\(UUID().uuidString)"
    private let told = Mutex<[String]>([])
    private var state: String { folder + "/state" }
    private var memory: String { state + "/refused-pins.json" }

    init() throws {
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// The record of a token.
    private func record(
        serialNumber: String = "7", uri: String = "pkcs11:model=m;serial=7;token=work",
        at time: Int64 = RefusedPINRecordTests.now
    ) -> RefusedPINs {
        let info = TokenInfo(
            label: "work", labelBytes: [], manufacturer: "maker", model: "m",
            serialNumber: serialNumber, flags: [], pinLengths: 4...8, freePublicMemory: nil,
            freePrivateMemory: nil, hardwareVersion: "1.0", firmwareVersion: "1.0")
        let told: @Sendable (RefusedPINs.Event) -> Void = { [self] event in
            let line =
                switch event {
                case .waitsForOtherRun: "waits"
                case .refusalNotRecorded(let error): "\(error)"
                }
            self.told.withLock { $0.append(line) }
        }
        return RefusedPINs(uri: uri, info, folder: state, clock: { time }, tell: told)
    }

    /// Writes a PIN to a file with a distinct modification time.
    private func write(_ name: String, secondsLater seconds: Double = 0) throws -> SecretSource {
        let path = folder + "/" + name
        try Data("1234\n".utf8).write(to: URL(filePath: path))
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1_700_000_000 + seconds)],
            ofItemAtPath: path)
        return .file(path)
    }

    /// Why a PIN is not sent, or "sent".
    private func answer(
        _ record: RefusedPINs, _ source: SecretSource, of role: UserType = .user
    ) throws -> String {
        let source = try #require(record.source(source, of: role))
        do throws(RefusedPINsError) {
            try record.requireNotRefused(source, "PIN", hasLock: true)
            return "sent"
        } catch {
            return switch error {
            case .refusedBefore(let pin): pin.canChange ? "refused, unchanged" : "refused"
            case .triedBefore: "tried"
            case .unreadable: "unreadable"
            case .notWritten: "not written"
            }
        }
    }

    /// Sends a PIN to a token that answers with the given outcome.
    private func send(
        _ record: RefusedPINs, _ source: SecretSource, _ outcome: PINOutcome,
        of role: UserType = .user
    ) throws {
        let source = try #require(record.source(source, of: role))
        let before = try record.begin(source)
        record.record(outcome, for: role, of: source, before: before)
    }

    @Test("A refused PIN is not sent again until its file has changed")
    func refused() throws {
        let record = record()
        let pin = try write("pin")
        #expect(try answer(record, pin) == "sent")
        try send(record, pin, .refused)
        #expect(try answer(record, pin) == "refused, unchanged")
        // Another name for the file does not allow another try; the other role has its own PIN.
        try FileManager.default.linkItem(atPath: folder + "/pin", toPath: folder + "/hard")
        #expect(try answer(record, .file(folder + "/hard")) == "refused, unchanged")
        #expect(try answer(record, pin, of: .securityOfficer) == "sent")
        _ = try write("pin", secondsLater: 60)
        #expect(try answer(record, pin) == "sent")
    }

    @Test("A PIN from a source without visible changes is not sent again without --retry-pin")
    func withoutStamp() throws {
        let record = record()
        for source in [SecretSource.environment("PIN"), .command(["pass", "show", "card-9876"])] {
            #expect(try answer(record, source) == "sent")
            try send(record, source, .refused)
            #expect(try answer(record, source) == "refused")
        }
        // The arguments of a program may contain a PIN.
        let text = try String(contentsOfFile: memory, encoding: .utf8)
        #expect(text.contains("pass") && !text.contains("9876"), "\(text)")
        #expect(record.source(.prompt, of: .user) == nil)
        #expect(record.source(.pinentry, of: .user) == nil)
    }

    @Test("A program is the same under each of its names")
    func namesOfAProgram() throws {
        let record = record()
        let program = try #require(programFile("cat"))
        try send(record, .command(["cat", "file"]), .refused)
        #expect(try answer(record, .command([program, "file"])) == "refused")
        #expect(
            try answer(record, .command([TokencertPlatform.absolutePath(program), "file"]))
                == "refused")
        #expect(try answer(record, .command(["sh", "-c", "true"])) == "sent")
    }

    // Otherwise a process killed during the login would lose a try at each restart.
    @Test("A PIN counts as tried before it is sent, until the token has answered")
    func pending() throws {
        let record = record()
        let pin = try write("pin")
        let source = try #require(record.source(pin, of: .user))
        #expect(try record.begin(source) == nil)
        #expect(try answer(record, pin) == "tried")
        record.record(.accepted, for: .user, of: source, before: nil)
        #expect(try answer(record, pin) == "sent")
    }

    @Test("A failure unrelated to the PIN leaves the record unchanged")
    func otherFailure() throws {
        let record = record()
        let pin = try write("pin")
        try send(record, pin, .unknown)
        #expect(try answer(record, pin) == "sent")
        try send(record, pin, .refused)
        try send(record, pin, .unknown)
        #expect(try answer(record, pin) == "refused, unchanged")
        #expect(try record.refusals(of: .user, together: true) == 1)
        try send(record, pin, .accepted)
        #expect(try answer(record, pin) == "sent")
    }

    // Otherwise the last try would be lost on a card whose flags do not count tries.
    @Test("The refusals of a device count for a day, even after a correct PIN")
    func counts() throws {
        let pin = try write("pin")
        let (now, day) = (Self.now, Self.day)
        #expect(try record().refusals(of: .user, together: true) == 0)
        try send(record(), pin, .refused)
        try send(record(at: now + day - 1), pin, .refused)
        try send(record(at: now + day - 1), pin, .accepted)
        #expect(try record(at: now + 2 * day - 2).refusals(of: .user, together: true) == 2)
        #expect(try record(at: now + 2 * day - 1).refusals(of: .user, together: true) == 0)
        let other = record(serialNumber: "8", at: now + day)
        #expect(try other.refusals(of: .user, together: true) == 0)
        try send(record(at: now + 2 * day), pin, .refused)
        #expect(try record(at: now + 2 * day).refusals(of: .user, together: true) == 1)
    }

    // Otherwise the third wrong PIN locks a card whose flags do not show the tries, or a correct PIN is not
    // sent although the card has reset its count.
    @Test("The refusals of a role count until a PIN is accepted or changed")
    func countsOfRoles() throws {
        let pin = try write("pin")
        func counts(_ record: RefusedPINs) throws -> [Int] {
            [
                try record.refusals(of: .user, together: false),
                try record.refusals(of: .securityOfficer, together: false),
            ]
        }
        #expect(try counts(record()) == [0, 0])
        try send(record(), pin, .refused)
        try send(record(), pin, .refused)
        try send(record(), pin, .refused, of: .securityOfficer)
        let later = record(at: Self.now + 400 * Self.day)
        #expect(try counts(later) == [2, 1])
        try send(later, pin, .unknown)
        #expect(try counts(later) == [2, 1])
        try send(later, pin, .accepted)
        #expect(try counts(later) == [0, 1])
        // A refusal that the flags show is not counted: a right PIN from another program clears them.
        let source = try #require(later.source(pin, of: .user))
        later.record(.refused, for: .user, isShown: true, of: source, before: nil)
        later.record(.unusable, for: .user, of: source, before: nil)
        #expect(try counts(later) == [0, 1])
        later.forget(.securityOfficer)
        #expect(try counts(later) == [0, 0])
        #expect(try counts(record(serialNumber: "8")) == [0, 0])
    }

    // Otherwise each new label would cost the card one of its tries.
    @Test("A token is identified by its serial number, otherwise by its URI")
    func labels() throws {
        let pin = try write("pin")
        try send(record(), pin, .refused)
        let renamed = record(uri: "pkcs11:model=m;serial=7;token=other")
        #expect(try answer(renamed, pin) == "refused, unchanged")
        let other = record(serialNumber: "8", uri: "pkcs11:model=m;serial=8;token=work")
        #expect(try answer(other, pin) == "sent")
        let unnumbered = record(serialNumber: "", uri: "pkcs11:model=m;serial=%20;token=work")
        #expect(try answer(unnumbered, pin) == "sent")
        try send(unnumbered, pin, .refused)
        #expect(try answer(unnumbered, pin) == "refused, unchanged")
        let otherLabel = record(serialNumber: "", uri: "pkcs11:model=m;serial=%20;token=other")
        #expect(try answer(otherLabel, pin) == "sent")
    }

    @Test("A new PIN of a role deletes only the refusals of that role")
    func forgotten() throws {
        let record = record()
        let pin = try write("pin")
        try send(record, pin, .refused)
        try send(record, pin, .refused, of: .securityOfficer)
        record.forget(.user)
        #expect(try answer(record, pin) == "sent")
        #expect(try answer(record, pin, of: .securityOfficer) == "refused, unchanged")
    }

    // Otherwise a damaged file would count as empty, and a card would be locked.
    @Test(
        "A record that cannot be read never counts as an empty one", arguments: ["", "{", "7"])
    func damaged(text: String) throws {
        let record = record()
        let pin = try write("pin")
        try send(record, pin, .refused)
        try Data(text.utf8).write(to: URL(filePath: memory))
        #expect(try answer(record, pin) == "unreadable")
        #expect(throws: RefusedPINsError.self) { try record.refusals(of: .user, together: true) }
        let source = try #require(record.source(pin, of: .user))
        #expect(throws: RefusedPINsError.self) { try record.begin(source) }
        record.record(.refused, for: .user, of: source, before: nil)
        #expect(told.withLock { $0.count } == 1)
        #expect(try String(contentsOfFile: memory, encoding: .utf8) == text)
    }

    @Test("An attempt that cannot be recorded is reported before the PIN is sent")
    func notWritten() throws {
        try Data().write(to: URL(filePath: state))
        let record = record()
        let source = try #require(record.source(.environment("PIN"), of: .user))
        #expect(throws: RefusedPINsError.self) { try record.begin(source) }
        record.record(.accepted, for: .user, of: source, before: nil)
        #expect(told.withLock { $0.isEmpty })
        record.record(.refused, for: .user, of: source, before: nil)
        let lines = told.withLock { $0 }
        #expect(lines.count == 1 && lines[0].hasPrefix("cannot record the attempt"))
    }

    // Otherwise a refused PIN would be sent again.
    @Test("A token without a serial number is recognized in either form of its blank fields")
    func blankFields() {
        let now = RefusedPINs.attributes("pkcs11:model=a;serial=%20;token=work")
        for earlier in ["pkcs11:model=a;serial=;token=work", "pkcs11:model=a;token=work"] {
            #expect(RefusedPINs.attributes(earlier) == now, "\(earlier)")
        }
        for other in ["pkcs11:model=a;serial=1;token=work", "pkcs11:model=a;token=other"] {
            #expect(RefusedPINs.attributes(other) != now, "\(other)")
        }
    }
}
