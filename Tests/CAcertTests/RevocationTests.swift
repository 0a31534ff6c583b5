import Foundation
import Testing
import TokencertTestAuthority
import TokencertTestSupport

@testable import Cryptoki
@testable import OpenSSLX509
@testable import TokencertCAcert
@testable import TokencertTokens

/// Asking responders. A revocation must be reported even if the first responder is down, is not a
/// web server, or does not know the certificate.
@Suite struct RevocationTests {
    private let folder: TemporaryFolder
    private let root: Certificate
    private let rootKey: HostPrivateKey
    private let leafKey: HostPrivateKey
    private let now = Int64(Date().timeIntervalSince1970)

    private let good = "http://good.example/"
    private let revoked = "HTTPS://revoked.example/"
    private let unknown = "http://unknown.example/"
    private let useless = "http://useless.example/"
    private let failing = "http://failing.example/"
    private let silent = "http://silent.example/"
    private let directory = "ldap://localhost/cn=ocsp"

    init() throws {
        folder = try TemporaryFolder()
        rootKey = try HostPrivateKey.generate(.ec(.p256))
        leafKey = try HostPrivateKey.generate(.ec(.p256))
        root = try rootKey.issue(
            CertificateContent(
                subject: [NameAttribute(.commonName, "Root")], publicKey: rootKey.publicKey,
                serialNumber: [1], notBefore: now - 86400, notAfter: now + 86400,
                extensions: [
                    .basicConstraints(isAuthority: true), .keyUsage([.keyCertSign, .cRLSign]),
                    .subjectKeyIdentifier(rootKey.publicKey),
                ]), issuer: nil)
        try folder.write(root.pem, "root.pem")
        try folder.write(rootKey.pem, "root.key")
    }

    /// A certificate on a token, with responders.
    private func entry(
        _ addresses: [String], lists: [String] = [], isAuthority: Bool = false,
        endsIn seconds: Int64 = 3600
    ) throws -> CertificateEntry {
        let access = addresses.flatMap { address in
            DER.sequence(
                DER.objectIdentifier("1.3.6.1.5.5.7.48.1"),
                DER.element(0x86, Array(address.utf8)))
        }
        var extensions: [CertificateExtension] = [
            .basicConstraints(isAuthority: isAuthority),
            .authorityKeyIdentifier(rootKey.publicKey),
        ]
        if !addresses.isEmpty {
            extensions.append(
                CertificateExtension(
                    known: "1.3.6.1.5.5.7.1.1", isCritical: false,
                    value: DER.element(0x30, access)))
        }
        if !lists.isEmpty {
            let points = lists.flatMap { address in
                DER.sequence(
                    DER.element(0xA0, DER.element(0xA0, DER.element(0x86, Array(address.utf8)))))
            }
            extensions.append(
                CertificateExtension(
                    known: "2.5.29.31", isCritical: false, value: DER.element(0x30, points)))
        }
        let certificate = try rootKey.issue(
            CertificateContent(
                subject: [NameAttribute(.commonName, "Anna")], publicKey: leafKey.publicKey,
                serialNumber: [0x51, 0x51], notBefore: now - 7200, notAfter: now + seconds,
                extensions: extensions), issuer: root)
        return CertificateEntry(
            record: ObjectRecord(
                handle: ObjectHandle(rawValue: 1), objectClass: .certificate, id: [1],
                labelBytes: [], on: try ObjectURIs(token: PKCS11URI(parsing: "pkcs11:token=work"))),
            valueHash: [], content: nil, obstacle: nil, certificate: certificate)
    }

    private struct Seen {
        let findings: [Finding]
        let remarks: [String]
        let asked: [String]

        var kinds: [Finding.Kind] { findings.map(\.kind) }
        var text: String { findings.first?.text ?? "" }
    }

    private func look(
        _ entries: [CertificateEntry], anchors: [Certificate]?, lists: [String: [UInt8]] = [:],
        cache: RevocationListCache? = nil
    ) -> Seen {
        var remarks: [String] = []
        let revocation = Revocation(
            anchors: anchors.map { TrustAnchors($0) }, cache: cache, now: now
        ) {
            remarks.append($0)
        }
        var responders = Responders(folder: folder, lists: lists)
        let findings = revocation.findings(
            entries,
            among: TokenInventory(keys: [], certificates: entries, otherObjects: 0),
            through: &responders)
        return Seen(findings: findings, remarks: remarks, asked: responders.asked)
    }

    private func look(_ addresses: [String]) throws -> Seen {
        look([try entry(addresses)], anchors: [root])
    }

    @Test("Every responder that a certificate names is asked until one reports a revocation")
    func order() throws {
        for before in [silent, directory, unknown, useless, failing] {
            let found = try look([before, revoked])
            #expect(found.kinds == [.revoked], "\(before): \(found)")
            #expect(found.text == "the CA revoked it on 2026-01-01")
            let seen = try look([before, good])
            #expect(seen.findings.isEmpty, "\(before): \(seen)")
            #expect(seen.remarks.count == 1 && seen.remarks[0].contains(before), "\(seen)")
        }
        // A responder may not know of a revocation that another one knows.
        for both in [[revoked, good], [good, revoked], [good, silent, revoked]] {
            #expect(try look(both).kinds == [.revoked], "\(both)")
        }
        #expect(try look([revoked, good]).asked == [revoked])
        for known in [[good], [good, silent], [good, unknown]] {
            #expect(try look(known).findings.isEmpty, "\(known)")
        }
    }

