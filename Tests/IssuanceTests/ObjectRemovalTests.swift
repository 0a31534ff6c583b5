import OpenSSLX509
import Testing

@testable import Cryptoki
@testable import TokencertIssuance
@testable import TokencertTokens

/// The checks before a token is written and after objects are removed.
@Suite struct ObjectRemovalTests {
    // MARK: Tokens that can be written

    private func code(_ body: () throws -> Void) -> IssuanceError.Code? {
        do {
            try body()
            return nil
        } catch {
            return (error as? IssuanceError)?.code ?? .tokenFailed
        }
    }

    private func refusalToRemove(_ token: DescribedToken) -> IssuanceError.Code? {
        code { try ObjectRemoval.requirePossible(token) }
    }

    private func refusalToWrite(
        _ token: DescribedToken, removing removes: Bool = false
    ) -> IssuanceError.Code? {
        code { try requireCertificatesWritable(token, removing: removes) }
    }

    // Otherwise a job would stop in the middle.
    @Test("A write-protected token is refused for writing and for removal")
    func writeProtected() {
        var token = DescribedToken()
        #expect(refusalToWrite(token) == nil && refusalToRemove(token) == nil)
        for flag in [
            TokenFlags.userPINLocked, .userPINFinalTry, .tokenInitialized, .rng,
            .protectedAuthenticationPath,
        ] {
            token.flags = flag
            #expect(refusalToWrite(token) == nil && refusalToRemove(token) == nil, "\(flag)")
        }
        token.flags = [.writeProtected, .userPINInitialized]
        #expect(refusalToWrite(token) == .tokenNotWritable)
        #expect(refusalToRemove(token) == .tokenNotWritable)
        let refusal = code { try requireUnprotected(token.info) }
        #expect(refusal == .tokenNotWritable)
    }

