import Cryptoki
import Foundation
import OpenSSLX509
import Testing

@testable import TokencertTokens

extension Pairing {
    /// Adds one half of a key pair. The kind of the public key, if it is known, is that of the half.
    mutating func add(
        key record: ObjectRecord, _ type: KeyType?, _ value: PublicKey?, _ kind: KeyKind?
    ) {
        add(
            key: Half(
                record: record, type: type, value: value, kind: value?.kind ?? kind,
                protection: nil))
    }
}

/// Which halves form a key, and which certificates belong to it. If pairing is wrong, a key that a
/// certificate needs may be removed, or a certificate may be renewed with another key.
@Suite struct PairingTests {
    private static let token = try! PKCS11URI(parsing: "pkcs11:token=t")
    private static let p256 = NamedCurve.p256.ecParameters
    private static let basePoint = bytes(
        hexadecimal: "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
            + "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5")!

    /// A different RSA key for each number.
    static func rsa(_ number: UInt8) -> PublicKey {
        PublicKey(
            rsaModulus: [0xC0] + [UInt8](repeating: number, count: 255),
            publicExponent: [1, 0, 1])
    }

    static let ec = try! PublicKey(ecParameters: p256, point: basePoint)

    static func record(
        _ number: UInt, _ objectClass: ObjectClass, id: [UInt8] = [], _ label: String = ""
    ) -> ObjectRecord {
        ObjectRecord(
            handle: ObjectHandle(rawValue: number), objectClass: objectClass, id: id,
            labelBytes: Array(label.utf8), on: ObjectURIs(token: token))
    }

    /// The objects on a token; the result must not depend on the order in which they are added.
    struct Objects {
        private var pairing = Pairing()
        private var count: UInt = 0

        private mutating func record(
            _ objectClass: ObjectClass, _ id: [UInt8], _ label: String
        ) -> ObjectRecord {
            count += 1
            return PairingTests.record(count, objectClass, id: id, label)
        }

        mutating func privateKey(
            _ type: KeyType, id: [UInt8] = [], _ label: String = "", _ value: PublicKey? = nil,
            kind: KeyKind? = nil
        ) {
            pairing.add(key: record(.privateKey, id, label), type, value, kind)
        }

        mutating func publicKey(
            _ type: KeyType, id: [UInt8] = [], _ label: String = "", _ value: PublicKey? = nil
        ) {
            pairing.add(key: record(.publicKey, id, label), type, value, nil)
        }

        mutating func certificate(
            id: [UInt8] = [], _ label: String = "", _ key: PublicKey?
        ) {
            let entry = CertificateEntry(
                record: record(.certificate, id, label), valueHash: [], content: nil,
                obstacle: nil, certificate: nil)
            pairing.add(certificate: entry, key)
        }

        func result() -> ([KeyEntry], [CertificateEntry]) { pairing.result() }
    }

    private func isPair(_ key: KeyEntry) -> Bool { key.privateKey != nil && key.publicKey != nil }

    @Test("Empty ids never match")
    func emptyIDs() {
        var objects = Objects()
        objects.publicKey(.rsa, "other", Self.rsa(1))
        objects.privateKey(.rsa, "", Self.rsa(2))
        objects.publicKey(.ec, "", Self.ec)
        objects.privateKey(.ec, "", nil)
        objects.certificate("", Self.rsa(2))
        objects.certificate("", Self.rsa(3))
        let (keys, lone) = objects.result()
        #expect(keys.count == 4 && !keys.contains(where: isPair))
        #expect(lone.count == 1)
        let owner = keys.first { !$0.certificates.isEmpty }
        #expect(owner?.value == Self.rsa(2) && owner?.privateKey != nil)
    }

    @Test("If several halves have the same id, those with the same label form a key")
    func idAndLabel() {
        var objects = Objects()
        for label in ["a", "b"] { objects.privateKey(.ec, id: [1], label) }
        for label in ["b", "a"] { objects.publicKey(.ec, id: [1], label, Self.ec) }
        let (keys, _) = objects.result()
        #expect(keys.map { $0.privateKey?.label } == ["a", "b"])
        #expect(keys.map { $0.publicKey?.label } == ["a", "b"])
    }

    @Test("The only two halves with an id form a key, whatever their labels are")
    func id() {
        var objects = Objects()
        objects.privateKey(.ec, id: [1], "a")
        objects.publicKey(.ec, id: [1], "b", Self.ec)
        // A pair of another type may have the same id.
        objects.privateKey(.rsa, id: [1], "c", nil)
        objects.publicKey(.rsa, id: [1], "d", Self.rsa(1))
        let (keys, _) = objects.result()
        #expect(keys.count == 2 && keys.allSatisfy(isPair))
        #expect(keys.map(\.value) == [Self.ec, Self.rsa(1)])
    }