    @Test("At most four responders are asked about a certificate")
    func limit() throws {
        let four = (1...4).map { "http://silent\($0).example/" }
        let seen = try look(four + [directory, revoked])
        #expect(seen.kinds == [.revocationUnknown] && seen.asked == four)
        let end = "\(revoked) was not asked: 4 responders were asked before it"
        #expect(seen.text.hasSuffix(end), "\(seen.text)")
    }

    @Test("If no responder reports a status, the finding names each of them with the reason")
    func unanswered() throws {
        let all = try look([silent, useless, directory, failing])
        #expect(all.kinds == [.revocationUnknown] && all.asked == [silent, useless, failing])
        #expect(all.text.hasPrefix("no responder answered"))
        for address in [
            "cannot query \(silent): it is down", "\(useless): ",
            "\(directory) was not asked: not an http:", "\(failing) answered with HTTP 500",
        ] {
            #expect(all.text.contains(address), "\(all.text)")
        }
        let unasked = try look([directory])
        #expect(unasked.kinds == [.revocationUnchecked] && unasked.asked.isEmpty)
        #expect(unasked.text.contains(directory))
        let unheard = try look([unknown, silent])
        #expect(unheard.kinds == [.revocationUnknown])
        #expect(unheard.text.contains("does not know it"), "\(unheard.text)")
    }

    /// Otherwise a certificate on a token can make this machine connect to any address.
    @Test("No responder is asked about an expired certificate or one without a trust anchor")
    func notAsked() throws {
        let leaf = try entry([revoked])
        for anchors in [nil, []] as [[Certificate]?] {
            let seen = look([leaf], anchors: anchors)
            #expect(seen.kinds == [.revocationUnchecked] && seen.asked.isEmpty)
            #expect(seen.text.contains("does not chain to a trust anchor"))
        }
        let expired = look([try entry([revoked], endsIn: -1)], anchors: [root])
        #expect(expired.findings.isEmpty && expired.asked.isEmpty)
        let last = look([try entry([revoked], endsIn: 0)], anchors: [root])
        #expect(last.kinds == [.revoked])
    }

    @Test("A certificate that names no responder is reported, unless it is a CA certificate")
    func noResponder() throws {
        let seen = try look([])
        #expect(seen.kinds == [.revocationUnchecked])
        #expect(seen.text.contains("names neither an OCSP responder"))
        let authority = look([try entry([], isAuthority: true)], anchors: [root])
        #expect(authority.findings.isEmpty)
    }

    @Test("A responder that does not answer is asked only once for any number of certificates")
    func silence() throws {
        let entries = try [[silent], [silent, good], [failing], [failing]].map { try entry($0) }
        let seen = look(entries, anchors: [root])
        #expect(seen.kinds == [.revocationUnknown, .revocationUnknown, .revocationUnknown])
        #expect(seen.asked == [silent, good, failing, failing])
        #expect(seen.remarks == ["cannot query \(silent): it is down"])
    }

    // MARK: Revocation lists

    private let list = "http://list.example/revoke.crl"

    private func signed(_ file: RevocationListFile) throws -> [UInt8] {
        try file.sign(folder.file("root"), in: folder)
    }

    /// Otherwise an attacker who blocks the responder hides that the certificate is revoked.
    @Test("If the responders report no status, the revocation list decides, and a revocation wins")
    func listDecides() throws {
        let revoking = try signed(RevocationListFile([("5151", "260102000000Z,keyCompromise")]))
        let empty = try signed(RevocationListFile())
        for responders in [[], [silent], [unknown], [useless], [failing], [directory]] {
            let leaf = try entry(responders, lists: [list])
            let found = look([leaf], anchors: [root], lists: [list: revoking])
            #expect(found.kinds == [.revoked], "\(responders): \(found)")
            #expect(found.text == "the CA revoked it on 2026-01-02 (keyCompromise)")
            #expect(found.asked.last == list)
            let fine = look([leaf], anchors: [root], lists: [list: empty])
            #expect(fine.findings.isEmpty, "\(responders): \(fine)")
            #expect(fine.remarks.count == responders.count)
            let nothing = look([leaf], anchors: [root])
            #expect(nothing.kinds == [.revocationUnknown], "\(responders): \(nothing)")
            #expect(nothing.text.contains("cannot get \(list): it is down"), "\(nothing.text)")
        }
        // A list of several megabytes is not requested if a responder has decided.
        for (address, kinds) in [(good, []), (revoked, [.revoked])] as [(String, [Finding.Kind])] {
            let seen = look(
                [try entry([address], lists: [list])], anchors: [root], lists: [list: empty])
            #expect(seen.kinds == kinds && seen.asked == [address], "\(seen)")
        }
    }