    @Test("A token is written only if its module has every required function")
    func functions() {
        for function in CryptokiFunction.allCases {
            let token = DescribedToken(missingFunctions: [function])
            let toWrite: Set<CryptokiFunction> = [.createObject, .signInit, .sign]
            let isWritten = !toWrite.contains(function)
            #expect(
                refusalToWrite(token) == (isWritten ? nil : .tokenUnsuitable), "\(function)")
            let isRemoved = function != .destroyObject
            #expect(
                refusalToWrite(token, removing: true)
                    == (isWritten && isRemoved ? nil : .tokenUnsuitable), "\(function)")
            #expect(
                refusalToRemove(token) == (isRemoved ? nil : .tokenUnsuitable), "\(function)")
        }
    }

    @Test("A token that its profile marks as not writable is refused for writing and for removal")
    func writers() {
        for writes in [nil, .user, .securityOfficer, .nobody] as [TokenProfile.Writer?] {
            for generates in [nil, .securityOfficer, .nobody] as [TokenProfile.Writer?] {
                let token = DescribedToken.with {
                    $0.writes = writes
                    $0.generates = generates
                }
                let expected: IssuanceError.Code? = writes == .nobody ? .tokenUnsuitable : nil
                #expect(refusalToWrite(token) == expected)
                #expect(refusalToWrite(token, removing: true) == expected)
                #expect(refusalToRemove(token) == expected)
            }
        }
    }

    @Test("The reason names the missing function or the token, and an alternative")
    func reasons() throws {
        var token = DescribedToken.with {
            $0.writes = .nobody
            $0.instead = "another module"
        }
        func writing() throws -> IssuanceError {
            try #require(throws: IssuanceError.self) {
                try requireCertificatesWritable(token, removing: true)
            }
        }
        func removing() throws -> IssuanceError {
            try #require(throws: IssuanceError.self) { try ObjectRemoval.requirePossible(token) }
        }
        let cannotWrite = "this PKCS#11 module cannot write certificates to "
        let cannotRemove = "this PKCS#11 module cannot remove objects from the token"
        #expect(try writing().reason == cannotWrite + "The token")
        #expect(try removing().reason == cannotRemove)
        #expect(try writing().choices == ["another module"])
        #expect(try removing().choices == ["another module"])
        #expect(try writing().step == .plan)
        #expect(try removing().step == .plan)
        token.missingFunctions = [.destroyObject]
        #expect(try writing().reason == cannotWrite + "the token (C_DestroyObject is missing)")
        #expect(try removing().reason == cannotRemove + " (C_DestroyObject is missing)")
        token.missingFunctions = [.sign, .destroyObject]
        #expect(try writing().reason == cannotWrite + "the token (C_Sign is missing)")
    }

    @Test("CA certificates are written only if the token accepts any certificate")
    func chain() {
        let place = TokenProfile.Place(id: "01", name: "a")
        let cases: [(DescribedToken, Bool)] = [
            (DescribedToken(), true), (.with { _ in }, true),
            (.with { $0.places = [place] }, false), (.with { $0.certificatesPerKey = 1 }, false),
            (.with { $0.certificatesPerKey = 2 }, false),
            (.with { $0.hasFixedLabels = true }, true),
        ]
        for (index, (token, isWritten)) in cases.enumerated() {
            let refusal = code { try requirePlaceForChain(true, token) }
            #expect(refusal == (isWritten ? nil : .tokenUnsuitable), "case \(index)")
            let without = code { try requirePlaceForChain(false, token) }
            #expect(without == nil, "case \(index)")
        }
    }

    // MARK: Objects

    private static let token = try! PKCS11URI(parsing: "pkcs11:token=work")

    private static func record(
        _ objectClass: ObjectClass, id: [UInt8] = [1], _ label: String = "mail", handle: UInt = 1
    ) -> ObjectRecord {
        ObjectRecord(
            handle: ObjectHandle(rawValue: handle), objectClass: objectClass, id: id,
            labelBytes: Array(label.utf8), on: ObjectURIs(token: token))
    }

    private static func entry(
        _ value: [UInt8], id: [UInt8] = [1], handle: UInt = 1
    ) -> CertificateEntry {
        CertificateEntry(
            record: record(.certificate, id: id, handle: handle),
            valueHash: Digest.sha256.hash(value), content: nil, obstacle: nil, certificate: nil)
    }

    private static func key(id: [UInt8], _ certificates: [CertificateEntry] = []) -> KeyEntry {
        var key = KeyEntry()
        key.privateKey = record(.privateKey, id: id)
        key.publicKey = record(.publicKey, id: id)
        key.certificates = certificates
        return key
    }

    // If the removal stops early, a certificate without a key is worse than the reverse.
    @Test("Certificates are removed first and private keys last")
    func order() {
        let named = [
            RemovalTarget(Self.record(.privateKey, handle: 1)),
            RemovalTarget(Self.record(.publicKey, handle: 2)),
            RemovalTarget(Self.entry([1], handle: 3)),
            RemovalTarget(Self.record(.privateKey, handle: 4)),
            RemovalTarget(Self.entry([2], handle: 5)),
        ]
        let ordered = RemovalTarget.inOrder(named).map(\.handle.rawValue)
        #expect(ordered == [3, 5, 2, 1, 4])
    }

    private func attributes(
        id: [UInt8]? = [1], label: String? = "mail", value: [UInt8]? = nil
    ) -> Attributes {
        var attributes = Attributes()
        attributes.values[AttributeKey<[UInt8]>.id.type] = id
        attributes.values[AttributeKey<String>.label.type] = label.map { Array($0.utf8) }
        attributes.values[AttributeKey<[UInt8]>.value.type] = value
        return attributes
    }

    // Otherwise another object that received the handle meanwhile would be removed.
    @Test("An object is identified by its id, its label and, for a certificate, its value")
    func description() {
        let key = RemovalTarget(Self.record(.privateKey))
        #expect(key.isDescribed(by: attributes()))
        // The value of a key is never read.
        #expect(key.types.count == 2 && key.isDescribed(by: attributes(value: [9])))
        for other in [
            attributes(id: [2]), attributes(id: []), attributes(id: nil), attributes(label: "Mail"),
            attributes(label: ""), attributes(label: nil), attributes(id: nil, label: nil),
        ] {
            #expect(!key.isDescribed(by: other))
        }
        let bare = RemovalTarget(Self.record(.publicKey, id: [], ""))
        #expect(bare.isDescribed(by: attributes(id: nil, label: nil)))
        #expect(bare.isDescribed(by: attributes(id: [], label: "")))
        #expect(!bare.isDescribed(by: attributes()))
        let certificate = RemovalTarget(Self.entry([7, 8]))
        #expect(certificate.types.count == 3)
        #expect(certificate.isDescribed(by: attributes(value: [7, 8])))
        for value in [[7], [8, 7], [], nil] as [[UInt8]?] {
            #expect(!certificate.isDescribed(by: attributes(value: value)))
        }
        #expect(!certificate.isDescribed(by: attributes(id: [2], value: [7, 8])))
    }

    // MARK: After a removal

    private static func counts(
        _ keys: [KeyEntry], _ certificates: [CertificateEntry] = [], others: Int = 0
    ) -> ObjectCounts {
        ObjectCounts(
            TokenInventory(keys: keys, certificates: certificates, otherObjects: others))
    }

    /// Why a removal is not accepted as successful, or nil.
    private func doubt(
        _ before: ObjectCounts, _ removed: [RemovalTarget], _ after: ObjectCounts,
        hidingKeysOf certificates: [CertificateEntry] = [], onlyPublic: Bool = false
    ) -> String? {
        do throws(IssuanceError) {
            try before.requireOnly(
                removed, goneFrom: after, hidingKeysOf: certificates, onlyPublic: onlyPublic)
            return nil
        } catch {
            return error.code == .notProved && error.step == .remove ? error.reason : "\(error)"
        }
    }

    private static let stays = "the token reports that it removed the objects, but still has them"

    private static func alsoGone(_ count: Int) -> String {
        "the objects were removed, but \(count) other objects are missing, too"
    }

    // Otherwise a key stays unnoticed, or the user loses another one silently.
    @Test("A removal is proved only if the named objects are gone and all others remain")
    func proof() {
        let (one, two) = (Self.key(id: [1]), Self.key(id: [2]))
        let all = Self.counts([one, two], [Self.entry([5]), Self.entry([6], id: [3])], others: 2)
        let named = [
            RemovalTarget(Self.record(.privateKey)), RemovalTarget(Self.record(.publicKey)),
            RemovalTarget(Self.entry([5])),
        ]
        let rest = [Self.entry([6], id: [3])]
        #expect(doubt(all, [], all) == nil)
        #expect(doubt(all, named, Self.counts([two], rest, others: 2)) == nil)
        #expect(doubt(all, named, all) == Self.stays)
        // One half or the certificate remains.
        var half = one
        half.privateKey = nil
        #expect(doubt(all, named, Self.counts([half, two], rest, others: 2)) == Self.stays)
        let certificates = [Self.entry([5])] + rest
        #expect(doubt(all, named, Self.counts([two], certificates, others: 2)) == Self.stays)
        // Another object is gone: a half, a certificate or a key.
        var otherHalf = two
        otherHalf.publicKey = nil
        #expect(
            doubt(all, named, Self.counts([otherHalf], rest, others: 2)) == Self.alsoGone(1))
        #expect(doubt(all, named, Self.counts([two], [], others: 2)) == Self.alsoGone(1))
        #expect(doubt(all, named, Self.counts([], rest, others: 2)) == Self.alsoGone(2))
        // A certificate with a different value is a different certificate.
        let changed = [Self.entry([7], id: [3])]
        #expect(doubt(all, named, Self.counts([two], changed, others: 2)) == Self.alsoGone(1))
        // Objects that are neither keys nor certificates are counted.
        #expect(doubt(all, named, Self.counts([two], rest, others: 0)) == Self.alsoGone(2))
        #expect(doubt(all, named, Self.counts([], rest, others: 1)) == Self.alsoGone(3))
        // Another program may write objects meanwhile.
        let more = Self.counts([two, Self.key(id: [4])], rest + changed, others: 9)
        #expect(doubt(all, named, more) == nil)
    }

    @Test("Of identical objects, exactly the named number is removed")
    func twins() {
        let twins = Self.counts([Self.key(id: [1]), Self.key(id: [1]), Self.key(id: [1])])
        let two = Self.counts([Self.key(id: [1]), Self.key(id: [1])])
        let one = Self.counts([Self.key(id: [1])])
        let named = [
            RemovalTarget(Self.record(.privateKey)), RemovalTarget(Self.record(.publicKey)),
        ]
        #expect(doubt(twins, named, two) == nil)
        #expect(doubt(twins, named, twins) == Self.stays)
        #expect(doubt(twins, named, one) == Self.alsoGone(2))
        #expect(doubt(twins, named + named, one) == nil)
        #expect(doubt(twins, named + named, two) == Self.stays)
        let kind = RemovalTarget(Self.record(.privateKey)).kind
        #expect(one.has(kind) && !Self.counts([]).has(kind))
    }

    // Some modules hide a key without a certificate; its removal could never be proved.
    @Test("A key may disappear together with its certificate, but no other key may")
    func hiddenKeys() {
        let certificate = Self.entry([5])
        let (one, two) = (Self.key(id: [1], [certificate]), Self.key(id: [2]))
        let all = Self.counts([one, two], [], others: 2)
        let named = [RemovalTarget(certificate)]
        let hidden = Self.counts([two], [], others: 2)
        #expect(doubt(all, named, hidden) == Self.alsoGone(2))
        #expect(doubt(all, named, hidden, hidingKeysOf: [certificate]) == nil)
        // OpenSC drops only the public key.
        #expect(
            doubt(all, named, hidden, hidingKeysOf: [certificate], onlyPublic: true)
                == Self.alsoGone(1))
        // The certificate itself must be gone.
        #expect(doubt(all, named, all, hidingKeysOf: [certificate]) == Self.stays)
        let both = Self.counts([], [], others: 2)
        #expect(doubt(all, named, both, hidingKeysOf: [certificate]) == Self.alsoGone(2))
        // Such a module also hides other objects of the slot.
        let fewer = Self.counts([two], [], others: 0)
        #expect(doubt(all, named, fewer, hidingKeysOf: [certificate]) == nil)
        // Objects without an id do not belong to a certificate without one.
        let bare = Self.entry([7], id: [])
        let bareKey = Self.key(id: [], [bare])
        #expect(
            doubt(
                Self.counts([bareKey, two], [], others: 2), [RemovalTarget(bare)], hidden,
                hidingKeysOf: [bare]) != nil)
        // A second certificate with the id is not a key.
        let second = Self.entry([6])
        let withSecond = Self.counts(
            [Self.key(id: [1], [certificate, second]), two], [], others: 2)
        #expect(
            doubt(withSecond, named, hidden, hidingKeysOf: [certificate]) == Self.alsoGone(1))
    }
}