    @Test("Halves that cannot be distinguished are not paired")
    func twins() {
        var objects = Objects()
        for _ in 0..<2 {
            objects.privateKey(.ec, id: [1], "a")
            objects.publicKey(.ec, id: [1], "a", Self.ec)
        }
        // Either of two halves with the same public key may be used.
        for _ in 0..<2 {
            objects.privateKey(.rsa, id: [2], "b", Self.rsa(1))
            objects.publicKey(.rsa, id: [2], "b", Self.rsa(1))
        }
        let (keys, _) = objects.result()
        #expect(keys.filter(isPair).count == 2)
        #expect(keys.filter(isPair).allSatisfy { $0.value == Self.rsa(1) })
        #expect(keys.count == 6)
    }

    @Test("If one half has no id, halves are paired by their public key, whatever their labels are")
    func value() {
        var objects = Objects()
        objects.publicKey(.rsa, "x", Self.rsa(1))
        objects.publicKey(.rsa, id: [2], "y", Self.rsa(2))
        objects.privateKey(.rsa, "a", Self.rsa(1))
        objects.privateKey(.rsa, "b", Self.rsa(2))
        // Different ids were assigned deliberately.
        objects.privateKey(.rsa, id: [3], "c", Self.rsa(3))
        objects.publicKey(.rsa, id: [4], "c", Self.rsa(3))
        let (keys, _) = objects.result()
        #expect(keys.filter(isPair).map(\.label) == ["a", "b"])
        #expect(keys.count == 4)
    }

    @Test("If one half has no id, halves are paired by their label if no other half has it")
    func label() {
        var objects = Objects()
        objects.privateKey(.ec, "key1")
        objects.publicKey(.ec, "key1", Self.ec)
        // A key of another type with the same label.
        objects.privateKey(.rsa, "key1", Self.rsa(1))
        objects.publicKey(.rsa, "key1", Self.rsa(1))
        // Two with the same label.
        objects.privateKey(.ec, "two")
        objects.privateKey(.ec, "two")
        objects.publicKey(.ec, "two", Self.ec)
        // No public half.
        objects.privateKey(.ec, "")
        objects.publicKey(.ec, "", Self.ec)
        let (keys, _) = objects.result()
        let pairs = keys.filter(isPair)
        #expect(pairs.map(\.label) == ["key1", "key1"])
        #expect(Set(pairs.map(\.value)) == [Self.ec, Self.rsa(1)])
        #expect(keys.count == 2 + 3 + 2)
    }

    @Test("Contradictory halves are never paired")
    func contradictions() {
        var objects = Objects()
        objects.privateKey(.rsa, id: [1], "a", Self.rsa(1))
        objects.publicKey(.rsa, id: [1], "a", Self.rsa(2))
        objects.privateKey(.ec, id: [2], "b")
        objects.publicKey(.rsa, id: [2], "b", Self.rsa(3))
        objects.privateKey(.ec, "c", kind: .ec(.p384))
        objects.publicKey(.ec, "c", Self.ec)
        objects.privateKey(.ec, id: [4], "d")
        objects.publicKey(.ec, id: [5], "d", Self.ec)
        let (keys, _) = objects.result()
        #expect(keys.count == 8 && !keys.contains(where: isPair))
    }

    @Test("Labels are compared by their bytes")
    func normalisation() {
        var objects = Objects()
        objects.privateKey(.ec, "M\u{FC}ller")
        objects.publicKey(.ec, "Mu\u{308}ller", Self.ec)
        #expect(objects.result().0.count == 2)
    }

    @Test("A certificate belongs to the key with its public key, preferably the one with its id")
    func certificateByValue() {
        var objects = Objects()
        objects.publicKey(.rsa, id: [1], "a", Self.rsa(1))
        objects.privateKey(.rsa, id: [2], "b", Self.rsa(1))
        objects.privateKey(.rsa, id: [3], "c", Self.rsa(2))
        objects.certificate(id: [1], "id", Self.rsa(1))
        objects.certificate(id: [3], "value", Self.rsa(1))
        objects.certificate(id: [], "a", Self.rsa(1))
        let (keys, lone) = objects.result()
        #expect(keys.map { $0.certificates.map(\.record.label) } == [["id"], ["value", "a"], []])
        #expect(lone.isEmpty && keys.allSatisfy { $0.mismatchedCertificates.isEmpty })
    }