    @Test("An outdated list proves a revocation other than a hold, and nothing else")
    func outdated() throws {
        let leaf = try entry([], lists: [list])
        let cases: [(entry: String?, days: (from: Double, to: Double), kinds: [Finding.Kind])] = [
            (nil, (-9, -0.9), []), (nil, (-9, -1.1), [.revocationUnknown]),
            ("260101000000Z", (-9, -1.1), [.revoked]),
            ("260101000000Z,holdInstruction,1.2.840.10040.2.1", (-9, -0.9), [.revoked]),
            (
                "260101000000Z,holdInstruction,1.2.840.10040.2.1", (-9, -1.1),
                [.revocationUnknown]
            ),
            (nil, (0.002, 7), []), (nil, (0.01, 7), [.revocationUnknown]),
            ("260101000000Z", (0.01, 7), [.revocationUnknown]),
        ]
        for (time, days, kinds) in cases {
            let revoked = time.map { [(serialNumber: "5151", time: $0)] } ?? []
            let bytes = try signed(RevocationListFile(revoked, from: days.from, to: days.to))
            let seen = look([leaf], anchors: [root], lists: [list: bytes])
            #expect(seen.kinds == kinds, "\(time ?? "good") \(days): \(seen)")
        }
    }

    @Test("A list is requested once for any number of certificates, and the next if it is unusable")
    func listOrder() throws {
        let second = "http://list.example/second.crl"
        let entries = try (1...3).map { _ in try entry([], lists: [list, second]) }
        let empty = try signed(RevocationListFile())
        let seen = look(
            entries, anchors: [root], lists: [list: Array("<html>".utf8), second: empty])
        #expect(seen.findings.isEmpty && seen.asked == [list, second], "\(seen)")
        #expect(seen.remarks.count == 3 && seen.remarks[0].hasPrefix(list), "\(seen)")
        let unchained = look(entries, anchors: nil, lists: [list: empty])
        #expect(unchained.asked.isEmpty)
    }

    /// Otherwise an attacker on the network sends a list from before the revocation, and the
    /// certificate counts as good until that list expires.
    @Test("An older list than the kept one shows nothing, and does not replace it")
    func rollback() throws {
        let second = "http://list.example/second.crl"
        let leaf = try entry([], lists: [list, second])
        let cache = RevocationListCache(folder: folder.file("lists"))
        let hold = "260101000000Z,holdInstruction,1.2.840.10040.2.1"
        func made(_ time: String?, _ number: String, from start: Double) throws -> [UInt8] {
            let revoked = time.map { [(serialNumber: "5151", time: $0)] } ?? []
            var file = RevocationListFile(revoked, from: start)
            file.number = number
            return try signed(file)
        }
        let old = try made(nil, "FF", from: -1)
        let cases: [(entry: String?, number: String, kinds: [Finding.Kind], isReplaced: Bool)] = [
            (nil, "0100", [.revocationUnknown], false), (hold, "0100", [.revocationUnknown], false),
            ("260101000000Z,superseded", "0100", [.revoked], false),
            // By its number, the list from the server is the same or a newer one.
            ("260101000000Z", "FF", [], true), ("260101000000Z", "FE", [], true),
        ]
        for (time, number, kinds, isReplaced) in cases {
            let kept = try made(time, number, from: -0.5)
            cache.keep(kept, list, at: now - 30 * 86_400)
            let seen = look(
                [leaf], anchors: [root], lists: [list: old, second: old], cache: cache)
            #expect(seen.kinds == kinds && seen.asked == [list], "\(number): \(seen)")
            #expect(cache.kept(list, at: now)?.bytes == (isReplaced ? old : kept), "\(number)")
            if kinds == [.revocationUnknown] {
                let day = revocationDay(try CertificateRevocationList(kept).thisUpdate)
                let end = "the CA's server sent an older list than the one of \(day)"
                #expect(seen.text.hasSuffix(end), "\(seen.text)")
            }
        }
    }

    @Test("Numbers of lists are compared by value, and without them the dates decide")
    func age() throws {
        for (lower, higher) in [
            ("00", "01"), ("ff", "0100"), ("09", "0a"), ("00ff", "0100"), ("", "01"),
            ("00ffffffffffffffffff", "01000000000000000000"),
        ] {
            #expect(CertificateRevocationList.isLower(lower, than: higher), "\(lower)")
            #expect(!CertificateRevocationList.isLower(higher, than: lower), "\(lower)")
        }
        #expect(!CertificateRevocationList.isLower("00ff", than: "ff"))
        #expect(!CertificateRevocationList.isLower("ff", than: "00ff"))
        let numbered = try CertificateRevocationList(signed(RevocationListFile(from: -1)))
        let other = try CertificateRevocationList(
            signed(
                RevocationListFile(
                    from: -2,
                    extensions: [
                        "issuingDistributionPoint = critical,@point", "[point]",
                        "fullname = URI:\(list)",
                    ])))
        // Its scope differs, so its number says nothing.
        #expect(other.isOlder(than: numbered) && !numbered.isOlder(than: other))
        #expect(!numbered.isOlder(than: numbered))
    }
}
