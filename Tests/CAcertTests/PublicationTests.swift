import Foundation
import Testing
import TokencertTestAuthority
import TokencertTestSupport

@testable import OpenSSLX509
@testable import TokencertCAcert

/// Whether others learn of a revocation. A user who reads that they do does not warn them.
@Suite struct PublicationTests {
    private let folder: TemporaryFolder
    private let root: Certificate
    private let rootKey: HostPrivateKey
    private let now = Int64(Date().timeIntervalSince1970)

    private let good = "http://good.example/"
    private let revoked = "http://revoked.example/"
    private let unknown = "http://unknown.example/"
    private let silent = "http://silent.example/"
    private let list = "http://list.example/revoke.crl"

    init() throws {
        folder = try TemporaryFolder()
        rootKey = try HostPrivateKey.generate(.ec(.p256))
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

    /// A certificate of the root, with a responder and a revocation list if they are given.
    private func leaf(
        _ responder: String?, _ list: String?, endsIn seconds: Int64 = 3600
    ) throws -> Certificate {
        var extensions: [CertificateExtension] = [
            .basicConstraints(isAuthority: false), .authorityKeyIdentifier(rootKey.publicKey),
        ]
        if let responder {
            let access = DER.sequence(
                DER.objectIdentifier("1.3.6.1.5.5.7.48.1"),
                DER.element(0x86, Array(responder.utf8)))
            extensions.append(
                CertificateExtension(
                    known: "1.3.6.1.5.5.7.1.1", isCritical: false,
                    value: DER.element(0x30, access)))
        }
        if let list {
            let point = DER.sequence(
                DER.element(0xA0, DER.element(0xA0, DER.element(0x86, Array(list.utf8)))))
            extensions.append(
                CertificateExtension(
                    known: "2.5.29.31", isCritical: false, value: DER.element(0x30, point)))
        }
        return try rootKey.issue(
            CertificateContent(
                subject: [NameAttribute(.commonName, "Anna")],
                publicKey: try HostPrivateKey.generate(.ec(.p256)).publicKey,
                serialNumber: [0x51, 0x51], notBefore: now - 7200, notAfter: now + seconds,
                extensions: extensions), issuer: root)
    }

    /// Asks about certificates, and returns the answers with the addresses that were asked.
    private func ask(
        _ certificates: [Certificate], _ signed: [UInt8]? = nil, trusting isTrusted: Bool = true,
        knowing isKnown: Bool = true
    ) -> (answers: [Publication], asked: [String]) {
        var check = PublicationCheck(
            anchors: TrustAnchors(isTrusted ? [root] : []), issuers: isKnown ? [root] : [], now: now
        )
        var responders = Responders(folder: folder, lists: signed.map { [list: $0] } ?? [:])
        var answers: [Publication] = []
        for certificate in certificates {
            answers.append(check.publication(of: certificate, through: &responders))
        }
        return (answers, responders.asked)
    }

    private func signed(_ revoked: [(serialNumber: String, time: String)]) throws -> [UInt8] {
        try RevocationListFile(revoked).sign(folder.file("root"), in: folder)
    }

    // MARK: Decisions

    private func answers(
        _ status: RevocationAnswers.Status?, _ reason: String? = nil
    ) -> RevocationAnswers {
        var answers = RevocationAnswers()
        if let status { answers.add(status) }
        answers.reasons = reason.map { [$0] } ?? []
        return answers
    }

    @Test("One source with the revocation is enough, and without one a source must report a status")
    func decisions() {
        var listed = answers(.revoked("on the list"))
        listed.listDates = RevocationAnswers.ListDates(thisUpdate: 100, nextUpdate: 200)
        var unlisted = answers(.good)
        unlisted.listDates = RevocationAnswers.ListDates(thisUpdate: 100, nextUpdate: 200)
        let down = answers(nil, "it is down")
        let stranger = answers(.unknown, "it does not know the certificate")
        let none = answers(nil)
        let cases: [(RevocationAnswers, RevocationAnswers, Publication)] = [
            (
                answers(.revoked("by the responder")), none,
                Publication(status: .published, source: .ocsp)
            ),
            (none, listed, Publication(status: .published, source: .crl, time: 100)),
            (
                down, listed,
                Publication(
                    status: .published, source: .crl, time: 100, reasons: ["it is down"])
            ),
            (
                answers(.good), listed,
                Publication(
                    status: .published, source: .crl, time: 100, isValidAtResponder: true)
            ),
            (none, unlisted, Publication(status: .notYet, source: .crl, time: 200)),
            (
                answers(.good), unlisted,
                Publication(status: .notYet, source: .crl, time: 200, isValidAtResponder: true)
            ),
            (
                stranger, unlisted,
                Publication(
                    status: .notYet, source: .crl, time: 200, reasons: stranger.reasons)
            ),
            (
                answers(.good), down,
                Publication(status: .notYet, source: .ocsp, reasons: ["it is down"])
            ),
            (stranger, none, Publication(status: .unknown, reasons: stranger.reasons)),
            (down, down, Publication(status: .unknown, reasons: ["it is down", "it is down"])),
        ]
        for (responders, lists, expected) in cases {
            #expect(Publication(responders: responders, lists: lists) == expected)
        }
    }

    // MARK: Sources

    @Test("The list is not requested if a responder reports the revocation, and once otherwise")
    func requests() throws {
        let empty = try signed([])
        let full = try signed([("5151", "260102000000Z")])
        let byResponder = ask([try leaf(revoked, list)], full)
        #expect(byResponder.answers == [Publication(status: .published, source: .ocsp)])
        #expect(byResponder.asked == [revoked])
        let both = ask([try leaf(silent, list), try leaf(silent, list)], full)
        #expect(both.answers.map(\.status) == [.published, .published])
        #expect(both.answers.allSatisfy { $0.source == .crl && $0.time != nil }, "\(both)")
        #expect(both.asked == [silent, list])
        for responder in [good, unknown, silent] {
            let seen = ask([try leaf(responder, list)], empty)
            #expect(seen.answers.map(\.status) == [.notYet], "\(responder): \(seen)")
            #expect(seen.answers.first?.source == .crl && seen.asked == [responder, list])
        }
        let onlyGood = ask([try leaf(good, list)])
        #expect(onlyGood.answers.first?.source == .ocsp, "\(onlyGood)")
        #expect(onlyGood.answers.map(\.status) == [.notYet], "\(onlyGood)")
        let nothing = ask([try leaf(silent, list)])
        #expect(nothing.answers.map(\.status) == [.unknown], "\(nothing)")
        #expect(nothing.answers.first?.reasons.count == 2, "\(nothing)")
    }

    // Otherwise a certificate makes this machine connect to any address.
    @Test(
        "Nothing is asked about an expired certificate, or one without a source, a known issuer or an anchor"
    )
    func notAsked() throws {
        let certificate = try leaf(revoked, list)
        let cases: [(seen: (answers: [Publication], asked: [String]), text: String)] = [
            (ask([certificate], trusting: false), "it does not chain to a trust anchor"),
            (ask([certificate], trusting: false, knowing: false), "its issuer is not known"),
            (ask([try leaf(revoked, list, endsIn: -1)]), "it has expired"),
        ]
        for (seen, text) in cases {
            #expect(seen.asked.isEmpty, "\(text): \(seen)")
            #expect(seen.answers.map(\.status) == [.unknown], "\(text): \(seen)")
            #expect(seen.answers.first?.reasons.first?.hasPrefix(text) == true, "\(seen)")
        }
        let silentCertificate = ask([try leaf(nil, nil)])
        #expect(silentCertificate.answers == [Publication(status: .notOffered)])
    }
}