    @Test("A key without a readable public key takes it from its only certificate")
    func certificateByID() {
        var objects = Objects()
        objects.privateKey(.ec, id: [1], "a")
        objects.certificate(id: [1], "x", Self.ec)
        // After the public key is known, other certificates match it.
        objects.certificate(id: [9], "y", Self.ec)
        objects.privateKey(.rsa, id: [2], "b")
        objects.certificate(id: [2], "x", Self.rsa(1))
        objects.certificate(id: [2], "y", Self.rsa(2))
        let (keys, lone) = objects.result()
        #expect(keys.map(\.value) == [Self.ec, nil])
        #expect(keys.map(\.isValueFromCertificate) == [true, false])
        #expect(keys.map(\.certificates.count) == [2, 0])
        #expect(lone.count == 2, "it is not known which of two certificates is for the key")
    }

    @Test("A certificate without an id is assigned by label if only one key is possible")
    func certificateByLabel() {
        var objects = Objects()
        objects.privateKey(.ec, id: [1], "a")
        objects.certificate("a", Self.ec)
        objects.privateKey(.rsa, "b", Self.rsa(1))
        objects.certificate("b", Self.rsa(2))
        objects.privateKey(.rsa, "c")
        objects.privateKey(.rsa, "c")
        objects.certificate("c", Self.rsa(3))
        objects.privateKey(.rsa, "d")
        objects.certificate(id: [7], "d", Self.rsa(4))
        let (keys, lone) = objects.result()
        #expect(keys.map(\.certificates.count) == [1, 0, 0, 0, 0])
        #expect(lone.map(\.record.label) == ["b", "c", "d"])
    }

    @Test("A certificate is a mismatch only if every key with its id certainly differs")
    func mismatch() {
        var objects = Objects()
        objects.privateKey(.rsa, id: [1], "a", Self.rsa(1))
        objects.certificate(id: [1], "x", Self.rsa(2))
        objects.privateKey(.ec, id: [2], "b")
        objects.certificate(id: [2], "x", Self.rsa(3))
        objects.privateKey(.rsa, id: [3], "c")
        objects.privateKey(.rsa, id: [3], "c", Self.rsa(4))
        objects.privateKey(.rsa, id: [3], "c")
        objects.certificate(id: [3], "x", Self.rsa(5))
        let (keys, lone) = objects.result()
        #expect(keys.filter { !$0.mismatchedCertificates.isEmpty }.map(\.label) == ["a", "b"])
        #expect(lone.count == 1)
    }

    /// Objects that share all their attributes with others: eight for each unit of `count`.
    private static func crowd(_ count: Int) -> Objects {
        var objects = Objects()
        for _ in 0..<count {
            objects.publicKey(.rsa, id: [1], "a", rsa(1))
            objects.publicKey(.ec, "b", ec)
        }
        for _ in 0..<count {
            objects.privateKey(.rsa, id: [1], "a", rsa(1))
            objects.privateKey(.ec, "b")
            objects.privateKey(.ec, id: [2], "c")
            objects.certificate(id: [1], "a", rsa(1))
            objects.certificate(id: [2], "a", rsa(2))
            objects.certificate(id: [1], "a", rsa(3))
        }
        return objects
    }

    /// The processor time of this thread, in seconds, without that of concurrent tests.
    private static func processorTime() -> Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1_000_000_000
    }

    /// The time to pair such objects; checks the pairs.
    private static func timeToPair(_ count: Int) -> Double {
        let objects = crowd(count)
        let start = processorTime()
        let (keys, lone) = objects.result()
        let time = processorTime() - start
        #expect(keys.filter { $0.privateKey != nil && $0.publicKey != nil }.count == count)
        #expect(keys.flatMap(\.certificates).count == count)
        #expect(keys.flatMap(\.mismatchedCertificates).count == 2 * count && lone.isEmpty)
        return time
    }

    // Otherwise the program seems to hang on a token with thousands of objects. Ten times as many take
    // ten times as long, but a hundred times if each object is compared with every other one.
    @Test(
        "8,000 objects with equal attributes are paired in linear time",
        .timeLimit(.minutes(1)))
    func time() {
        // The best of three attempts counts, because the machine may be busy.
        var ratio = Double.infinity
        for _ in 0..<3 where ratio > 20 {
            let few = min(Self.timeToPair(100), Self.timeToPair(100))
            ratio = min(ratio, Self.timeToPair(1000) / few)
        }
        #expect(ratio <= 20)
    }

    @Test("A label that is not UTF-8 is shown with its bytes")
    func labels() {
        #expect(text(ofLabel: Array("Müller 🙂".utf8)) == "Müller 🙂")
        #expect(text(ofLabel: [0x4D, 0xFC, 0x6C]) == "M\\xFCl")
        #expect(text(ofLabel: [0xE2, 0x82]) == "\\xE2\\x82")
        #expect(text(ofLabel: [0xC3, 0x41, 0xC3, 0xA4]) == "\\xC3Aä")
        #expect(text(ofLabel: []).isEmpty)
    }
}
